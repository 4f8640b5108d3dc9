import logging
import subprocess
import sys
import warnings

from automl.cli._console import Console

from .conftest import environment

CHATTER = """
import os
from automl.cli._console import Console
with Console() as console:
    print("a library's chatter", flush=True)
    os.write(1, b"and native code's\\n")
    console.print("result")
print("after")
"""


def test_nothing_but_the_result_reaches_standard_output():
    done = subprocess.run(
        [sys.executable, "-c", CHATTER],
        env=environment(),
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "result\nafter\n"
    assert done.stderr == "a library's chatter\nand native code's\n"


def test_logs_are_plain_lines_and_warnings_are_not_shown(capfd):
    with Console() as console:
        logging.getLogger("automl.table").warning("look at %s", "this")
        logging.getLogger("automl.table").info("never mind")
        logging.getLogger("lightgbm").warning("noise")
        warnings.warn("noise", stacklevel=1)
        console.be_quiet()
        logging.getLogger("automl.table").warning("noise")
        console.inform("noise")
        console.note("an error")
    assert capfd.readouterr() == ("", "warning: look at this\nan error\n")


def test_what_is_no_number_is_null(capfd):
    with Console(json=True) as console:
        console.print_json({"a": float("nan"), "b": [float("inf"), 1], "c": {1: True}})
    assert capfd.readouterr().out.split() == [
        *("{", '"a":', "null,", '"b":', "[", "null,", "1", "],", '"c":', "{", '"1":', "true"),
        *("}", "}"),
    ]


def test_closed_streams_are_no_error(tmp_path):
    script = "from automl.__main__ import main; import sys; sys.exit(main(['--version']))"
    for redirection in (">&-", "2>&-", ">&- 2>&-"):
        done = subprocess.run(
            ["sh", "-c", f'exec "{sys.executable}" -c "$0" {redirection}', script],
            env=environment(),
            check=False,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr
