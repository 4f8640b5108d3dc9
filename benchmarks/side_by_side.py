"""Systems side by side on held-out rows: this package, default LightGBM, and lines of others.

Each fit is a process of its own, one at a time. Lines of other systems, on the same splits (two
thirds to train by seed, see `_tables.split`) and in the format of `_compare.py`, are read from
files. Several budgets give the anytime curve.

    python benchmarks/side_by_side.py --data FOLDER --budgets 5,15,60,300 --seeds 0,1 --out MINE
    python benchmarks/side_by_side.py --show MINE --others PEERS
"""

import math
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
from _compare import anytime, duels, errors, frame_of, honesty, relative, summary
from _results import Results, numbers, parser, print_table, read_results, words
from _systems import GROUND, SYSTEMS, run_system
from _tables import index

KEYS = ("system", "dataset", "seed", "budget_s")


def show(rows: list[dict[str, Any]]) -> None:
    """Print all comparisons."""
    table = frame_of(rows)
    table = table[table["variant"] == ""]
    if table.empty:
        return
    for budget, part in table.groupby("budget_s"):
        wide = errors(part)
        print(
            f"\n{budget:g} s: errors over the best one's, on the {len(wide)} splits that all ran"
        )
        tell(relative(wide).reset_index())
        tell(summary(part))
        print("\nOn how many of them the system of a row beats that of a column:")
        tell(duels(part).rename_axis("system").reset_index())
    print("\nWhat systems say of themselves:")
    tell(honesty(table))
    if len(curve := anytime(table)):
        print("\nErrors over the best one's by seconds of budget, geometric means:")
        tell(curve.rename(columns="{:g} s".format).reset_index())


def tell(table: pd.DataFrame) -> None:
    """Print a table with one more digit than usual, since the best differ by little."""
    print_table([{k: _three(v) for k, v in r.items()} for r in table.to_dict("records")])


def _three(value: Any) -> Any:
    return f"{value:.3f}" if isinstance(value, float) and math.isfinite(value) else value


def main() -> None:
    """Measure what is missing, then compare."""
    options = parser(__doc__ or "")
    options.add_argument("--systems", type=words, default=list(SYSTEMS))
    options.add_argument("--budgets", type=numbers, default=[60.0])
    options.add_argument("--seeds", type=numbers, default=[0.0])
    options.add_argument("--others", type=Path, action="append", default=[], help="more lines")
    args = options.parse_args()
    others = [row for path in args.others for row in read_results(path)]
    if args.show:
        show(others + read_results(args.show))
        return
    results = Results(args.out, KEYS, args.resume)
    known = index(args.data)
    for name, seed, budget, system in product(
        args.tables or known, args.seeds, args.budgets, args.systems
    ):
        run = {"data": args.data, "budget_s": budget, "seed": int(seed)}
        if results.find({"system": system, "dataset": name} | run):
            continue
        same = {"system": system, "dataset": name, "seed": int(seed)}
        earlier = [r for r in results.rows if same.items() <= r.items()]
        if earlier and system == GROUND:  # it takes no budget, so that one fit serves them all
            row = earlier[0] | {"budget_s": budget}
        else:
            row = run_system(system, known[name], run)
        results.add(row)
        told = f"{row['score']:.5f} in {row['fit_s']:.1f} s" if row["ok"] else row["error"]
        print(f"{name:24} seed {int(seed)}  {budget:5g} s  {system:10} {told}", flush=True)
    show(others + results.rows)


if __name__ == "__main__":
    main()
