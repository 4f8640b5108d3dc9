"""Plots as SVG, drawn by hand: nothing to install, and they read well as text in a diff."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

COLOURS = ("#d1495b", "#30638e", "#edae49", "#00798c", "#8d6a9f", "#7a9e3f", "#9c6644", "#b8bec6")
"""Of systems in order; the first stands out."""

INK, GREY, RULE = "#22272e", "#68707c", "#e3e6ea"
FONT = 12
FACE = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif"
LINE = 22
RIGHT, TOP, BOTTOM = 48, 34, 46


@dataclass
class Axis:
    """From values to places along one direction.

    Parameters
    ----------
    low, high : float
    start, end : float
        Where those are drawn.
    log : bool
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def place(self, value: float) -> float:
        """Where a value is drawn; what lies outside is drawn at the edge."""
        value = min(max(value, self.low), self.high)
        low, high = (math.log(v) if self.log else v for v in (self.low, self.high))
        share = ((math.log(value) if self.log else value) - low) / ((high - low) or 1.0)
        return self.start + share * (self.end - self.start)


@dataclass
class Drawing:
    """A picture that grows by marks."""

    width: float
    height: float
    title: str
    marks: list[str] = field(default_factory=list)

    def text(
        self, x: float, y: float, words: str, *, anchor: str = "start", colour: str = INK
    ) -> None:
        """Words at a place."""
        self.marks.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">'
            f"{escape(words)}</text>"
        )

    def line(
        self, places: Sequence[tuple[float, float]], colour: str, *, wide: float = 1.0
    ) -> None:
        """A line through places."""
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        self.marks.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{wide}"'
            ' stroke-linecap="round" stroke-linejoin="round"/>'
        )

    def dot(
        self, x: float, y: float, colour: str, *, size: float = 4.5, faint: bool = False
    ) -> None:
        """A dot with a light rim, so that dots that meet can be told apart."""
        opacity = ' fill-opacity="0.45"' if faint else ""
        self.marks.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" fill="{colour}"{opacity}'
            ' stroke="#fff" stroke-width="1"/>'
        )

    def box(self, x: float, y: float, to_x: float, colour: str) -> None:
        """A bar from one place along x to another."""
        left, wide = min(x, to_x), abs(to_x - x)
        self.marks.append(
            f'<rect x="{left:.1f}" y="{y - 6:.1f}" width="{wide:.1f}" height="12" rx="2"'
            f' fill="{colour}"/>'
        )

    def legend(self, colours: Mapping[str, str], x: float) -> None:
        """Names beside their colours, in a row at the top."""
        for name, colour in colours.items():
            self.dot(x, TOP - 18, colour)
            self.text(x + 9, TOP - 14, name)
            x += 32 + 6.9 * len(name)

    def svg(self) -> str:
        """The file's text."""
        body = "\n".join(self.marks)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:g} {self.height:g}"'
            f' width="{self.width:g}" height="{self.height:g}" role="img"'
            f' aria-label="{escape(self.title, quote=True)}">\n'
            '<rect width="100%" height="100%" fill="#fff"/>\n'
            f'<g font-size="{FONT}" font-family="{FACE}">\n'
            f"{body}\n</g>\n</svg>\n"
        )


def across(drawing: Drawing, axis: Axis, ticks: Mapping[float, str], *, top: float) -> float:
    """A horizontal axis below everything: rules and numbers; where it lies."""
    bottom = drawing.height - BOTTOM
    for value, words in ticks.items():
        x = axis.place(value)
        drawing.line([(x, top), (x, bottom)], RULE)
        drawing.text(x, bottom + 16, words, anchor="middle", colour=GREY)
    middle = (axis.start + axis.end) / 2
    drawing.text(middle, bottom + 36, drawing.title, anchor="middle", colour=GREY)
    return bottom


@dataclass
class Strips:
    """A drawing with a named horizontal strip per row, to put marks into.

    Parameters
    ----------
    names : sequence of str
        Of the rows, from the top.
    span : (low, high)
        Of the axis.
    ticks : mapping of float to str
    title : str
        What the axis shows.
    log : bool
    legend : mapping of str to str
        Names with their colours.
    """

    names: Sequence[str]
    span: tuple[float, float]
    ticks: Mapping[float, str]
    title: str
    log: bool = False
    legend: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        left = 28 + 7.2 * max(map(len, self.names))
        self._top = TOP if self.legend else 10
        height = self._top + LINE * len(self.names) + 4 + BOTTOM
        self.drawing = Drawing(820, height, self.title)
        self.x = Axis(*self.span, left, self.drawing.width - RIGHT, self.log)
        across(self.drawing, self.x, self.ticks, top=self._top - 4)
        self.drawing.legend(self.legend, left)
        for name in self.names:
            self.drawing.text(left - 12, self.y(name) + 4, name, anchor="end")

    def y(self, name: str) -> float:
        """The middle of a row."""
        return self._top + LINE * (self.names.index(name) + 0.5)

    def rule(self, value: float) -> None:
        """A dark line from top to bottom."""
        x = self.x.place(value)
        bottom = self.drawing.height - BOTTOM
        self.drawing.line([(x, self._top - 4), (x, bottom)], GREY)


def curves(series: Mapping[str, Mapping[float, float]], *, title: str, across_title: str) -> str:
    """Lines over a logarithmic axis, each named beside its last point."""
    drawing = Drawing(820, 360, across_title)
    left, right = 60.0, 820 - 30 - 6.9 * max(map(len, series))
    steps = sorted({step for line in series.values() for step in line})
    x = Axis(steps[0], steps[-1], left, right, log=True)
    bottom = across(drawing, x, {step: f"{step:g} s" for step in steps}, top=TOP)
    most = max(v for line in series.values() for v in line.values() if math.isfinite(v))
    y = Axis(1.0, max(most, 1.02), bottom, TOP)
    for i in range(5):
        value = 1 + i * (y.high - 1) / 4
        drawing.line([(left, y.place(value)), (right, y.place(value))], RULE)
        drawing.text(left - 8, y.place(value) + 4, f"{value:.2f}", anchor="end", colour=GREY)
    drawing.text(8, TOP - 14, title, colour=GREY)
    taken: list[tuple[float, float]] = []
    for (name, line), colour in zip(series.items(), COLOURS * 9, strict=False):
        places = [(x.place(step), y.place(value)) for step, value in sorted(line.items())]
        drawing.line(places, colour, wide=2.5)
        for place in places:
            drawing.dot(*place, colour)
        at, height = places[-1][0] + 10, places[-1][1] + 4
        while any(abs(height - other) < FONT + 2 for side, other in taken if side == at):
            height -= 4
        taken.append((at, height))
        drawing.text(at, height, name, colour=colour)
    return drawing.svg()
