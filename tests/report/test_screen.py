import io

import pytest

from automl.report import Screen

ERASE = "\r\x1b[2K"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_lines_only_where_it_is_no_terminal():
    stream = io.StringIO()
    screen = Screen(stream)
    screen.status("working")
    screen.line("found")
    screen.status("")
    assert stream.getvalue() == "found\n"


def test_a_line_goes_above_the_status():
    stream = Terminal()
    screen = Screen(stream)
    screen.status("working")
    screen.line("found")
    screen.status("")
    screen.line("last")
    assert stream.getvalue() == f"{ERASE}working{ERASE}found\nworking{ERASE}last\n"


def test_an_unchanged_status_is_not_drawn_again():
    stream = Terminal()
    screen = Screen(stream)
    for _ in range(3):
        screen.status("working")
    assert stream.getvalue().count("working") == 1


def test_the_status_is_cut_to_the_width():
    stream = Terminal()
    Screen(stream).status("x" * 200)
    assert stream.getvalue() == ERASE + "x" * 78 + "…"


def test_bold_unless_colours_are_not_wanted(monkeypatch):
    stream = Terminal()
    Screen(stream).status("auc 0.9", strong="0.9")
    assert stream.getvalue() == f"{ERASE}auc \x1b[1m0.9\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    Screen(stream).status("auc 0.9", strong="0.9")
    assert stream.getvalue() == f"{ERASE}auc 0.9"


def test_a_dumb_terminal_gets_lines(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    assert not Screen(Terminal()).live


def test_a_closed_stream_is_no_error():
    stream = io.StringIO()
    stream.close()
    Screen(stream).line("found")
    Screen(None).line("found")


def test_a_narrow_encoding_is_no_error():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    Screen(stream).line("95 % … done")
    assert raw.getvalue() == b"95 % ? done\n"
