"""What studies and the bandit are told, and when."""

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.families import Problem, get_family
from automl.search import Trial, TrialState, open_journal
from automl.search._bandit import Bandit
from automl.search._ledger import FAILURES, Ledger
from automl.search._race import no_pruner
from automl.search._studies import Studies

PROBLEM = Problem("binary", n_rows=400, n_columns=8, n_classes=2)
FAMILY = get_family("lightgbm")
N_TRIALS = 8


class Books:
    """A ledger with a real study, whose trials are opened and ended by hand."""

    def __init__(self, lag, storage=None):
        self.studies = Studies(
            [FAMILY],
            PROBLEM,
            storage=storage or optuna.storages.InMemoryStorage(),
            pruner=no_pruner(),
            maximize=False,
            seed=0,
        )
        self.bandit = Bandit([FAMILY.name], seed=0)
        self.aside = []
        self.ledger = Ledger(
            self.studies,
            self.bandit,
            cost=lambda t: float(t.number),
            lag=lag,
            on_aside=self.aside.append,
        )
        self.trials = []

    def open(self):
        _, params, record = self.studies.propose(FAMILY.name)
        trial = Trial(len(self.trials) + 1, FAMILY, params, 5, record=record)
        self.trials.append(trial)
        return trial

    def end(self, trial, state=TrialState.COMPLETE):
        trial.state = state
        trial.score = 0.5 if state is TrialState.COMPLETE else float("nan")
        self.ledger.end(trial, trial.score if state is TrialState.COMPLETE else None)

    @property
    def told(self):
        """Numbers of the trials that the bandit knows of, in the order in which it was told."""
        return [int(seconds) for seconds in self.bandit.accounts[FAMILY.name].seconds]


@given(st.integers(1, 4), st.randoms(use_true_random=False))
@settings(max_examples=6, deadline=None)
def test_with_a_lag_what_a_trial_may_know_depends_on_its_number_alone(lag, random):
    books, running = Books(lag), []
    while len(books.trials) < N_TRIALS or running:
        number = len(books.trials) + 1
        if number <= N_TRIALS and books.ledger.may_begin(number):
            assert books.told == list(range(1, number - lag + 1))
            running.append(books.open())
            assert len(running) <= lag
        else:
            books.end(running.pop(random.randrange(len(running))))
    books.ledger.settle(N_TRIALS)
    assert books.told == list(range(1, N_TRIALS + 1))


def test_without_a_lag_everything_is_told_at_once(tmp_path):
    books = Books(None, open_journal(tmp_path / "journal.log"))
    first, second = books.open(), books.open()
    books.end(second, TrialState.PRUNED)
    assert books.told == [2]
    assert books.ledger.may_begin(99)
    books.end(first)
    assert books.told == [2, 1]
    study = optuna.load_study(
        study_name="lightgbm", storage=open_journal(tmp_path / "journal.log")
    )
    assert [t.state.name for t in study.trials] == ["COMPLETE", "PRUNED"]


@pytest.mark.parametrize("between", [None, TrialState.COMPLETE, TrialState.STOPPED])
def test_a_family_is_put_aside_when_it_fails_again_and_again(between):
    books = Books(None)
    states = [TrialState.FAILED] * FAILURES
    if between is not None:
        states.insert(1, between)
    for state in states:
        assert not books.ledger.aside
        books.end(books.open(), state)
    aside = between is not TrialState.COMPLETE
    assert list(books.ledger.aside) == (["lightgbm"] if aside else [])
    assert books.aside == (books.trials[-1:] if aside else [])
