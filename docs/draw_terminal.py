"""Run a command on a terminal and draw what it shows as an SVG file.

    python docs/draw_terminal.py docs/terminal.svg \\
        automl fit datasets/birdstrikes.csv --target damage --time-budget 60s
"""

import os
import pty
import re
import shlex
import sys
from html import escape
from pathlib import Path

COLUMNS, ROWS = 112, 50
FONT, WIDTH, LINE, MARGIN = 13, 7.83, 18, 16
ERASE = "\r\x1b[2K"
BACK, TEXT, DIM, STRONG = "#15191f", "#d5dbe3", "#8a94a3", "#8fd694"


def record(command: list[str]) -> list[str]:
    """Lines that the command leaves on a terminal of its own."""
    child, master = pty.fork()
    if child == 0:
        os.environ |= {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS), "LINES": str(ROWS)}
        os.execvp(command[0], command)
    chunks = []
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:  # how Linux says that the command has ended
            break
        if not chunk:
            break
        chunks.append(chunk)
    os.waitpid(child, 0)
    text = b"".join(chunks).decode().replace("\r\n", "\n")
    lines = [line.rpartition(ERASE)[2] for line in text.rstrip("\n").split("\n")]
    return [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]


def draw(command: list[str], lines: list[str]) -> str:
    """An SVG of a terminal window that shows the lines."""
    shown = [f"$ {shlex.join(command)}", *(line[:COLUMNS] for line in lines)]
    width = max(map(len, shown)) * WIDTH + 2 * MARGIN
    height = len(shown) * LINE + 2 * MARGIN
    table = next((i for i, line in enumerate(shown) if line.startswith("  name ")), 0)
    rows = []
    for number, line in enumerate(shown):
        colour = DIM if 0 < number <= table else TEXT
        colour = STRONG if number == 0 or line.startswith("*") else colour
        y = MARGIN + FONT + number * LINE
        rows.append(f'<text x="{MARGIN}" y="{y}" fill="{colour}">{escape(line)}</text>')
    body = "\n".join(rows)
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height}"
 role="img" aria-label="{escape(shown[0], quote=True)}">
<rect width="100%" height="100%" rx="8" fill="{BACK}"/>
<g font-size="{FONT}" xml:space="preserve"
 font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace">
{body}
</g>
</svg>
"""


if __name__ == "__main__":
    command = sys.argv[2:]
    Path(sys.argv[1]).write_text(draw(command, record(command)), encoding="utf-8")
