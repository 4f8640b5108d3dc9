from automl.report import version_text, versions_text

BY = {"owner": "retrain", "pid": 7, "host": "a", "command": "automl retrain"}
ROW = {
    "version": 2,
    "damaged": None,
    "created": "2026-01-02T03:04:05.678+00:00",
    "by": BY,
    "parent": 1,
    "metric": "rmse",
    "score": 0.25,
    "n_rows": 1200,
    "decision": {"decision": "promoted"},
}
LISTED = {"registry": "/r", "current": 2, "versions": [], "job": None}


def test_the_version_that_serves_is_marked_and_damage_shown():
    damaged = {"version": 1, "damaged": "manifest.json was changed"}
    text = versions_text(LISTED | {"versions": [damaged, ROW]})
    assert [line.split() for line in text.splitlines()] == [
        ["version", "created", "score", "metric", "rows", "parent", "by"],
        ["1", "damaged"],
        ["*", "2", "2026-01-02", "03:04:05", "0.25", "rmse", "1,200", "1", "retrain", "promoted"],
    ]


def test_an_empty_registry_and_a_job_at_work_are_told():
    text = versions_text(LISTED | {"job": BY | {"since": "now"}})
    assert text.splitlines() == [
        "no versions yet in /r",
        "at work: retrain (process 7 on a, since now)",
    ]
    assert versions_text(LISTED | {"job": {}}).endswith("at work: another job")


def test_one_version_is_told_in_full():
    model = {
        "metric": {"name": "rmse"},
        "score": None,
        "score_interval": None,
        "n_rows": 1200,
        "seed": 0,
        "members": [{"name": "linear-1", "weight": 1.0, "params": {"a": 1}}],
        "columns": {"x": "numeric"},
        "automl": "0.1.0",
    }
    event = {"time": "2026-01-02T03:04:05", "action": "promote", "by": BY, "reason": "better"}
    text = version_text(
        {
            "version": 2,
            "serves": True,
            "created": ROW["created"],
            "by": BY,
            "parent": None,
            "model": model,
            "lineage": {"data": {"n_rows": 5}, "parent": None},
            "decision": {"difference": 0.5},
            "surroundings": {"python": "3.11", "git": {"commit": "ab" * 20, "changed": True}},
            "history": [event],
            "path": "/r/versions/0002/model.automl",
        }
    )
    assert [line.split(maxsplit=1) for line in text.splitlines()] == [
        ["version", "2, serves"],
        ["created", "2026-01-02 03:04:05 by retrain (process 7 on a)"],
        ["parent", "none"],
        ["score", "rmse nan"],
        ["trained", "1,200 rows, seed 0"],
        ["member", '1.00 linear-1 {"a": 1}'],
        ["columns", "1"],
        ["data", '{"n_rows": 5}'],
        ["decision", "difference  0.5"],
        ["made", "with            automl 0.1.0, Python 3.11"],
        ["git", "abababababab, with changes"],
        ["history", "2026-01-02 03:04:05 promote by retrain (process 7 on a): better"],
        ["file", "/r/versions/0002/model.automl"],
    ]
