"""``automl doctor``."""

from automl.cli.doctor import as_text


def test_it_tells_what_there_is_as_json(run):
    facts = run("doctor", "--json").json
    assert list(facts) == ["python", "cores", "memory_bytes", "driver", "devices", "backends"]
    assert facts["cores"] >= 1
    assert set(facts["backends"]) == {"xgboost", "lightgbm"}
    for backend in facts["backends"].values():
        assert set(backend) == {"version", "build", "usable", "reason", "install"}
        assert backend["usable"] or backend["reason"]


def test_people_get_a_line_per_backend_and_the_line_that_would_help():
    facts = {
        "python": "3.12.1",
        "cores": 8,
        "memory_bytes": 2**34,
        "driver": {"cuda": "13.0", "reason": ""},
        "devices": [
            {
                "number": 0,
                "name": "NVIDIA H200",
                "capability": "9.0",
                "memory_bytes": 140 * 2**30,
                "free_bytes": 2**36,
            }
        ],
        "backends": {
            "xgboost": {"version": "3.4.1", "usable": True, "reason": "", "install": ""},
            "lightgbm": {"version": "4.7.0", "usable": False, "reason": "why", "install": "how"},
        },
    }
    text = as_text(facts)
    assert "memory    16.0 GiB" in text
    assert "cuda:0    NVIDIA H200, compute capability 9.0, 140.0 GiB, 64.0 GiB free" in text
    assert "xgboost   3.4.1 trains on CUDA" in text
    assert "lightgbm  4.7.0 trains on the CPU: why\n          to change that: how" in text
