"""Each family is worth having: it beats the constant on every table that is shipped."""

import json
from pathlib import Path

import numpy as np
import pytest

from automl.families import BUILT_IN, FitData, Problem, Resources, Watch, get_family
from automl.features import fit_encoder
from automl.objective import get_metric, make_splits
from automl.table import Schema, Target, read_table

FOLDER = Path(__file__).resolve().parents[2] / "datasets"
TABLES = json.loads((FOLDER / "index.json").read_text())
ROWS = 3000
STEPS = 20
CELLS = 600_000
"""Of a matrix; wider ones get fewer rows, so that the test stays quick."""


@pytest.fixture(scope="module", params=TABLES, ids=[t["name"] for t in TABLES])
def prepared(request):
    entry = request.param
    frame = read_table(FOLDER / entry["file"])
    chosen = np.random.default_rng(0).permutation(len(frame))[:ROWS]
    frame = frame.iloc[np.sort(chosen)].reset_index(drop=True)
    y = frame.pop(entry["target"])
    schema = Schema.infer(frame)
    target, codes, _ = Target.fit(y)
    assert target.task == entry["task"]
    n_classes = 0 if target.classes is None else len(target.classes)
    problem = Problem(target.task, len(frame), len(schema.features), n_classes)
    split = make_splits(codes, task=target.task, n_folds_hint=1).folds[0]
    table = schema.apply(frame, fitting=True)
    return problem, table, codes, split, {}


def best_loss(name, prepared):
    problem, table, codes, split, matrices = prepared
    family = get_family(name)
    params = family.starts(problem)[0].params
    encoding = family.encoding(params)
    if encoding not in matrices:
        matrices[encoding] = fit_encoder(encoding, table).transform(table)
    matrix = matrices[encoding]
    train = split.train[: max(500, CELLS // max(1, matrix.shape[1]))]
    metric = get_metric(task=problem.task)
    watch = Watch(
        lambda p: metric.loss(metric.score(codes[split.valid], p)),
        limit=STEPS,
    )
    data = FitData(matrix, codes, train, split.valid)
    family.fit(params, data, watch, problem=problem, resources=Resources())
    return watch.best_loss


@pytest.mark.parametrize("name", [n for n in BUILT_IN if n != "constant"])
def test_family_beats_the_constant(name, prepared):
    assert best_loss(name, prepared) < best_loss("constant", prepared)
