"""A corpus of nasty files, made by a script: what people really have, and what goes wrong.

Each file has the target ``y`` where it can, and says what is expected of it: a model, or a
message that matches a pattern. ``python -m tests.table.nasty FOLDER`` writes them all;
``test_nasty.py`` reads them, ``benchmarks/nasty.py`` runs the whole command on each.
"""

import random
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

Content = str | bytes | Mapping[str, bytes]
CORPUS: dict[str, "Nasty"] = {}


@dataclass(frozen=True)
class Nasty:
    """One file, or a folder of files.

    Parameters
    ----------
    name : str
        Name of the file or folder; may end in a pattern of files, as in ``folder/*.csv``.
    make : callable
        Returns the text (written as UTF-8), the bytes, or the files of a folder by name.
    told : str
        Pattern of the error message; "" where a model is expected.
    warned : str
        Pattern that the log must hold.
    slow : bool
        Whether it takes more than a second to write or read.
    """

    name: str
    make: Callable[[], Content]
    told: str = ""
    warned: str = ""
    slow: bool = False

    def write(self, folder: Path) -> Path:
        """Write it into a folder and return the name to give to the command."""
        content = self.make()
        if isinstance(content, Mapping):
            for name, part in content.items():
                path = folder / self.name.partition("/")[0] / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(part)
        else:
            path = folder / self.name
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return folder / self.name


def nasty(
    name: str, *, told: str = "", warned: str = "", slow: bool = False
) -> Callable[[Callable[[], Content]], Callable[[], Content]]:
    """Add a file to the corpus."""

    def add(make: Callable[[], Content]) -> Callable[[], Content]:
        CORPUS[name] = Nasty(name, make, told, warned, slow)
        return make

    return add


def table(n_rows: int = 80, seed: int = 0) -> list[list[str]]:
    """A small clean table as cells: header a, b, c, y; ``y`` follows from ``a`` and ``b``."""
    draw = random.Random(seed)
    rows = [["a", "b", "c", "y"]]
    for _ in range(n_rows):
        a, b = round(draw.uniform(0, 100), 2), draw.choice(["red", "green", "blue"])
        yes = a + 30 * (b == "red") + draw.gauss(0, 20) > 60
        rows.append([f"{a:.2f}", b, str(draw.randrange(50)), "yes" if yes else "no"])
    return rows


def joined(rows: list[list[str]], delimiter: str = ",", end: str = "\n") -> str:
    """Cells as text, nothing quoted."""
    return "".join(delimiter.join(row) + end for row in rows)


def with_column(name: str, cells: Callable[[int], str], n_rows: int = 80) -> str:
    """The small table with one more column, as CSV."""
    rows = table(n_rows)
    more = [name, *(cells(i) for i in range(n_rows))]
    return joined([[cell, *row] for cell, row in zip(more, rows, strict=True)])


def corpus() -> dict[str, Nasty]:
    """All of them by name."""
    for module in ("nasty_texts", "nasty_values", "nasty_files"):
        import_module(f"tests.table.{module}")
    return CORPUS


if __name__ == "__main__":
    from tests.table.nasty import corpus as all_of_them  # the module by its own name, once

    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    for one in all_of_them().values():
        one.write(target)
