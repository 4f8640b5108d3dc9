"""Check new data, train a challenger, and let it serve if it is better than the champion.

CHAMPION is a model, the folder of a run, or a registry, of which the version that serves counts.
Options can also come from the environment and from a TOML file, as in automl fit; the data checks
have their thresholds and actions in the file, below [retrain.checks].
"""

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from automl.cli._console import Console
from automl.cli._options import (
    Option,
    Settings,
    add_options,
    names,
    number,
    one_of,
    path,
    read_settings,
    whole,
)
from automl.cli.fit import DEFAULT_BUDGET, GentleEnd, begin_of_budget, duration, size

if TYPE_CHECKING:
    from automl.retrain import Retrain, RetrainResult

TABLE = "retrain"
"""The table of the configuration file that holds ``checks``."""


def _tables(value: Any) -> dict[str, Any]:
    """Read the table, which only a configuration file can hold."""
    if not isinstance(value, Mapping) or set(value) - {"checks"}:
        raise ValueError(f"{value!r} is not allowed; the table has one key, checks, a table too.")
    return dict(value)


OPTIONS = (
    Option("target", "column to predict (default: the champion's)", metavar="COL"),
    Option("with", "table of earlier rows, to train on too", metavar="OLD_DATA"),
    Option(
        "mode",
        "refit: the champion's recipe on new rows, no search; search: begin with it; auto: decide "
        "from the data checks and from how far the champion has fallen (default: auto)",
        one_of("auto", "refit", "search"),
        "auto|refit|search",
        "auto",
    ),
    Option(
        "window", "train on the latest rows only: 90d, 12h, or a number of rows", metavar="WINDOW"
    ),
    Option(
        "time",
        "column of dates or numbers that orders the rows; the models are compared on the latest",
        metavar="COL",
    ),
    Option("margin", "promote only what is better by more (default: 0)", number, "X", 0.0),
    Option(
        "slice", "columns: the challenger may not lose on the rows of any value", names, "A,B", ()
    ),
    Option("groups", "column of groups that validation must not split", metavar="COL"),
    Option(
        "weights",
        "column of the rows' weights, to train and compare by (default: the champion's, if any)",
        metavar="COL",
    ),
    Option("metric", "measure of success (default: the champion's)", metavar="NAME"),
    Option("min-score", "promote only what reaches this score", number, "X"),
    Option("max-size", "promote only a model of this size, such as 50m", size, "SIZE"),
    Option("max-latency", "promote only what predicts a row in this time", number, "MS"),
    Option(
        "time-budget",
        f"seconds, or 90s, 10m, 1h; counted from the start of the command (default: "
        f"{DEFAULT_BUDGET})",
        duration,
        "TIME",
    ),
    Option("n-jobs", "cores to use (default: -1, all that are granted)", whole(), "N", -1),
    Option("memory", "what all processes may use together, such as 4g", size, "SIZE"),
    Option("seed", "seed of everything random (default: 0)", whole(0), "N", 0),
    Option(
        "out",
        "the registry; made if there is none, with CHAMPION as version 1 (default: CHAMPION, "
        "if that is one)",
        path,
        "REGISTRY",
    ),
    Option("config", "file with options and data checks", path, "FILE.toml"),
    Option("json", "print one JSON object instead of text"),
    Option("quiet", "no messages but errors on standard error"),
)
IN_FILE = Option(TABLE, "data checks, in a configuration file only", _tables, "TABLE")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``automl retrain``."""
    parser.add_argument("champion", metavar="CHAMPION", help="a model, a run, or a registry")
    parser.add_argument(
        "data", metavar="NEW_DATA", help="table of new rows with the target; - for standard input"
    )
    add_options(parser, OPTIONS)


def run(args: argparse.Namespace, console: Console) -> int:
    """Read, run the job, print."""
    settings = read_settings((*OPTIONS, IN_FILE), args)
    console.json = bool(settings.get("json"))
    if settings.get("quiet"):
        console.be_quiet()
    started = begin_of_budget()
    job = _job(settings)

    from automl.cli._early import start_server

    start_server()
    from automl.artifact import load_bytes
    from automl.registry import read_model
    from automl.report import progress_for
    from automl.table import read_table

    budget = job.time_budget
    with progress_for(
        budget, started=started, screen=console.screen, quiet=settings.get("quiet")
    ) as progress:
        progress.say(f"reading {args.data}")
        texts = load_bytes(read_model(args.champion), args.champion)[0].texts
        new = read_table(args.data, texts=texts, skip_bad_rows=True)
        old = None
        if settings.given("with"):
            old = read_table(settings.get("with"), texts=texts, skip_bad_rows=True)
        end = GentleEnd(console)
        result = job.run(
            args.champion,
            new,
            old,
            started=started,
            observers=[end.begin, progress],
            interrupted=end,
        )
    _print(result, console)
    return console.signals.exit_code or result.exit_code


def _job(settings: Settings) -> "Retrain":
    """The job as declared; what needs no data to be refused is refused here."""
    from automl.retrain import Retrain
    from automl.retrain._rules import Rules

    checks = (settings.get(TABLE) or {}).get("checks")
    Rules.read(checks)
    declared = settings.given("time-budget")
    budget = settings.get("time-budget") if declared else duration(DEFAULT_BUDGET)
    return Retrain(
        out=settings.get("out"),
        mode=settings.get("mode"),
        time_budget=budget,
        target=settings.get("target"),
        time=settings.get("time"),
        window=settings.get("window"),
        margin=settings.get("margin"),
        slices=settings.get("slice"),
        groups=settings.get("groups"),
        weights=settings.get("weights"),
        metric=settings.get("metric"),
        min_score=settings.get("min-score"),
        max_size=settings.get("max-size"),
        max_latency=settings.get("max-latency"),
        checks=checks,
        n_jobs=settings.get("n-jobs"),
        memory=settings.get("memory"),
        random_state=settings.get("seed"),
    )


def _print(result: "RetrainResult", console: Console) -> None:
    from automl.report import retrain_text

    facts = result.to_dict()
    if result.exit_code == 3:
        console.note(f"error: {result.reason}")
        facts["error"] = {"code": "data", "message": result.reason}
    if console.json:
        console.print_json(facts)
    else:
        console.print(retrain_text(facts))
