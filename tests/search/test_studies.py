"""Starting configurations and proposals, kept in Optuna's own journal."""

import json
import subprocess
import sys

import optuna
import pytest

from automl.families import BUILT_IN, Problem, get_family
from automl.search import open_journal
from automl.search._race import no_pruner
from automl.search._studies import Studies

COMPLETE, PRUNED = optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED
PROBLEM = Problem("binary", n_rows=400, n_columns=8, n_classes=2)
FAMILIES = [get_family(n) for n in BUILT_IN if n != "constant"]


def make(path, families=FAMILIES, seed=0, *, maximize=False, first=()):
    return Studies(
        families,
        PROBLEM,
        storage=open_journal(path),
        pruner=no_pruner(),
        maximize=maximize,
        seed=seed,
        first=first,
    )


@pytest.fixture
def journal(tmp_path):
    return tmp_path / "journal.log"


def test_starts_come_in_the_order_of_their_rank(journal):
    studies = make(journal)
    ranks = [start.rank for start, _ in studies.waiting]
    assert ranks == sorted(ranks)
    assert {family.name for _, family in studies.waiting} == {f.name for f in FAMILIES}
    expected = [(family.name, start.params) for start, family in studies.waiting]
    for name, params in expected:
        family, taken, record = studies.take_start()
        assert family.name == name
        assert params.items() <= taken.items()
        studies.tell(name, record, 0.5, COMPLETE)
    assert not studies.waiting


def test_a_start_can_be_taken_out_of_turn(journal):
    studies = make(journal)
    before = studies.waiting
    family, params, _ = studies.take_start(2)
    assert family is before[2][1]
    assert before[2][0].params.items() <= params.items()
    assert studies.waiting == before[:2] + before[3:]


def test_starts_of_all_tasks_lie_in_their_space_without_a_warning(tmp_path, recwarn):
    for n_rows in (20, 400, 100_000):
        for task, n_classes in (("binary", 2), ("multiclass", 4), ("regression", 0)):
            problem = Problem(task, n_rows, 8, n_classes)
            for family in FAMILIES:
                study = optuna.create_study()
                for start in family.starts(problem):
                    study.enqueue_trial(start.params)
                    params = family.suggest(study.ask(), problem)
                    assert start.params.items() <= (start.params | params).items()
    assert not [w for w in recwarn if "out of range" in str(w.message)]


def test_proposals_lie_in_the_space_and_differ(journal):
    studies = make(journal)
    for family in FAMILIES:
        seen = set()
        for i in range(12):
            _, params, record = studies.propose(family.name)
            stored = record.storage.get_trial(record._trial_id) if i == 0 else None
            if stored is not None:
                assert stored.params == {k: v for k, v in params.items() if k in stored.params}
            for name, distribution in record.distributions.items():
                assert distribution._contains(distribution.to_internal_repr(params[name]))
            seen.add(json.dumps(params, sort_keys=True))
            studies.tell(family.name, record, 0.1 * i, COMPLETE)
        assert len(seen) > 8


def test_the_seed_decides_the_proposals(tmp_path):
    def proposals(name, seed):
        studies = make(tmp_path / name, seed=seed)
        found = []
        for i in range(8):
            _, params, record = studies.propose("lightgbm")
            studies.tell("lightgbm", record, float(i), COMPLETE)
            found.append(params)
        return found

    assert proposals("a", 1) == proposals("b", 1)
    assert proposals("c", 2) != proposals("d", 1)


@pytest.mark.parametrize("maximize", [False, True])
def test_another_process_reads_the_journal(journal, maximize):
    studies = make(journal, maximize=maximize)
    family, params, record = studies.take_start()
    record.report(0.7, 1)
    record.report(0.6, 1_000_000)
    studies.tell(family.name, record, 0.6, COMPLETE)
    _, proposed, other = studies.propose(family.name)
    other.set_user_attr("reason", "behind others")
    studies.tell(family.name, other, None, PRUNED)
    code = (
        "import json, sys, optuna\n"
        "from optuna.storages import JournalStorage\n"
        "from optuna.storages.journal import JournalFileBackend\n"
        "storage = JournalStorage(JournalFileBackend(sys.argv[1]))\n"
        "study = optuna.load_study(study_name=sys.argv[2], storage=storage)\n"
        "print(json.dumps([study.direction.name, [[t.state.name, t.value, t.params,\n"
        "    sorted(t.intermediate_values.items()), t.user_attrs] for t in study.trials]]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(journal), family.name],
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    direction, (first, second) = json.loads(done.stdout)
    assert direction == ("MAXIMIZE" if maximize else "MINIMIZE")
    assert first[:2] == ["COMPLETE", 0.6]
    assert first[2].items() <= params.items()
    assert first[2]
    assert first[3] == [[1, 0.7], [1_000_000, 0.6]]
    assert second[0] == "PRUNED"
    assert second[2].items() <= proposed.items()
    assert second[4] == {"reason": "behind others"}


def test_all_families_share_one_journal(journal):
    make(journal)
    names = optuna.get_all_study_names(open_journal(journal))
    assert sorted(names) == sorted(f.name for f in FAMILIES)


def test_given_starts_come_before_all_others_and_are_told_to_the_sampler(journal):
    params = {"num_leaves": 7, "learning_rate": 0.05}
    studies = make(journal, first=[("lightgbm", params), ("linear", {})])
    usual = len(make(journal.with_name("other.log")).waiting)
    assert [family.name for _, family in studies.waiting[:2]] == ["lightgbm", "linear"]
    assert len(studies.waiting) == usual + 2
    family, taken, trial = studies.take_start()
    assert (family.name, taken["num_leaves"], taken["learning_rate"]) == ("lightgbm", 7, 0.05)
    assert trial.params["num_leaves"] == 7


def test_what_would_be_the_same_model_is_proposed_once(journal):
    problem = Problem("binary", n_rows=400, n_columns=3, n_classes=2)
    forest = get_family("random_forest")
    studies = Studies(
        [forest],
        problem,
        storage=open_journal(journal),
        pruner=no_pruner(),
        maximize=False,
        seed=0,
    )
    found = []
    for i in range(10):
        _, params, record = studies.propose(forest.name)
        studies.tell(forest.name, record, float(i), COMPLETE)
        found.append(forest.effective(params, problem))
    assert {params["max_features"] for params in found} <= {1, 2, 3}
    assert all(params not in found[:i] for i, params in enumerate(found))
