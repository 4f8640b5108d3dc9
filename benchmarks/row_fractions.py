"""Whether a fit on a tenth of the rows tells early which configurations are worth a whole one.

The first starting configuration of a family and random ones are fitted on the rows of a holdout,
on a tenth of these and on all, with the learning curve by CPU seconds. ``compare`` asks how well
each early sign ranks the configurations, and replays searches over them in random orders: with
nothing given up, with the learning curve as the package prunes by it, with a tenth of the rows
first (a whole fit for the better third so far), and with both.

    python benchmarks/row_fractions.py fit --data FOLDER --table NAME --rows 100000 --out FILE
    python benchmarks/row_fractions.py compare --out FILE
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
from _tables import SHIPPED, index, machine
from library import Prepared, Quiet

from automl.families import Resources, get_family
from automl.features import fit_encoder
from automl.search._fold import FoldTask, fit_fold
from automl.search._jobs import target_arrays
from automl.search._race import FAMILY_SHARE, HOPELESS, MIN_OWN, optimistic_end

SHARE = 0.1
"""Of the rows that screen."""

ORDERS = 300
WAYS = {
    "nothing": (False, False),
    "curve": (True, False),
    "rows": (False, True),
    "both": (True, True),
}
"""Whether the learning curve and a part of the rows have a say."""


class Timed(Quiet):
    """Notes the learning curve of a fit with its CPU seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.curve: list[tuple[float, bool, float, int]] = []
        self.started = 0.0

    def report(self, value: Any) -> None:
        """Take (step, loss, whether the curve can be judged)."""
        step, loss, mature = value
        self.curve.append((float(loss), bool(mature), time.process_time() - self.started, step))


def fit(args: argparse.Namespace) -> None:
    """Fit each configuration on a part of the rows and on all."""
    entry = index(args.data)[args.table]
    p = Prepared.of(args.data, entry, args.seed, args.rows, n_folds=1)
    family = get_family(args.family)
    matrix = fit_encoder("tree", p.train).transform(p.train)
    target, channel, fits = target_arrays(p.problem, p.splits, p.y), Timed(), []
    told = {"table": args.table, "family": family.name, "rows": len(p.y), "share": SHARE}
    told |= {"optimum": p.metric.loss(p.metric.optimum), "n_valid": len(p.splits.valid_rows)}
    usual = dict(family.starts(p.problem)[0].params)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    random = [usual | family.suggest(study.ask(), p.problem) for _ in range(args.number - 1)]
    with tempfile.TemporaryDirectory() as work:
        for i, proposed in enumerate([usual, *random]):
            params = {k: "none" if k == "generated" else v for k, v in proposed.items()}
            both = {}
            for key, share in {"part": SHARE, "whole": 1.0}.items():
                task = FoldTask(
                    family.name, params, p.problem, p.metric.to_payload(),
                    0, Resources(), "tree", (matrix.names, matrix.sources, matrix.cardinalities),
                    Path(work, f"{i}{key}"), Path(work, "valid.npy"), Path(work, "tree"),
                    report=True, share=share,
                )  # fmt: skip
                channel.curve, channel.started = [], time.process_time()
                loss = fit_fold(task, (target, {"values": matrix.values}), channel).loss
                seconds = time.process_time() - channel.started
                both[key] = {"loss": loss, "seconds": seconds, "curve": channel.curve}
            fits.append(both)
            args.out.write_text(json.dumps(machine() | told | {"fits": fits}))
            print(i, {k: (round(v["loss"], 5), round(v["seconds"], 2)) for k, v in both.items()})


class Replay:
    """Searches over configurations whose fits are known."""

    def __init__(self, told: dict[str, Any]) -> None:
        self.fits = told["fits"]
        self._optimum, self._doubt = told["optimum"], 2 / np.sqrt(told["n_valid"])
        self._ends = [self._optimistic(fit["whole"]["curve"]) for fit in self.fits]

    def _optimistic(self, curve: Sequence[Any]) -> list[tuple[float, float]]:
        """Where the curve may go to, each time that it can be judged, with the seconds."""
        points = [(step, loss) for loss, _, _, step in curve]
        judged = [(i, seconds) for i, (_, mature, seconds, _) in enumerate(curve) if mature]
        return [(seconds, optimistic_end(points[: i + 1])) for i, seconds in judged]

    def run(
        self, order: Sequence[int], by_curve: bool, by_rows: bool
    ) -> tuple[float, list[tuple[float, float]]]:
        """All seconds, and the losses of whole fits with the seconds until each."""
        seconds, parts = 0.0, []
        whole: list[tuple[float, float]] = []
        for i in order:
            if by_rows:
                part = self.fits[i]["part"]
                parts.append(part["loss"])
                seconds += part["seconds"]
                if len(parts) >= MIN_OWN and parts[-1] > np.quantile(parts, FAMILY_SHARE):
                    continue
            given_up = self._given_up(i, [loss for _, loss in whole]) if by_curve else None
            if given_up is None:
                seconds += self.fits[i]["whole"]["seconds"]
                whole.append((seconds, self.fits[i]["whole"]["loss"]))
            else:
                seconds += given_up
        return seconds, whole

    def _given_up(self, i: int, losses: list[float]) -> float | None:
        """Seconds after which the learning curve has fallen behind, as the search judges it."""
        if not losses:
            return None
        best = min(losses)
        bound = best + (HOPELESS + self._doubt) * (best - self._optimum)
        if len(losses) >= MIN_OWN:
            bound = min(bound, float(np.quantile(losses, FAMILY_SHARE)))
        return next((seconds for seconds, end in self._ends[i] if end > bound), None)


def compare(args: argparse.Namespace) -> None:
    """Print rank correlations and what the replayed searches find."""
    told = json.loads(args.out.read_text())
    replay, fits = Replay(told), told["fits"]
    whole, part = ([f[key]["loss"] for f in fits] for key in ("whole", "part"))
    total = sum(f["whole"]["seconds"] for f in fits)
    cheap = [f["part"]["seconds"] for f in fits]
    tenth = [0.1 * f["whole"]["seconds"] for f in fits]
    signs = {
        f"{told['share']:.0%} of the rows": part,
        "all rows, as many seconds": [_at(f, s) for f, s in zip(fits, cheap, strict=True)],
        "all rows, a tenth of their seconds": [
            _at(f, s) for f, s in zip(fits, tenth, strict=True)
        ],
    }
    print(f"{told['table']}, {told['rows']} rows, {len(fits)} of {told['family']}: {total:.1f} s,")
    print(f"a part of the rows {sum(cheap):.1f} s; rank correlation with the end:")
    for name, values in signs.items():
        print(f"  {name:36} {pd.Series(values).corr(pd.Series(whole), method='spearman'):.2f}")
    rng = np.random.default_rng(0)
    orders = [rng.permutation(len(fits)) for _ in range(ORDERS)]
    error = min(whole) - told["optimum"]
    for name, way in WAYS.items():
        runs = [replay.run(order, *way) for order in orders]
        found = [min(loss for _, loss in ended) for _, ended in runs]
        half = [min([v for s, v in e if s <= total / 2] or [max(whole)]) for _, e in runs]
        print(
            f"  {name:8} {np.mean([s for s, _ in runs]) / total:4.0%} of the seconds, "
            f"{np.mean([len(e) for _, e in runs]):4.1f} whole fits, the best is behind by "
            f"{100 * (np.mean(found) - min(whole)) / error:.2f} %, "
            f"after half of the seconds by {100 * (np.mean(half) - min(whole)) / error:.2f} %"
        )


def _at(fit: dict[str, Any], seconds: float) -> float:
    """Best loss of the whole fit so early."""
    curve = fit["whole"]["curve"]
    return float(next((p[0] for p in reversed(curve) if p[2] <= seconds), curve[0][0]))


def main() -> None:
    """Run the part that was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("part", choices=("fit", "compare"))
    parser.add_argument("--data", type=Path, default=SHIPPED)
    parser.add_argument("--table", default="birdstrikes")
    parser.add_argument("--family", default="lightgbm")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--number", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    {"fit": fit, "compare": compare}[args.part](args)


if __name__ == "__main__":
    main()
