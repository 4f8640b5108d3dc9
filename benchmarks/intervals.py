"""How wide the reported interval is, against a plain bootstrap of the winner's predictions.

The plain one resamples the rows of the winner's out-of-fold predictions and takes 1.96 standard
deviations of the metric. The reported interval allows for more: the skew of the metric, the luck
of the rows that train, and what averaging the models of the folds may gain.

    python benchmarks/intervals.py --data FOLDER --budget 15 --seeds 0,1 --out FILE --resume
    python benchmarks/intervals.py --show FILE
"""

from itertools import product
from typing import Any

import numpy as np
from _results import Results, numbers, parser, print_table, read_results
from _tables import METRICS, index, load, machine, split

from automl import AutoModel
from automl._finish import CHOICE, Finisher

KEYS = ("dataset", "seed", "budget_s")
RESAMPLES = 200


def plain_reach(finisher: Any, search: Any) -> float:
    """1.96 standard deviations of the metric over resampled rows of the winner's predictions."""
    job, predictions = finisher._job, np.load(search.plan.files.work / CHOICE)
    y, rng = job.y[job.splits.valid_rows], np.random.default_rng(0)
    draws = (rng.integers(len(y), size=len(y)) for _ in range(RESAMPLES))
    return 1.96 * float(np.std([job.metric.score(y[rows], predictions[rows]) for rows in draws]))


def measure(options: Any, entry: dict[str, Any], seed: int) -> dict[str, Any]:
    """Fit one table, looking at the predictions from which the interval comes."""
    train, _ = split(load(options.data, entry), entry, seed)
    found: list[float] = []
    interval = Finisher._interval

    def seen(self: Any, winner: Any, search: Any, *rest: Any) -> Any:
        told = interval(self, winner, search, *rest)
        found.append(plain_reach(self, search))
        return told

    Finisher._interval = seen  # type: ignore[method-assign]
    try:
        model = AutoModel(
            metric=METRICS[entry["task"]],
            time_budget=options.budget,
            n_jobs=2,
            random_state=0,
        ).fit(train.drop(columns=entry["target"]), train[entry["target"]])
    finally:
        Finisher._interval = interval  # type: ignore[method-assign]
    low, high = model.score_interval_
    return {
        "dataset": entry["name"],
        "seed": seed,
        "budget_s": options.budget,
        "n_train": len(train),
        "half_width": (high - low) / 2,
        "plain": found[0],
        **machine(),
    }


def show(rows: list[dict[str, Any]]) -> None:
    """Print how much wider the interval is, and the median of it."""
    shares = [row["half_width"] / row["plain"] for row in rows]
    columns = (*KEYS, "n_train", "half_width", "plain")
    print_table(
        [
            {**{k: row[k] for k in columns}, "ratio": share}
            for row, share in zip(rows, shares, strict=True)
        ]
    )
    print(f"\nmedian {np.median(shares):.2f}, largest {max(shares):.2f}")


def main() -> None:
    """Measure what is missing, then print."""
    options = parser(__doc__ or "")
    options.add_argument("--budget", type=float, default=15.0)
    options.add_argument("--seeds", type=numbers, default=[0.0])
    args = options.parse_args()
    if args.show:
        show(read_results(args.show))
        return
    results, known = Results(args.out, KEYS, args.resume), index(args.data)
    for name, seed in product(args.tables or known, args.seeds):
        run = {"dataset": name, "seed": int(seed), "budget_s": args.budget}
        if not results.find(run):
            results.add(measure(args, known[name], int(seed)))
    show(results.rows)


if __name__ == "__main__":
    main()
