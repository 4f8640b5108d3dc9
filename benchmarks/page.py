"""One page of plots from files of results: ``README.md`` and its pictures.

    python benchmarks/page.py benchmarks/results/side_by_side*.jsonl --to benchmarks/results

The lines are those of `side_by_side.py`, `ablation.py` and `retraining.py`, and of other systems
in the format of the first one.
Each picture is drawn where there are lines for it.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _compare import anytime, errors, frame_of, honesty, relative, shares, summary, told
from _results import markdown, read_results
from _svg import COLOURS, Strips, curves
from retraining import picture as of_errors
from retraining import summary as of_streams

TICKS = {1.0: "the best", 1.1: "1.1", 1.25: "1.25", 1.5: "1.5", 1.75: "1.75", 2.0: "2 or more"}
"""Of errors over the best one's; beyond the last, dots stand at the edge."""

SELF = "automl"
EDGES = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
"""Percent at which the axis of the ablations may end."""
APART = 6.0
"""Points between the intervals of two splits of a table."""
BAR = "#c4d3e0"

Part = tuple[str, str, str, str]
"""The name of a picture, the picture, a heading, and text."""


def side_by_side(table: pd.DataFrame) -> Iterator[Part]:
    """Errors of systems over the best one's."""
    wide = errors(table)
    if wide.shape[1] < 2:
        return
    ratios = relative(wide)
    order = [SELF, *ratios.mean().sort_values().index.drop(SELF, errors="ignore")]
    colours = {n: c for n, c in zip(order, COLOURS * 9, strict=False) if n in ratios}
    worst = float(ratios.to_numpy().max())
    edge = next((t for t in TICKS if t >= worst), max(TICKS))
    names = ratios.groupby("dataset").mean().sort_values(next(iter(colours))).index
    strips = Strips(
        list(names),
        (1.0, edge),
        {t: w for t, w in TICKS.items() if t <= edge},
        "error on held-out rows over that of the best system there",
        log=True,
        legend=colours,
    )
    for name, colour in reversed(colours.items()):
        for (dataset, _), ratio in ratios[name].items():
            strips.drawing.dot(strips.x.place(ratio), strips.y(dataset), colour)
    words = (
        f"Budget {table['budget_s'].iloc[0]:g} s. The error is 1 - AUC for two classes, log loss "
        "for more, RMSE for values. A dot is a split; further left is better."
    )
    text = f"{words}\n\n{markdown(records(summary(table)))}"
    yield "side_by_side", strips.drawing.svg(), "Side by side", text


def over_time(table: pd.DataFrame) -> Iterator[Part]:
    """Errors against budgets."""
    curve = anytime(table)
    if curve.empty:
        return
    order = sorted(curve.index, key=lambda name: (name != SELF, name))
    picture = curves(
        {name: curve.loc[name].dropna().to_dict() for name in order},
        title="error over that of the best there, geometric mean over splits",
        across_title="budget",
    )
    yield "anytime", picture, "What more time buys", "The best is that of any system and budget."


def honest(table: pd.DataFrame) -> Iterator[Part]:
    """What the package said of its models against what they did."""
    rows = told(table[table["system"] == SELF])
    if rows.empty:
        return
    names = rows.groupby("dataset")["said"].mean().sort_values().index
    colours = {"the interval held": COLOURS[1], "it missed": COLOURS[0]}
    strips = Strips(
        list(names),
        (0.5, 2.0),
        {0.5: "half", 0.8: "0.8", 1.0: "as it was", 1.25: "1.25", 2.0: "twice"},
        "error that the package told, with its 95 % interval, over the held-out one",
        log=True,
        legend=colours,
    )
    strips.rule(1.0)
    place = strips.x.place
    for dataset, splits in rows.groupby("dataset"):
        for number, row in enumerate(splits.to_dict("records")):
            colour = colours["the interval held" if row["held"] else "it missed"]
            y = strips.y(dataset) + APART * (number - (len(splits) - 1) / 2)
            size = 4.5 if len(splits) == 1 else 3.5
            strips.drawing.line([(place(row["low"]), y), (place(row["high"]), y)], colour, wide=2)
            strips.drawing.dot(place(row["said"]), y, colour, size=size)
    words = (
        "The package's own score of its model, from the training rows alone, against what the "
        "model did on rows that it never saw. Left of the middle it was too optimistic."
    )
    text = f"{words}\n\n{markdown(records(honesty(rows)))}"
    yield "honesty", strips.drawing.svg(), "Is the score honest?", text


def ablations(table: pd.DataFrame) -> Iterator[Part]:
    """What is lost without each mechanism."""
    found = shares(table)
    if found.empty:
        return
    each = np.abs([v for values in found["each"] for v in values])
    edge = next((e for e in EDGES if e >= np.quantile(each, 0.95)), EDGES[-1])
    strips = Strips(
        list(found["variant"]),
        (-edge, edge),
        {v: f"{v:+g} %" if v else "0" for v in (-edge, -edge / 2, 0.0, edge / 2, edge)},
        "held-out error without it, compared with everything on; a dot is a split",
    )
    for row in found.to_dict("records"):
        y, place = strips.y(row["variant"]), strips.x.place
        strips.drawing.box(place(0.0), y, place(row["error, %"]), BAR)
        for value in row["each"]:
            strips.drawing.dot(place(value), y, COLOURS[1], size=3.5)
    strips.rule(0.0)
    text = markdown(records(found.drop(columns="each")))
    yield "ablation", strips.drawing.svg(), "What each mechanism is worth", text


def retraining(rows: Sequence[Mapping[str, Any]]) -> Iterator[Part]:
    """What retraining buys on streams, and what it costs."""
    if rows:
        words = (
            "Blocks arrive in the order of time; what serves after each retraining predicts the "
            "next one. Error: 1 - AUC for two classes, RMSE for values."
        )
        text = f"{words}\n\n{markdown(of_streams(rows))}"
        yield "retraining", of_errors(rows), "Retraining", text


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of plain values."""
    return [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]


def main() -> None:
    """Draw what there are lines for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--to", type=Path, default=Path(__file__).parent / "results")
    args = parser.parse_args()
    rows = [row for path in args.files for row in read_results(path)]
    streams = [row for row in rows if "stream" in row]
    table = frame_of(row for row in rows if "stream" not in row)
    whole = table[table["variant"] == ""]
    usual = whole[whole["budget_s"] == whole["budget_s"].mode().max()]
    drawn = [*side_by_side(usual), *over_time(whole), *honest(usual), *ablations(table)]
    drawn += retraining(streams)
    sources = ", ".join(f"`{path.name}`" for path in args.files)
    parts = [
        "# Results",
        f"Drawn by `benchmarks/page.py` from {sources}; [how they were measured](../README.md).",
    ]
    args.to.mkdir(parents=True, exist_ok=True)
    for name, picture, heading, text in drawn:
        (args.to / f"{name}.svg").write_text(picture, encoding="utf-8")
        parts += [f"## {heading}", f"![{heading}]({name}.svg)", text]
    (args.to / "README.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    print(f"{args.to / 'README.md'}: {', '.join(name for name, *_ in drawn) or 'nothing'}")


if __name__ == "__main__":
    main()
