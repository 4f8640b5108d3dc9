"""What each mechanism is worth: the same tables with one of them off at a time.

Off are the ensemble, pruning, what `_switches.py` switches off (starting configurations,
generated columns, targets learned as logarithms, calibration, a second look at trials that run),
reading texts, reading any strings, and each family in turn. The share of a mechanism is how much
larger the held-out error is without it. Lines go where `side_by_side.py` puts them, with a
`variant`.

    python benchmarks/ablation.py --data FOLDER --budget 60 --seeds 0,1,2 --out FILE --resume
    python benchmarks/ablation.py --show FILE

What reading texts and dirty categories is worth shows on tables that have some:

    python benchmarks/ablation.py --data FOLDER --tables a,b --variants "plain strings" --out FILE
"""

from itertools import product
from typing import Any

from _compare import frame_of, shares
from _results import Results, numbers, parser, print_table, read_results, words
from _switches import SWITCHES
from _systems import run_system
from _tables import index

from automl.families import family_names

KEYS = ("system", "dataset", "seed", "budget_s", "variant")


def variants() -> dict[str, dict[str, Any]]:
    """Options of the package by what they leave out; nothing first."""
    found: dict[str, dict[str, Any]] = {"": {}}
    found |= {"no ensemble": {"ensemble": False}, "no pruning": {"pruning": False}}
    found |= {f"no {name}": {"off": name} for name in SWITCHES}
    found |= {"no texts": {"texts": False}, "plain strings": {"strings": False}}
    families = [name for name in family_names() if name != "constant"]
    return found | {f"without {name}": {"off": name} for name in families}


def show(rows: list[dict[str, Any]]) -> None:
    """Print the share of each variant."""
    table = frame_of(rows)
    found = shares(table).drop(columns="each", errors="ignore")
    print("\nHow much larger the held-out error is, geometric mean:")
    print_table(found.to_dict("records"))


def main() -> None:
    """Measure what is missing, then compare."""
    options = parser(__doc__ or "")
    options.add_argument("--variants", type=words, help="names, separated by commas")
    options.add_argument("--budget", type=float, default=60.0)
    options.add_argument("--seeds", type=numbers, default=[0.0])
    args = options.parse_args()
    if args.show:
        show(read_results(args.show))
        return
    results = Results(args.out, KEYS, args.resume)
    known, all_variants = index(args.data), variants()
    wanted = ["", *args.variants] if args.variants else list(all_variants)
    for name, seed, variant in product(args.tables or known, args.seeds, wanted):
        run = {"data": args.data, "budget_s": args.budget, "seed": int(seed)}
        if results.find({"system": "automl", "dataset": name, "variant": variant} | run):
            continue
        row = run_system("automl", known[name], run | {"options": all_variants[variant]})
        results.add(row | {"variant": variant})
        told = f"{row['score']:.5f}, {row['n_trials']} trials" if row["ok"] else row["error"]
        print(f"{name:24} seed {int(seed)}  {variant or 'everything':24} {told}", flush=True)
    show(results.rows)


if __name__ == "__main__":
    main()
