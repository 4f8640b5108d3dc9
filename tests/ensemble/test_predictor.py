"""From a table of the user to predictions."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest

from automl.ensemble import Member, Predictor
from automl.ensemble._predictor import Encoded
from automl.exceptions import DataError, SchemaError
from automl.families import FitData, Problem, Resources, Watch, get_family
from automl.features import fit_encoder
from automl.table import Schema, Target

N = 120
ROWS = np.arange(N), np.arange(0)
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame({"a": RNG.normal(size=N), "city": RNG.choice(["x", "y", "z"], N)})
TARGETS = {
    "binary": np.where(FRAME["a"] > 0, "up", "down"),
    "multiclass": FRAME["city"].str.upper().to_numpy(),
    "regression": 10 * FRAME["a"].to_numpy() + (FRAME["city"] == "x"),
}


def member(name, table, codes, problem, *, weight, parts):
    family = get_family(name)
    params = dict(family.starts(problem)[0].params)
    kind = family.encoding(params)
    encoder = fit_encoder(kind, table)
    files = []
    for part in range(parts):
        train = np.flatnonzero(np.arange(N) % 3 != part)
        data = FitData(encoder.transform(table), codes, train, train[:0])
        watch = Watch(None, limit=20)
        model = family.fit(params, data, watch, problem=problem, resources=Resources())
        files.append(model.save())
    return Member(name, name, kind, params, weight, tuple(files)), {kind: encoder}


@pytest.fixture(scope="module", params=TARGETS)
def fitted(request):
    y = TARGETS[request.param]
    schema = Schema.infer(FRAME)
    target, codes, _ = Target.fit(y)
    assert target.task == request.param
    table = schema.apply(FRAME, fitting=True)
    n_classes = 0 if target.classes is None else len(target.classes)
    problem = Problem(target.task, N, 2, n_classes)
    linear, some = member("linear", table, codes, problem, weight=0.75, parts=2)
    boosted, more = member("lightgbm", table, codes, problem, weight=0.25, parts=1)
    return Predictor(schema, target, some | more, [linear, boosted])


def test_members_are_blended_by_weight_and_models_averaged(fitted):
    table = fitted.schema.apply(FRAME)
    expected = 0.0
    for each in fitted.members:
        X = fitted.encoders[each.encoding].transform(table).values
        models = [get_family(each.family).load(f).predict(X) for f in each.files]
        expected = expected + each.weight * np.mean(models, axis=0)
    np.testing.assert_allclose(fitted.predict_raw(FRAME), expected, rtol=1e-6, atol=1e-9)


def test_a_row_is_predicted_alike_alone(fitted):
    batch = fitted.predict_raw(FRAME)
    for i in (0, 7, 50):
        np.testing.assert_allclose(fitted.predict_raw(FRAME.iloc[[i]])[0], batch[i], rtol=1e-6)


def test_threads_predict_the_same(fitted):
    many = pd.concat([FRAME.assign(more=FRAME["city"], again=FRAME["city"])] * 60)
    schema = Schema.infer(many)
    for name in ("lightgbm", "linear"):
        y = fitted.target.decode(np.tile(fitted.target.encode(TARGETS[fitted.target.task]), 60))
        target, codes, _ = Target.fit(y)
        table = schema.apply(many, fitting=True).take(slice(0, N))
        n_classes = 0 if target.classes is None else len(target.classes)
        problem = Problem(target.task, N, 4, n_classes)
        alone, encoders = member(name, table, codes[:N], problem, weight=1.0, parts=1)
        predictor = Predictor(schema, target, encoders, [alone])
        np.testing.assert_array_equal(
            predictor.predict_raw(many, n_threads=2), predictor.predict_raw(many)
        )
        many["again"] = ["x"] * (len(many) - 1) + [["x"]]
        with pytest.raises(SchemaError, match=f"row {len(many) - 1} "):
            predictor.predict_raw(many, n_threads=2)
        many["again"] = many["city"]


def test_labels_and_probabilities(fitted):
    raw = fitted.predict_raw(FRAME)
    labels = fitted.decide(raw)
    assert labels.shape == (N,)
    if fitted.target.classes is None:
        np.testing.assert_array_equal(labels, raw[:, 0])
        return
    shares = fitted.probabilities(raw)
    assert shares.shape == (N, len(fitted.target.classes))
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    np.testing.assert_array_equal(labels, fitted.target.classes[shares.argmax(axis=1)])
    assert (labels == TARGETS[fitted.target.task]).mean() > 0.8


def test_columns_are_found_by_name_and_missing_ones_named(fitted):
    mixed = FRAME.assign(more=1)[["more", "city", "a"]]
    np.testing.assert_array_equal(fitted.predict_raw(mixed), fitted.predict_raw(FRAME))
    with pytest.raises(SchemaError, match="'city'"):
        fitted.predict_raw(FRAME[["a"]])


@pytest.mark.parametrize("n_threads", [1, 2])
def test_infinite_values_are_refused(fitted, n_threads):
    many = pd.concat([FRAME] * 500, ignore_index=True)
    many.loc[[40_000, 50_001], "a"] = np.inf
    for members in (fitted.members, fitted.members[:1], fitted.members[1:]):
        predictor = Predictor(fitted.schema, fitted.target, fitted.encoders, members)
        with pytest.raises(DataError, match=r"'a' has inf in row 40000 .* 2 such rows"):
            predictor.predict_raw(many, n_threads=n_threads)


def test_a_model_that_looks_at_no_column_refuses_infinity_too(fitted):
    constant, table = get_family("constant"), fitted.schema.apply(FRAME)
    encoder = fit_encoder("none", table)
    problem = Problem("regression", N, 2)
    data = FitData(encoder.transform(table), RNG.normal(size=N), *ROWS)
    model = constant.fit({}, data, Watch(None), problem=problem, resources=Resources())
    member = Member("constant", "constant", "none", {}, 1.0, (model.save(),))
    target = Target.fit(RNG.normal(size=N))[0]
    predictor = Predictor(fitted.schema, target, {"none": encoder}, [member])
    assert len(predictor.predict_raw(FRAME)) == N
    with pytest.raises(DataError, match="infinity"):
        predictor.predict_raw(FRAME.assign(a=np.inf))


def test_contributions_are_shares_of_the_users_columns(fitted):
    shares = fitted.contributions(FRAME)
    assert set(shares) <= {"a", "city"}
    assert sum(shares.values()) == pytest.approx(1)
    wanted = "city" if fitted.target.task == "multiclass" else "a"
    assert max(shares, key=shares.get) == wanted


def test_a_span_of_time_is_credited_to_both_of_its_ends():
    first = pd.Timestamp("2024-01-01") + pd.to_timedelta(RNG.permutation(N) % 50, unit="D")
    days = RNG.integers(1, 40, N)
    frame = pd.DataFrame({"ordered": first, "sent": first + pd.to_timedelta(days, unit="D")})
    schema = Schema.infer(frame)
    table = schema.apply(frame, fitting=True)
    target, codes, _ = Target.fit(days * 1.5)
    problem = Problem("regression", N, 2)
    boosted, encoders = member("lightgbm", table, codes, problem, weight=1.0, parts=1)
    shares = Predictor(schema, target, encoders, [boosted]).contributions(frame)
    assert min(shares["ordered"], shares["sent"]) > 0.3
    assert sum(shares.values()) == pytest.approx(1)


def test_without_a_booster_there_are_no_contributions(fitted):
    plain = Predictor(fitted.schema, fitted.target, fitted.encoders, fitted.members[:1])
    assert plain.contributions(FRAME) is None


def test_copies_predict_the_same(fitted):
    raw = fitted.predict_raw(FRAME)  # models are loaded now: they must not travel
    for other in (copy.deepcopy(fitted), pickle.loads(pickle.dumps(fitted))):
        assert other.members[0]._models == []
        np.testing.assert_array_equal(other.predict_raw(FRAME), raw)


def test_one_matrix_serves_the_models_of_all_folds():
    told = np.arange(12.0, dtype=np.float32).reshape(3, 4, 1)
    encoded = Encoded(np.zeros((4, 3), np.float32), told)
    member = Member("a", "linear", "tree", {}, 1.0, ({}, {}), (1, -1))
    first = member.matrix(encoded, 0)
    np.testing.assert_array_equal(first[:, -1], told[1, :, 0])
    second = member.matrix(encoded, 1)
    assert np.shares_memory(first, second)
    np.testing.assert_array_equal(second[:, -1], told[2, :, 0])
    assert not second[:, :-1].any()
