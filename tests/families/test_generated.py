"""Generated columns: no leak, nothing unknown trips them, saved exactly, damage is noticed."""

import json

import numpy as np
import pytest

from automl.exceptions import ArtifactError
from automl.families import FitData, Problem, Resources, Watch, check_family, get_family
from automl.families import _generate as module
from automl.families._arrays import pack, unpack
from automl.families._case import Case
from automl.families._generate import generate, realise
from automl.families._generated import NUMBERS, PLAN, Formula, Generator, Groups
from automl.families.lightgbm import LightGBM
from automl.features import Matrix

BINARY = Problem("binary", 1200, 3, 2)
REGRESSION = Problem("regression", 1200, 3)


def table(columns, y, cardinalities=None, n_valid=300):
    values = np.column_stack(columns).astype(np.float32)
    names = tuple(f"c{i}" for i in range(values.shape[1]))
    rows = np.arange(len(y))
    matrix = Matrix(values, names, names, cardinalities or (0,) * len(names))
    return FitData(matrix, y, rows[:-n_valid], rows[-n_valid:])


def cells(seed=0, n=1200, size=8, noise=0.2):
    """A target of the cell of two categories, which no single one tells, with a third of noise."""
    rng = np.random.default_rng(seed)
    a, b, c = (rng.integers(size, size=n) for _ in range(3))
    y = rng.normal(size=(size, size))[a, b] + noise * rng.normal(size=n)
    return [a, b, c], y, (size,) * 3


def ratios(seed=0, n=1200):
    rng = np.random.default_rng(seed)
    a, b, c = np.exp(rng.normal(size=(3, n)))
    return [a, b, c], a / b + 0.05 * rng.normal(size=n)


def made_of(generator):
    return {tuple(sorted(p)) for p in generator.parents}


def loss_of(params, data, problem):
    y = data.y[data.valid]
    watch = Watch(lambda p: float(np.mean((y - p[:, 0]) ** 2)))
    family = get_family("lightgbm")
    model = family.fit(params, data, watch, problem=problem, resources=Resources())
    return watch.best_loss, model


def start(problem, generated):
    return get_family("lightgbm").starts(problem)[0].params | {"generated": generated}


# -- what is found -----------------------------------------------------------------------


def test_the_cross_that_tells_is_found():
    columns, y, sizes = cells()
    generator, out = generate(
        "crosses", table(columns, y, sizes), problem=REGRESSION, resources=Resources()
    )
    assert (0, 1) in made_of(generator)
    assert out.shape == (900, len(generator.parents))
    assert out.dtype == np.float32


def test_the_ratio_that_tells_is_found():
    columns, y = ratios()
    data = table(columns, y)
    generator, out = generate("arithmetic", data, problem=REGRESSION, resources=Resources())
    assert any(f.columns == (0, 1) and f.operators == "/" for f in generator.formulas)
    np.testing.assert_array_equal(out, generator.transform(data.train_X))


def ids(seed=0, n=1200):
    """Codes of things, in no order that would tell anything, and a number."""
    rng = np.random.default_rng(seed)
    code, number = rng.integers(150, size=n), rng.normal(size=n)
    y = rng.normal(size=150)[code] + number + rng.normal(size=n)
    return [1000 * code % 7919, number], y


@pytest.mark.parametrize(("made", "kind"), [(ids, "crosses"), (ratios, "arithmetic")])
def test_generated_columns_help_the_fit(made, kind):
    data = table(*made())
    plain, _ = loss_of(start(REGRESSION, "none"), data, REGRESSION)
    better, _ = loss_of(start(REGRESSION, kind), data, REGRESSION)
    assert better < 0.8 * plain


def test_codes_of_things_stand_for_groups_and_measured_integers_do_not():
    columns, y = ids()
    measured = np.random.default_rng(1).integers(150, size=len(y))
    data = table([*columns, measured], y + measured / 40)
    generator, _ = generate("crosses", data, problem=REGRESSION, resources=Resources())
    assert made_of(generator) == {(0,)}


def test_several_classes_are_not_crossed():
    columns, y, sizes = cells()
    three = np.digitize(y, np.quantile(y, [1 / 3, 2 / 3]))
    problem = Problem("multiclass", 1200, 3, 3)
    data = table(columns, three, sizes)
    generator, _ = generate("both", data, problem=problem, resources=Resources())
    assert not generator.statistics


@pytest.mark.parametrize("task", ["binary", "regression", "multiclass"])
def test_what_is_generated_is_expected_work_and_memory(task):
    family, problem = get_family("lightgbm"), Problem(task, 10_000, 20, 5, n_categorical=5)
    params = family.starts(problem)[0].params
    for ask in (family.work, family.memory):
        none, one, both = (
            ask(params | {"generated": k}, problem) for k in ("none", "arithmetic", "both")
        )
        assert none < one
        assert one <= both if task == "multiclass" else one < both


def test_starting_configurations_generate_where_there_is_something_to_combine():
    def kinds(*problem, **more):
        starts = get_family("lightgbm").starts(Problem(*problem, **more))
        return [s.params["generated"] for s in starts if s.params["generated"] != "none"]

    assert kinds("binary", 1000, 9, 2) == ["arithmetic"]
    assert kinds("binary", 1000, 9, 2, n_categorical=8) == ["crosses"]
    assert kinds("multiclass", 1000, 9, 3, n_categorical=9) == []
    assert kinds("regression", 1000, 9, n_categorical=3) == ["crosses", "arithmetic"]


def test_few_rows_generate_nothing():
    columns, y, sizes = cells(n=120)
    data = table(columns, y, sizes, n_valid=60)
    generator, out = generate("both", data, problem=REGRESSION, resources=Resources())
    assert not generator.parents
    assert out.shape == (60, 0)


# -- no leak -----------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["binary", "regression", "multiclass"])
def test_a_category_of_noise_does_not_look_predictive(task):
    """Groups of three rows: their own targets would tell a lot, those of the others nothing."""
    rng = np.random.default_rng(0)
    noise, n_classes = rng.integers(300, size=1200), {"binary": 2, "multiclass": 3}.get(task, 0)
    y = rng.integers(n_classes, size=1200) if n_classes else rng.normal(size=1200)
    problem = Problem(task, 1200, 1, n_classes)
    data = table([noise], y, (300,))
    generator, out = realise([(0,)], [], data, problem)
    truth = module.as_outputs(data.train_y, problem)
    told = generator.transform(data.train_X)
    for k in range(problem.n_outputs):
        assert abs(np.corrcoef(out[:, k], truth[:, k])[0, 1]) < 0.12
        assert np.corrcoef(told[:, k], truth[:, k])[0, 1] > 0.4


def test_noise_does_no_harm_to_the_fit():
    rng = np.random.default_rng(1)
    columns, _, sizes = cells()
    y = columns[2] + rng.normal(size=1200)
    data = table([rng.integers(300, size=1200), *columns[1:]], y, (300, *sizes[1:]))
    plain, _ = loss_of(start(REGRESSION, "none"), data, REGRESSION)
    worse, _ = loss_of(start(REGRESSION, "both"), data, REGRESSION)
    assert worse < 1.1 * plain


def test_validation_rows_have_no_say():
    columns, y, sizes = cells()
    data = table(columns, y, sizes)
    other = table(columns, np.where(np.arange(len(y)) < 900, y, 1e6), sizes)
    first, second = (
        generate("both", d, problem=REGRESSION, resources=Resources())[0].save()
        for d in (data, other)
    )
    assert first == second


def test_rows_of_weight_zero_have_no_say():
    columns, y, sizes = cells()
    weight = np.where(np.arange(len(y)) % 4 == 0, 0.0, 1.0)
    data = table(columns, np.where(weight > 0, y, 1e6), sizes)
    weighted = FitData(data.matrix, data.y, data.train, data.valid, weight)
    generator, out = realise([(0, 1)], [], weighted, REGRESSION)
    assert np.abs(out).max() < 10
    assert np.abs(generator.transform(data.valid_X)).max() < 10


# -- what is unknown ---------------------------------------------------------------------


def test_unseen_categories_get_the_mean_of_all():
    columns, y, sizes = cells()
    data = table(columns, y, sizes)
    generator, _ = realise([(0, 1)], [], data, REGRESSION)
    out = generator.transform(np.array([[99.0, 1.0, 1.0], [1.0, np.nan, 1.0]], np.float32))
    np.testing.assert_allclose(out[:, 0], data.train_y.mean(), rtol=1e-5)


def test_missing_values_are_a_group_of_their_own():
    columns, y, sizes = cells()
    category = columns[0].astype(float)
    category[::3] = np.nan
    y = np.where(np.isnan(category), 5.0, 0.0)
    data = table([category, *columns[1:]], y, sizes)
    generator, out = realise([(0,)], [], data, REGRESSION)
    assert out[np.isnan(data.train_X[:, 0]), 0].min() > 4
    assert generator.transform(np.full((1, 3), np.nan, np.float32))[0, 0] > 4


def test_what_can_not_be_computed_is_missing():
    X = np.array([[1.0, 0.0], [np.nan, 1.0], [3e38, 1e-30], [-6.0, 2.0]], dtype=np.float32)
    out = Formula((0, 1), "/").apply(X)
    assert np.isnan(out[:2]).all()
    assert np.isfinite(out[2:]).all()
    assert out[3] == -3.0


def test_an_empty_or_constant_column_generates_nothing_odd():
    columns, y, sizes = cells()
    empty, constant = np.full(len(y), np.nan), np.ones(len(y))
    data = table([*columns, empty, constant], y, (*sizes, 0, 0))
    generator, out = generate("both", data, problem=REGRESSION, resources=Resources())
    assert not {3, 4} & {i for p in generator.parents for i in p}
    assert np.isfinite(out).all()


# -- saved -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted():
    columns, y, sizes = cells()
    numbers, _ = ratios(1)
    share = numbers[0] / (numbers[0] + numbers[1])
    data = table([*columns, *numbers], y + 3 * share, (*sizes, 0, 0, 0))
    return data, loss_of(start(REGRESSION, "both"), data, REGRESSION)[1]


def test_saved_and_loaded_it_predicts_the_same(fitted):
    data, model = fitted
    files = model.save()
    assert set(files) == {"model.txt", PLAN, NUMBERS}
    loaded = get_family("lightgbm").load(files)
    strange = data.valid_X.copy()
    strange[::5, 0], strange[::7, 1], strange[::3, 4] = np.nan, 99, 0
    np.testing.assert_array_equal(loaded.predict(strange), model.predict(strange))
    assert loaded.save() == files
    plan = json.loads(files[PLAN])
    assert plan["statistics"]
    assert plan["formulas"]


def test_contributions_are_those_of_the_columns_that_were_given(fitted):
    data, model = fitted
    values = model.contributions(data.valid_X)
    assert values.shape == (6,)
    assert set(np.argsort(values)[-4:]) == {0, 1, 3, 4}


DAMAGE = {
    "no JSON": lambda plan, arrays: b"{",
    "a list": lambda plan, arrays: b"[]",
    "no such column": lambda plan, arrays: plan["statistics"].__setitem__(0, [0, 77]),
    "a negative column": lambda plan, arrays: plan["formulas"][0][0].__setitem__(0, -1),
    "another operator": lambda plan, arrays: plan["formulas"][0].__setitem__(1, "%"),
    "too few operators": lambda plan, arrays: plan["formulas"][0].__setitem__(1, ""),
    "too many columns": lambda plan, arrays: plan["statistics"][0].append(0),
    "no values": lambda plan, arrays: arrays.pop("values_0"),
    "values of fewer groups": lambda plan, arrays: arrays.update(values_0=arrays["values_0"][1:]),
    "codes out of order": lambda plan, arrays: arrays.update(codes_0=arrays["codes_0"][::-1]),
    "no codes": lambda plan, arrays: arrays.update(codes_0=arrays["codes_0"][:0]),
    "text": lambda plan, arrays: arrays.update(levels_0_0=np.array(["a", "b"])),
    "no columns": lambda plan, arrays: plan.update(n_columns=0),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_noticed(fitted, damage):
    files = dict(fitted[1].save())
    plan, arrays = json.loads(files[PLAN]), unpack(files[NUMBERS])
    content = DAMAGE[damage](plan, arrays)
    files[PLAN] = content if isinstance(content, bytes) else json.dumps(plan).encode()
    files[NUMBERS] = pack(arrays)
    with pytest.raises(ArtifactError, match="generated columns"):
        get_family("lightgbm").load(files)


def test_a_truncated_file_is_noticed(fitted):
    files = dict(fitted[1].save())
    files[NUMBERS] = files[NUMBERS][: len(files[NUMBERS]) // 2]
    with pytest.raises(ArtifactError, match="can't be read"):
        Generator.load(files)


def test_another_number_of_columns_is_refused(fitted):
    data, model = fitted
    with pytest.raises(ArtifactError, match="6"):
        model.predict(data.valid_X[:, :5])


# -- the family --------------------------------------------------------------------------


class Generating(LightGBM):
    """Generates columns wherever it may."""

    def starts(self, problem):
        return [
            s.__class__(s.params | {"generated": "both"}, s.rank) for s in super().starts(problem)
        ]


def test_the_contract_is_kept_by_generating_configurations(monkeypatch):
    monkeypatch.setattr(module, "FEWEST", 10)
    check_family(Generating())


def test_a_fold_is_generated_once(monkeypatch):
    monkeypatch.setattr(module, "FEWEST", 10)
    case = Case(Generating(), "regression")
    data = case.data()
    first = case.fit(data)[0].save()
    monkeypatch.setattr(module, "generate", None)  # generating again would fail
    assert case.fit(data)[0].save() == first
    monkeypatch.undo()


def test_groups_of_many_levels_do_not_overflow():
    X = np.random.default_rng(0).normal(size=(500, 3))
    groups, numbers = Groups.of(X, (0, 1, 2))
    assert groups.is_sound(3)
    np.testing.assert_array_equal(groups.numbers(X), numbers)
