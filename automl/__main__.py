"""The command ``automl``, also as ``python -m automl``."""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        The words after ``automl``; those of this process by default.

    Returns
    -------
    int
        The exit code: 0 done, 1 unexpected, 2 usage, 3 data or schema, 4 no model, 5 the score
        is too low, 130 Ctrl-C, 143 SIGTERM.
    """
    try:
        from automl.cli import run_command
    except KeyboardInterrupt:
        return 130
    return run_command(sys.argv[1:] if arguments is None else arguments)


if __name__ == "__main__":
    sys.exit(main())
