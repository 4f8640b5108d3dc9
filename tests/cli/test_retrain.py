import signal
import subprocess
import time

import pandas as pd
import pytest

from automl import load
from automl.registry import Registry

from .conftest import command, environment

OPTIONS = ("--n-jobs", "1", "--time-budget", "60")


@pytest.fixture
def more(penguins, tmp_path):
    """Penguins of another year: the same ones drawn again."""
    frame = pd.read_csv(penguins).sample(300, replace=True, random_state=1)
    frame.to_csv(tmp_path / "more.csv", index=False)
    return frame


def test_the_training_data_again_is_nothing_to_do(run, classifier, penguins, tmp_path):
    outcome = run("retrain", classifier[0], penguins, "--out", "models", "--json", *OPTIONS)
    assert outcome.code == 0, outcome.err
    told = outcome.json
    assert (told["decision"], told["version"], told["challenger"]) == ("nothing", 1, None)
    assert [c["name"] for c in told["checks"] if c["action"] == "nothing"] == ["repeated"]
    (job,) = run("models", "log", "models", "--json").json["jobs"]
    assert (job["decision"], job["reason"]) == ("nothing", told["reason"])
    served = load(tmp_path / "models").predict(pd.read_csv(penguins).drop(columns="species"))
    assert len(served) == 344


def test_data_that_is_refused_exits_3_and_says_why(run, classifier, more):
    name = next(c for c in more.columns if c != "species" and more[c].nunique() > 20)
    text = more.rename(columns={name: f"{name}_"}).to_csv(index=False).encode()
    arguments = ("retrain", classifier[0], "-", "--out", "models", *OPTIONS)
    outcome = run(*arguments, stdin=text)
    assert outcome.code == 3
    assert f"did you mean '{name}_'?" in outcome.error
    assert outcome.out.startswith("refused: there is no column")
    outcome = run(*arguments, "--json", stdin=text)
    assert outcome.json["decision"] == "refused"
    assert outcome.json["error"]["code"] == "data"


def test_a_challenger_that_does_not_win_exits_5(run, classifier, more):
    pair = next(c for c in more.columns if more[c].nunique() == 2)
    options = ("--mode", "refit", "--margin", "9", "--slice", pair, "--json", *OPTIONS)
    outcome = run("retrain", classifier[0], "more.csv", "--out", "models", *options)
    assert outcome.code == 5, outcome.err
    assert outcome.json["decision"] == "kept"
    assert outcome.json["interval"][0] <= outcome.json["difference"]
    assert run("models", "list", "models", "--json").json["current"] == 1


def test_a_damaged_line_is_left_out_as_in_fit(run, classifier, more, tmp_path):
    with (tmp_path / "more.csv").open("a") as file:
        file.write("far,too,many,cells," * 9 + "\n")
    options = ("--mode", "refit", "--margin", "9", *OPTIONS)
    assert run("retrain", classifier[0], "more.csv", "--out", "models", *options).code == 5


def test_checks_come_from_the_configuration_file(run, classifier, tmp_path, penguins):
    (tmp_path / "job.toml").write_text('[retrain.checks]\nrepeated = "refuse"\n')
    options = ("--out", "models", "--config", "job.toml", *OPTIONS)
    assert run("retrain", classifier[0], penguins, *options).code == 3


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('[retrain.checks]\nrepeted = "warn"\n', "did you mean 'repeated'?"),
        ('[retrain]\nmode = "auto"\n', "one key, checks"),
        ('mode = "nightly"\n', "'nightly' is not allowed"),
        ("windows = 3\n", "did you mean 'window'?"),
    ],
)
def test_a_wrong_configuration_exits_2(run, tmp_path, text, word):
    (tmp_path / "job.toml").write_text(text)
    outcome = run("retrain", "run", "data.csv", "--out", "models", "--config", "job.toml")
    assert outcome.code == 2
    assert word in outcome.error


def test_what_is_no_champion_or_has_no_registry(run, classifier, penguins, tmp_path):
    assert "no can't be read" in run("retrain", "no", penguins, "--out", "models").error
    assert not (tmp_path / "models").exists()
    assert "name one" in run("retrain", classifier[0], penguins).error


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "moments"), [(signal.SIGKILL, (0.5, 3.0)), (signal.SIGTERM, (1.5,))]
)
def test_a_job_that_is_killed_leaves_the_champion_serving(
    run, classifier, more, tmp_path, number, moments
):
    arguments = ("more.csv", "--out", "models", "--mode", "refit", *OPTIONS)
    for after in moments:
        job = subprocess.Popen(
            command("retrain", classifier[0], *arguments),
            cwd=tmp_path,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(after)
        job.send_signal(number)
        job.wait(20)
        if (tmp_path / "models" / "registry.json").exists():
            registry = Registry.open(tmp_path / "models")
            assert registry.current is None or registry.current.load()
    champion = classifier[0]
    if (tmp_path / "models" / "registry.json").exists() and registry.current is not None:
        champion = "models"
    assert run("retrain", champion, *arguments).code in (0, 5)
