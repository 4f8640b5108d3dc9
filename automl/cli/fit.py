"""Find a model for a table.

Options can also come from the environment (AUTOML_TIME_BUDGET for --time-budget, and so on) and
from a TOML file (--config, with time_budget = "10m", and so on). A flag wins over the environment,
the environment over the file.
"""

import argparse
import math
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl.cli._console import Console
from automl.cli._options import (
    Option,
    Settings,
    add_options,
    names,
    number,
    one_of,
    pairs,
    path,
    read_settings,
    whole,
)
from automl.exceptions import ScoreTooLowError, UsageError

if TYPE_CHECKING:
    from automl._fit import FitResult, FitSpec, Progress
    from automl._sample import Rows

DEFAULT_BUDGET = "60s"
RUNS = "automl-runs"
SHOWN_ROWS = 15
ASIDE = ("groups", "weights")
"""Options that name a column which is no feature."""

_ENTERED = time.monotonic()
_LAUNCH = 2.0  # seconds that an interpreter may take to get here


def duration(value: Any) -> float:
    """Read a length of time."""
    from automl.search import parse_duration

    return parse_duration(value)


def size(value: Any) -> int:
    """Read a number of bytes."""
    from automl.compute import parse_size

    return parse_size(value)


def _device(value: Any) -> str:
    from automl.compute import parse_device

    return parse_device(value)


def _families(value: Any) -> list[str]:
    from automl.families import get_family

    wanted = names(value)
    for name in wanted if wanted != ["auto"] else ():
        get_family(name)
    return wanted


def _roles(value: Any) -> dict[str, str]:
    from automl.table import read_roles

    return read_roles(path(value))


OPTIONS = (
    Option("target", "column to predict", metavar="COL"),
    Option(
        "metric",
        "measure of success: roc_auc, log_loss, rmse, f1, ... or module:function "
        "(default: roc_auc for two classes, log_loss for more, rmse for values)",
        metavar="NAME",
        default="auto",
    ),
    Option(
        "task",
        "what the target is (default: auto)",
        one_of("auto", "binary", "multiclass", "regression"),
        "auto|binary|multiclass|regression",
        "auto",
    ),
    Option(
        "time-budget",
        "seconds, or 90s, 10m, 1h; counted from the start of the command (default: 60s, none if "
        "--max-trials is given alone)",
        duration,
        "TIME",
    ),
    Option("max-trials", "configurations to try at most", whole(1), "N"),
    Option("families", "model families to try, by their names", _families, "A,B", "auto"),
    Option(
        "configurations",
        "JSON file of configurations (family and params), such as a run's failures/NAME.json: "
        "try these and nothing else",
        path,
        "FILE",
    ),
    Option("no-ensemble", "let only single models win"),
    Option("no-pruning", "finish every configuration that was started"),
    Option("no-early-stopping", "search on where it no longer finds anything better"),
    Option(
        "device",
        "where to train: on a card where that pays (default: auto), on the CPU, on a card, or "
        "on the card of a number",
        _device,
        "auto|cpu|cuda|cuda:N",
        "auto",
    ),
    Option("n-jobs", "cores to use (default: -1, all that are granted)", whole(), "N", -1),
    Option(
        "memory",
        "what all processes may use together, such as 4g (default: what is free or granted)",
        size,
        "SIZE",
    ),
    Option("seed", "seed of everything random (default: 0)", whole(0), "N", 0),
    Option("drop", "columns to leave out", names, "A,B", ()),
    Option(
        "text-encoder", "how texts are read: ngrams (default), or sentences, too (automl[text])",
        one_of("ngrams", "sentences"), "ngrams|sentences", "ngrams",
    ),
    Option("types", "types of columns that should not be guessed", pairs, "COL=TYPE,...", {}),
    Option(
        "schema",
        "file of roles, as automl inspect --schema-out writes it; --types and --drop win over it",
        _roles,
        "FILE",
        {},
    ),
    Option("groups", "column of groups that validation must not split; no feature", metavar="COL"),
    Option("weights", "column of the rows' weights, zero or above; no feature", metavar="COL"),
    Option(
        "positive-label",
        "the class that metrics such as f1 are about (default: the last one)",
        metavar="L",
    ),
    Option("min-score", "end with exit code 5 if the score is worse", number, "X"),
    Option(
        "out",
        "folder of the run, new or empty (default: automl-runs/<file>-<time>)",
        path,
        "DIR",
    ),
    Option("config", "file with options", path, "FILE.toml"),
    Option("json", "print one JSON object instead of text"),
    Option("quiet", "no progress on standard error"),
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``automl fit``."""
    parser.add_argument(
        "data",
        metavar="DATA",
        help="CSV, JSON, Parquet, Arrow or Excel: a file, folder or pattern; - for standard input",
    )
    add_options(parser, OPTIONS)


def run(args: argparse.Namespace, console: Console) -> int:
    """Read, search, save, print."""
    settings = read_settings(OPTIONS, args)
    console.json = bool(settings.get("json"))
    if settings.get("quiet"):
        console.be_quiet()
    started = _check_at_once(settings)
    folder = _folder(settings.get("out"), args.data)

    from automl.cli._early import start_server

    start_server()
    result = _fit(args.data, settings, folder, started, console)
    summary = _outcome(result, started)
    error = _too_low(result, settings.get("min-score"))
    if console.json:
        failure = {"error": {"code": error.code, "message": str(error)}} if error else {}
        console.print_json(summary | failure)
    else:
        console.print(_text(result, summary, settings.get("target")))
    if error is not None:
        console.note(f"error: {error}")
    if console.signals():
        return console.signals.exit_code
    return 0 if error is None else error.exit_code


def _check_at_once(settings: Settings) -> float:
    """Refuse what needs no data to be refused; return when the budget began to count."""
    from automl.compute import resolve_device

    if settings.get("device").startswith("cuda"):  # whether there is a card can wait otherwise
        resolve_device(settings.get("device"))
    if not settings.get("target"):
        raise UsageError(
            "The column to predict is missing: give --target COL, AUTOML_TARGET, or target in "
            "the configuration file."
        )
    for name in (
        "task", "max-trials", "n-jobs", "seed", "drop", "types", "min-score", "memory",
        "configurations", "schema",
    ):  # fmt: skip
        settings.get(name)
    if settings.get("text-encoder") == "sentences":
        from automl.features import check_text_encoder

        check_text_encoder("sentences")
    if settings.get("n-jobs") == 0:
        raise UsageError("n-jobs 0 is not allowed: give a number of cores, or -1 for all.")
    return begin_of_budget()


def begin_of_budget() -> float:
    """``time.monotonic()`` at which the budget of a command began to count."""
    from automl.compute import process_start

    # A shell that runs the command as its last one becomes this process: what it did before,
    # an installation perhaps, is not the command's.
    return max(process_start(), _ENTERED - _LAUNCH)


def _folder(wanted: Path | None, data: str) -> Path:
    """The folder of the run; it is made when the search begins."""
    if wanted is None:
        stem = "stdin" if data == "-" else Path(data).name.split(".")[0] or "table"
        base = Path(RUNS) / f"{stem}-{time.strftime('%Y%m%d-%H%M%S')}"
        wanted, again = base, 1
        while wanted.exists():
            again += 1
            wanted = base.with_name(f"{base.name}-{again}")
    folder = wanted.resolve()
    try:
        occupied = folder.exists() and any(folder.iterdir())
    except OSError as error:
        raise UsageError(f"--out {folder}: it can't be used ({error.strerror}).") from error
    if occupied:
        raise UsageError(
            f"--out {folder}: the folder holds something already; name a new or empty one."
        )
    above = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise UsageError(f"--out {folder}: {above} can't be written to.")
    return folder


def _fit(
    data: str, settings: Settings, folder: Path, started: float, console: Console
) -> "FitResult":
    from automl.report import progress_for

    budget = _budget(settings)
    with progress_for(
        budget, started=started, screen=console.screen, quiet=settings.get("quiet")
    ) as progress:
        progress.say(f"reading {data}")
        from automl._fit import fit_job, prepare_table

        spec = _spec(settings, budget, folder)
        job = prepare_table(_read(data, settings), spec, started=started)  # the frame ends here
        interruption = GentleEnd(console)
        return fit_job(job, observers=[interruption.begin, progress], interrupted=interruption)


class GentleEnd:
    """Lets a signal end the search gently once it has begun, and says so.

    Parameters
    ----------
    console : Console
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told = False

    def begin(self, progress: "Progress") -> None:
        """From now on there may be something to keep."""
        self._console.signals.gentle = True

    def __call__(self) -> bool:
        received = self._console.signals()
        if received and not self._told:
            self._told = True
            self._console.inform("interrupted: keeping the best so far; again to leave at once")
        return received


def _budget(settings: Settings) -> float | None:
    if settings.given("time-budget"):
        return float(settings.get("time-budget"))
    return None if settings.given("max-trials") else duration(DEFAULT_BUDGET)


def _spec(settings: Settings, budget: float | None, folder: Path) -> "FitSpec":
    from automl._fit import FitSpec

    # These columns stay in the schema, set aside, so that predict knows them.
    aside = [settings.get(name) for name in ASIDE if settings.given(name)]
    return FitSpec(
        metric=settings.get("metric"),
        time_budget=budget,
        max_trials=settings.get("max-trials"),
        task=settings.get("task"),
        families=settings.get("families"),
        ensemble=not settings.get("no-ensemble"),
        n_jobs=settings.get("n-jobs"),
        device=settings.get("device"),
        seed=settings.get("seed"),
        run_dir=folder,
        positive_label=settings.get("positive-label"),
        types=declared_types(settings),
        drop=list(dict.fromkeys([*settings.get("drop"), *aside])),
        pruning=not settings.get("no-pruning"),
        early_stopping=not settings.get("no-early-stopping"),
        memory=settings.get("memory"),
        configurations=settings.get("configurations") or (),
        text_encoder=settings.get("text-encoder"),
    )


def declared_types(settings: Settings) -> dict[str, str]:
    """Return the roles of the schema file, under those that were given one by one."""
    types: dict[str, str] = settings.get("types")
    # What the file says of a target or of groups is from when they were columns like others.
    others = {*settings.get("drop"), settings.get("target")}
    others |= {settings.get(name) for name in ASIDE if name in settings}
    return {n: role for n, role in settings.get("schema").items() if n not in others} | types


def _read(data: str, settings: Settings) -> "Rows":
    from automl.cli._tables import read_rows

    target, groups, weights = (settings.get(n) for n in ("target", "groups", "weights"))
    for name, columns in (
        ("drop", settings.get("drop")),
        ("types", settings.get("types")),
        ("groups", [groups]),
        ("weights", [weights]),
    ):
        if target in columns:
            raise UsageError(f"--{name} names the target {target!r}.")
    return read_rows(data, target, groups=groups, weights=weights)


def _outcome(result: "FitResult", started: float) -> dict[str, Any]:
    summary = dict(result.summary)
    summary["elapsed_s"] = round(time.monotonic() - started, 3)
    return summary


def _too_low(result: "FitResult", least: float | None) -> ScoreTooLowError | None:
    score = float(result.summary["score"])
    if least is None:
        return None
    metric = result.metric
    reached = score >= least if metric.greater_is_better else score <= least
    if reached and not math.isnan(score):
        return None
    side = "at least" if metric.greater_is_better else "at most"
    return ScoreTooLowError(
        f"The score, {metric.name} {score:.6g}, is not {side} {least:g} (--min-score). "
        f"The model is kept: {result.summary['model']}"
    )


def _text(result: "FitResult", summary: dict[str, Any], target: str) -> str:
    from automl.report import leaderboard_text, result_text

    board = leaderboard_text(result.leaderboard, result.metric.name, limit=SHOWN_ROWS)
    return f"{board}\n\n{result_text(summary)}"
