"""Texts as numbers, and what they tell of the target inside each fold."""

import json
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from automl.features import (
    Outcome,
    TextEncoder,
    _text_encoder,
    _texts,
    encoder_from_dict,
    fit_encoder,
)
from automl.features._ridge import solve_together
from automl.features._told import _Plan
from automl.table import Schema

RNG = np.random.default_rng(0)
N = 300
GOOD, BAD = ["lovely", "thanks", "great"], ["late", "lost", "never"]
NOUNS = ["train", "bag", "crew", "seat", "gate", "flight", "meal"]


def sentence(good):
    return " ".join([RNG.choice(NOUNS), RNG.choice(GOOD if good else BAD), *RNG.choice(NOUNS, 3)])


LABEL = RNG.integers(0, 2, N)
FRAME = pd.DataFrame(
    {
        "said": [sentence(good) if i % 50 else None for i, good in enumerate(LABEL)],
        "town": [f"{RNG.choice(['north', 'south'])} town {i % 70}" for i in range(N)],
        "x": RNG.normal(size=N),
    }
)
SCHEMA = Schema.infer(FRAME)
TABLE = SCHEMA.apply(FRAME, fitting=True)


def folds(n):
    parts = RNG.permutation(N) % n
    return [(np.flatnonzero(parts != i), np.flatnonzero(parts == i)) for i in range(n)]


def told(y, n_outputs=1, n_folds=3):
    arrays = {"y": y}
    for i, (train, valid) in enumerate(folds(n_folds)):
        arrays |= {f"train_{i}": train, f"valid_{i}": valid}
    outcome = Outcome.of(arrays, n_outputs)
    return *TextEncoder.fit(TABLE).tell(TABLE, outcome), outcome


def test_the_roles_of_the_example():
    assert [(c.role.value, c.spelled) for c in SCHEMA.columns] == [
        ("text", False),
        ("categorical", True),
        ("numeric", False),
    ]


@pytest.mark.parametrize("kind", ["tree", "scaled", "straight", "piecewise"])
def test_texts_become_numbers_and_spelled_categories_no_codes(kind):
    encoder = fit_encoder(kind, TABLE, told(LABEL)[0])
    matrix = encoder.transform(TABLE)
    assert not matrix.categorical
    assert {"said.words", "said.topic0", "town.topic0"} <= set(matrix.names)
    assert set(matrix.sources) == {"said", "town", "x"}
    words = matrix.values[:, matrix.names.index("said.words")]
    assert np.isnan(words).any() == (kind == "tree")
    assert ("said.length?" in matrix.names) == (kind != "tree")
    new = FRAME.iloc[:2].assign(town=["north town 999", "elsewhere"])
    rows = encoder.transform(SCHEMA.apply(new)).values
    known = encoder.transform(SCHEMA.apply(FRAME.iloc[:2])).values
    at = [i for i, name in enumerate(matrix.names) if name.startswith("town.topic")]
    assert np.linalg.norm(rows[0, at] - known[0, at]) < np.linalg.norm(rows[1, at] - known[0, at])


def test_spelled_categories_keep_their_codes_where_no_scores_are_told():
    encoder = fit_encoder("tree", TABLE)
    matrix = encoder.transform(TABLE)
    assert [matrix.names[i] for i in matrix.categorical] == ["town"]
    codes = matrix.values[:, matrix.names.index("town")]
    np.testing.assert_array_equal(codes, TABLE.columns["town"])
    again = encoder_from_dict(json.loads(json.dumps(encoder.to_dict())), encoder.texts)
    np.testing.assert_array_equal(again.transform(TABLE).values, matrix.values)


def test_threads_read_the_texts_once(monkeypatch):
    frame = pd.concat([FRAME] * 20, ignore_index=True)
    encoder, read = fit_encoder("tree", TABLE), []
    count = _texts.count_ngrams

    def slowly(strings, **options):
        read.append(len(strings))
        time.sleep(0.05)
        return count(strings, **options)

    monkeypatch.setattr(_texts, "count_ngrams", slowly)
    many = encoder.transform(SCHEMA.apply(frame), n_threads=4).values
    assert len(read) == 2  # one for each column
    np.testing.assert_array_equal(many[:N], encoder.transform(TABLE).values)


def test_a_text_that_comes_again_alone_is_not_worked_out_again(monkeypatch):
    texts, _, _ = told(LABEL)
    read, count = [], _texts.count_ngrams
    monkeypatch.setattr(_texts, "count_ngrams", lambda s, **o: (read.append(s), count(s, **o))[1])
    monkeypatch.setattr(_text_encoder, "MOST_MET", 5)
    at = [1, 0, 2, 1]  # row 0 says nothing

    def alone(i):
        table = SCHEMA.apply(FRAME.iloc[[i]])
        return texts.numbers(table, slice(None)), texts.scores(table)

    found = [alone(i) for i in at]
    n_read = len(read)
    for i, (numbers, scores) in zip(at, found, strict=True):
        for was, now in zip((numbers, scores), alone(i), strict=True):
            np.testing.assert_array_equal(was, now)
    assert len(read) - n_read == 2  # of the sixth text, for which there was no room
    together = SCHEMA.apply(FRAME.iloc[at])
    numbers = np.concatenate([n for n, _ in found])
    np.testing.assert_allclose(numbers, texts.numbers(together, slice(None)), rtol=1e-5)
    scores = np.concatenate([s for _, s in found], axis=1)
    np.testing.assert_allclose(scores, texts.scores(together), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["tree", "scaled", "straight", "piecewise"])
def test_a_saved_encoder_gives_the_same(kind):
    texts, _, _ = told(LABEL)
    encoder = fit_encoder(kind, TABLE, texts)
    again = TextEncoder.read(json.loads(json.dumps(texts.to_dict())), texts.content)
    read = encoder_from_dict(json.loads(json.dumps(encoder.to_dict())), again)
    asked = SCHEMA.apply(FRAME.iloc[5:15])
    np.testing.assert_array_equal(read.transform(asked).values, encoder.transform(asked).values)
    np.testing.assert_array_equal(read.texts.scores(asked), texts.scores(asked))
    assert again.content == texts.content


def test_arrays_of_another_column_are_refused():
    texts, _, _ = told(LABEL)
    other = TextEncoder(texts.columns[::-1], texts.told)
    with pytest.raises(ValueError, match="don't fit"):
        TextEncoder.read(other.to_dict(), other.content)


@pytest.mark.parametrize("n_folds", [3, 5])
def test_scores_tell_the_target_and_validation_rows_stay_unseen(n_folds):
    texts, scores, outcome = told(LABEL, n_folds=n_folds)
    assert scores.shape == (n_folds + 1, N, len(texts.told_names))
    for slot, (train, valid) in enumerate(outcome.folds):
        for rows in (train, valid):
            assert np.corrcoef(scores[slot, rows, 0], LABEL[rows])[0, 1] > 0.8
        fresh = texts.scores(TABLE.take(valid))[slot]
        np.testing.assert_allclose(scores[slot, valid], fresh, atol=1e-5)
    noise = RNG.permutation(LABEL)
    _, chance, outcome = told(noise, n_folds=n_folds)
    for slot, (train, _) in enumerate(outcome.folds):  # nothing is learned by heart
        assert np.corrcoef(chance[slot, train, 0], noise[train])[0, 1] < 0.2


def test_a_flipped_label_moves_no_score_of_its_own():
    _, before, outcome = told(LABEL, n_folds=1)
    train = outcome.folds[0][0]
    plan = _Plan.of(N, outcome.folds)
    for slot, rows, system in plan.scored:
        assert not plan.masks[system][rows].any(), slot
        if slot < len(outcome.folds):
            assert not plan.masks[system][outcome.folds[slot][1]].any()
    assert len(train) < N or before.shape[0] == 2


def test_rows_of_a_group_are_scored_by_regressions_that_saw_none_of_it():
    groups = RNG.permutation(N) % 40
    held = groups >= 32
    split = [(np.flatnonzero(~held), np.flatnonzero(held))]
    plan = _Plan.of(N, split, groups)
    for _, rows, system in plan.scored:
        assert not set(groups[rows]) & set(groups[plan.masks[system] > 0])
    luck = RNG.integers(0, 2, 40)[groups]  # the same for all rows of a group, and nothing else
    frame = pd.DataFrame({"said": [f"of the house number{g} again" for g in groups]})
    schema = Schema.infer(frame, types={"said": "text"})
    table = schema.apply(frame, fitting=True)
    arrays = {"y": luck, "groups": groups, "train_0": split[0][0], "valid_0": split[0][1]}
    _, scores = TextEncoder.fit(table).tell(table, Outcome.of(arrays, 1))
    for slot in (0, 1):
        assert np.corrcoef(scores[slot, ~held, 0], luck[~held])[0, 1] < 0.3


def test_folds_that_are_parts_share_their_regressions():
    assert len(_Plan.of(N, folds(5)).masks) == 10 + 5 + 1
    assert len(_Plan.of(N, folds(3)).masks) == 3 * 5 + 4 + 1


def test_every_class_gets_a_score_but_not_hundreds():
    classes = np.arange(N) % 3
    texts, scores, _ = told(classes, n_outputs=3)
    assert scores.shape[2] == 6
    assert len(texts.told_names) == 6
    assert TextEncoder.tells(TABLE, 15)
    assert not TextEncoder.tells(TABLE, 16)
    texts, scores, _ = told(np.arange(N) % 40, n_outputs=40)
    assert scores.shape[2] == 0
    assert texts.scores(TABLE) is None


def test_blocks_without_what_was_kept_are_the_same(monkeypatch):
    texts, _, _ = told(LABEL)
    encoder = fit_encoder("tree", TABLE, texts)
    whole, scores = encoder.transform(TABLE).values, texts.scores(TABLE)
    monkeypatch.setattr(_texts, "KEPT", 0)
    fresh = SCHEMA.apply(FRAME)
    np.testing.assert_allclose(encoder.transform(fresh).values, whole, atol=1e-6)
    np.testing.assert_allclose(texts.scores(fresh), scores, atol=1e-6)


def test_little_time_reads_less(monkeypatch):
    monkeypatch.setattr(_text_encoder, "SHORTEST", 3)
    assert TextEncoder.fit(TABLE, seconds=0.0).columns[0].longest == 3
    assert TextEncoder.fit(TABLE, seconds=60.0).columns[0].longest == _text_encoder.LONGEST


def test_ridge_regressions_are_solved():
    X = RNG.normal(size=(80, 6)).astype(np.float32)
    X[RNG.random(X.shape) < 0.5] = 0
    y, masks = RNG.normal(size=(80, 2)), (RNG.random((3, 80)) < 0.7).astype(np.float32)
    from scipy import sparse

    found = solve_together(sparse.csr_matrix(X), y, masks, penalty=2.0, n_steps=50)
    for mask, weights in zip(masks > 0, found, strict=True):
        ridge = Ridge(alpha=2.0, fit_intercept=False).fit(X[mask], y[mask])
        np.testing.assert_allclose(weights, ridge.coef_.T, atol=1e-3)


def test_a_few_huge_values_do_not_rule_the_scores():
    y = LABEL + RNG.normal(size=N) * 0.1
    _, plain, _ = told(y)
    _, with_giants, outcome = told(np.where(np.arange(N) % 150 == 7, 1e6, y))
    valid = outcome.folds[0][1]
    assert np.corrcoef(with_giants[0, valid, 0], plain[0, valid, 0])[0, 1] > 0.8
    rare = Outcome.of({"y": (np.arange(N) == 0).astype(int)}, 1)
    assert rare.y.sum() == 1


def test_little_memory_reads_less():
    plenty = TextEncoder.fit(TABLE, memory=1e9).columns[0].longest
    little = TextEncoder.fit(TABLE, memory=1e6).columns[0].longest
    assert plenty == _text_encoder.LONGEST
    assert little < 40
