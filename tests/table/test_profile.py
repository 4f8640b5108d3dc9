"""What a saved model remembers of its training data."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.exceptions import ArtifactError
from automl.table import Profile, Schema, Target, explained
from automl.table._profile import fingerprint_of

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "size": RNG.gamma(2, 5, 400),
        "stars": RNG.integers(1, 6, 400),
        "town": RNG.choice(["Ulm", "Bonn", None], 400, p=[0.6, 0.3, 0.1]),
        "since": pd.Timestamp("2026-01-01") + pd.to_timedelta(RNG.integers(0, 400, 400), "D"),
        "open": RNG.random(400) < 0.3,
    }
)
SOLD = np.where(FRAME["stars"] > 3, "yes", "no")


def read(frame, y=SOLD):
    target, codes, _ = Target.fit(y, name="sold")
    schema = Schema.infer(frame, types={"stars": "numeric"} if "stars" in frame else {})
    return schema.apply(frame, fitting=True), codes, target


def test_each_kind_of_column_is_described():
    profile = Profile.of(*read(FRAME))
    columns = profile.columns
    assert columns["size"].values[0] == FRAME["size"].min()
    assert columns["size"].values[-1] == FRAME["size"].max()
    assert columns["stars"].values == (1, 2, 3, 4, 5)
    assert sum(columns["stars"].shares) == pytest.approx(1, abs=1e-4)
    assert columns["town"].missing == pytest.approx(FRAME["town"].isna().mean())
    assert columns["town"].shares[0] > columns["town"].shares[1]
    assert columns["since"].values[-1] == FRAME["since"].max().timestamp()
    assert columns["open"].values == (0, 1)
    assert profile.target.shares[1] == pytest.approx((SOLD == "yes").mean(), abs=1e-5)


def test_what_a_column_explains():
    columns = Profile.of(*read(FRAME)).columns
    assert columns["stars"].power == 1.0
    assert max(columns[name].power for name in ("size", "town", "since", "open")) < 0.1


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(100, 800), is_category=st.booleans())
def test_noise_explains_next_to_nothing(seed, n, is_category):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 30, n) if is_category else rng.normal(size=n)
    assert explained(values, rng.normal(size=(n, 1)), is_category=is_category) < 0.35


def test_it_goes_through_json_and_stays_small():
    profile = Profile.of(*read(FRAME))
    text = json.dumps(profile.to_dict())
    assert len(text) < 4000
    assert Profile.from_dict(json.loads(text)) == profile


def test_a_wide_table_stays_small():
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(300, 900)))
    frame.columns = [f"c{i}" for i in range(900)]
    profile = Profile.of(*read(frame, np.arange(300) + 0.5))
    assert len(json.dumps(profile.to_dict())) < 75_000


@pytest.mark.parametrize("state", [None, {}, {"n_rows": 3}, {"n_rows": "x", "columns": {}}, []])
def test_what_is_no_profile_is_refused(state):
    with pytest.raises(ArtifactError, match="profile"):
        Profile.from_dict(state)


def test_the_fingerprint_covers_every_value_and_no_type():
    table, y, _ = read(FRAME)
    known = fingerprint_of(table, y)
    assert fingerprint_of(*read(FRAME.assign(stars=FRAME["stars"].astype(float)))[:2]) == known
    for name in FRAME.columns:
        different = FRAME[name].dropna()
        different = different[different != FRAME.loc[17, name]].iloc[0]
        changed = FRAME[name].where(FRAME.index != 17, different)
        assert fingerprint_of(*read(FRAME.assign(**{name: changed}))[:2]) != known
    other = y.copy()
    other[17] = 1 - other[17]
    assert fingerprint_of(table, other) != known
