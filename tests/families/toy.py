"""A small family that keeps the contract, and families that break it in one way each."""

import pickle
import threading
import time

import numpy as np

from automl.families import Family, Start
from automl.families._arrays import pack, unpack
from automl.families.linear import apply_link

LINKS = {"binary": "logistic", "multiclass": "softmax", "regression": "identity"}


class DescentModel:
    def __init__(self, weights, link):
        self.weights, self.link = weights, link

    def predict(self, X, *, n_threads=1):
        # element by element: a row alone then gives the same bits as in a batch
        rows = np.column_stack([X.astype(np.float64), np.ones(len(X))])
        sums = (rows[:, :, None] * self.weights[None]).sum(axis=1)
        return apply_link(sums, self.link)

    def save(self):
        return {"descent.npz": pack({"weights": self.weights, "link": np.array(self.link)})}


class Descent(Family):
    """Linear models by plain gradient descent."""

    name = "descent"
    ignores_stop = False
    shown_steps = staticmethod(lambda step: step)

    def encoding(self, params):
        return "scaled"

    def starts(self, problem):
        return [Start({"rate": 0.3}, rank=0)]

    def suggest(self, trial, problem):
        return {"rate": trial.suggest_float("rate", 0.05, 0.5)}

    def fit(self, params, data, watch, *, problem, resources):
        X = np.column_stack([data.train_X.astype(np.float64), np.ones(len(data.train))])
        y = data.train_y[:, None]
        if problem.task == "multiclass":
            y = y == np.arange(problem.n_classes)
        share = self.shares(data)
        link, model, best = LINKS[problem.task], None, None
        weights = self.rng(resources.seed).normal(0, 1e-3, (X.shape[1], problem.n_outputs))
        for step in watch.steps(60):
            error = apply_link(X @ weights, link) - y
            weights = weights - params["rate"] * (X * share[:, None]).T @ error
            model = DescentModel(weights, link)
            if not watch.validates:
                if watch.out_of_time():
                    break
                continue
            stop = watch.observe(self.shown_steps(step), model.predict(data.valid_X))
            best = model if watch.best_step == self.shown_steps(step) else best
            if stop and not self.ignores_stop:
                break
        return self.chosen(best, model)

    def chosen(self, best, last):
        return best or last

    def rng(self, seed):
        return np.random.default_rng(seed)

    def shares(self, data):
        weight = data.train_weight
        weight = np.ones(len(data.train)) if weight is None else weight
        return weight / weight.sum()

    def load(self, files):
        arrays = unpack(files["descent.npz"])
        return DescentModel(arrays["weights"], str(arrays["link"]))


class IgnoresSeed(Descent):
    def rng(self, seed):
        return np.random.default_rng()


class IgnoresWeights(Descent):
    def shares(self, data):
        return np.full(len(data.train), 1 / len(data.train))


class IgnoresStop(Descent):
    ignores_stop = True


class ReturnsLast(Descent):
    def chosen(self, best, last):
        return last


class ReturnsLastOfOthers(Descent):
    """Only where the parameters are not those of the first starting configuration."""

    def starts(self, problem):
        return [*super().starts(problem), Start({"rate": 0.2}, rank=1)]

    def fit(self, params, data, watch, *, problem, resources):
        self.rate = params["rate"]
        return super().fit(params, data, watch, problem=problem, resources=resources)

    def chosen(self, best, last):
        return last if self.rate == 0.2 else super().chosen(best, last)


class CountsBackwards(Descent):
    shown_steps = staticmethod(lambda step: 100 - step)


class NeverCounts(Descent):
    shown_steps = staticmethod(lambda step: 1)


class TripsOverMissing(Descent):
    def encoding(self, params):
        return "tree"


class LosesPrecision(Descent):
    def load(self, files):
        model = super().load(files)
        model.weights = model.weights.astype(np.float32)
        return model


class _PickledModel(DescentModel):
    def save(self):
        return {"model.bin": pickle.dumps((self.weights, self.link))}


class Pickles(Descent):
    def chosen(self, best, last):
        model = best or last
        return _PickledModel(model.weights, model.link)

    def load(self, files):
        return _PickledModel(*pickle.loads(files["model.bin"]))


class _EscapingModel(DescentModel):
    def save(self):
        return {f"../{name}": content for name, content in super().save().items()}


class WritesElsewhere(Descent):
    def chosen(self, best, last):
        model = best or last
        return _EscapingModel(model.weights, model.link)


class TakesThreads(Descent):
    def rng(self, seed):
        def work():
            end = time.thread_time() + 0.06
            while time.thread_time() < end:
                pass

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        return super().rng(seed)


class ForgetsAClass(Descent):
    def fit(self, params, data, watch, *, problem, resources):
        model = super().fit(params, data, watch, problem=problem, resources=resources)
        seen = np.unique(data.train_y)
        if problem.task == "multiclass":
            model.weights = model.weights[:, seen]
        return model


class ProposesOddThings(Descent):
    def suggest(self, trial, problem):
        return {"rate": np.float32(trial.suggest_float("rate", 0.05, 0.5))}


class StartsOutside(Descent):
    def starts(self, problem):
        return [Start({"rate": 0.9}, rank=0)]


class StartsOutOfOrder(Descent):
    def starts(self, problem):
        return [Start({"rate": 0.3}, rank=2), Start({"rate": 0.2}, rank=1)]


class Suits(Descent):
    def supports(self, problem):
        return False


class LearnsNothing(Descent):
    def shares(self, data):
        return np.zeros(len(data.train))


class PeeksOutOfBag(Descent):
    out_of_bag = True

    def supports(self, problem):
        return problem.task == "regression"

    def fit(self, params, data, watch, *, problem, resources):
        if not data.out_of_bag:
            return super().fit(params, data, watch, problem=problem, resources=resources)
        watch.observe(1, data.y[data.valid][:, None])
        return DescentModel(np.zeros((data.matrix.shape[1] + 1, 1)), "identity")


class WorksLessOnMore(Descent):
    def work(self, params, problem, *, width=None):
        return 1e6 / problem.n_rows


class WorksForNothing(Descent):
    def work(self, params, problem, *, width=None):
        return problem.n_rows - 12.0


class NeedsNothing(Descent):
    def memory(self, params, problem, *, width=None, itemsize=4):
        return float("nan")


class CostsNothing(Descent):
    unit_seconds = 0.0


class NeverSurprised(Descent):
    work_spread = 0.0
