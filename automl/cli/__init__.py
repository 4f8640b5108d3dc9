"""The command line: one module per command, which parses, calls and prints.

Importing the package is cheap. What is heavy is imported by a command when it runs.
"""

from automl.cli._main import run_command

__all__ = ["run_command"]
