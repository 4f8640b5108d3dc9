"""The log of jobs: bounded, whole lines only, and never in the way of a job."""

import json

import pytest

from automl.registry import Registry, _jobs


def reasons(registry):
    return [job["reason"] for job in registry.jobs()]


def test_a_job_is_on_record_with_its_time_and_process(serving):
    assert serving.jobs() == []
    with serving.lock("nightly"):
        serving.log_job({"decision": "refused", "reason": "half is missing", "share": 0.5})
    (job,) = Registry.open(serving.path).jobs()
    assert (job["decision"], job["reason"], job["share"]) == ("refused", "half is missing", 0.5)
    assert job["by"]["owner"] == "nightly"
    assert job["time"].startswith("20")
    assert len(serving.history()) == 4  # the journal is of changes, and this is none


def test_only_the_latest_jobs_stay(registry, monkeypatch):
    monkeypatch.setattr(_jobs, "MOST", 4)
    monkeypatch.setattr(_jobs, "SPARE", 3)
    lengths = []
    for number in range(12):
        registry.log_job({"reason": str(number)})
        lengths.append(len(registry.jobs()))
        assert reasons(registry)[-1] == str(number)
    assert max(lengths) == 6
    assert reasons(registry) == [str(n) for n in range(12 - lengths[-1], 12)]
    assert not list((registry.path / "work").iterdir())


def test_a_line_that_was_cut_off_hurts_no_other(registry):
    registry.log_job({"reason": "whole"})
    with (registry.path / "jobs.jsonl").open("a") as file:
        file.write('{"reason": "cut o')
    assert reasons(registry) == ["whole"]
    registry.log_job({"reason": "next"})
    assert reasons(registry) == ["whole", "next"]


def test_a_long_reason_is_cut(registry):
    registry.log_job({"reason": "a" * 10_000, "score": float("nan")})
    (line,) = (registry.path / "jobs.jsonl").read_text().splitlines()
    assert len(line) < 3000
    assert json.loads(line)["score"] is None


def test_what_can_t_be_written_is_only_a_warning(registry, caplog):
    (registry.path / "jobs.jsonl").mkdir()
    registry.log_job({"reason": "none"})
    assert "The log of jobs can't be written" in caplog.text
    assert registry.jobs() == []


@pytest.mark.parametrize("content", ["", "no json\n", "[1]\n"])
def test_a_damaged_log_is_as_good_as_none(registry, content):
    (registry.path / "jobs.jsonl").write_text(content)
    assert registry.jobs() == []
