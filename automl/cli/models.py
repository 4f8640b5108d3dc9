"""List, compare and switch the versions in a registry of models.

A registry is a folder of versions of a model, one of which serves: `automl predict REGISTRY DATA`
uses that one. VERSION is a number, or one of the words current and before.
"""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automl.cli._console import Console

if TYPE_CHECKING:
    from automl.registry import Registry, Version


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``automl models``."""
    actions = parser.add_subparsers(
        dest="action", metavar="ACTION", required=True, parser_class=type(parser)
    )
    for name, (text, arguments, _) in ACTIONS.items():
        action = actions.add_parser(name, help=text, description=text, allow_abbrev=False)
        action.add_argument("registry", metavar="REGISTRY", help="folder of the registry")
        for flags, options in arguments:
            action.add_argument(flags, **options)
        action.add_argument("--json", action="store_true", help="print one JSON object")
        action.add_argument(
            "--traceback", action="store_true", help="show where an error came from"
        )


def run(args: argparse.Namespace, console: Console) -> int:
    """Open the registry, do what was asked, print."""
    from automl.artifact import load_bytes, read_path
    from automl.registry import Registry

    create = args.action == "add"
    if create:  # before a folder is made for it
        load_bytes(read_path(Path(args.model).expanduser()), args.model)
    facts, text = ACTIONS[args.action][2](Registry.open(args.registry, create=create), args)
    if console.json:
        console.print_json(facts)
    else:
        console.print(text)
    return 0


Shown = tuple[Mapping[str, Any], str]
"""What is printed: as JSON, and as text."""


def _list(registry: "Registry", args: argparse.Namespace) -> Shown:
    from automl.report import versions_text

    current, before = registry.current, registry.before
    facts = {
        "registry": str(registry.path),
        "current": current and current.number,
        "before": before and before.number,
        "versions": [_brief(version) for version in registry.versions()],
        "job": registry.job,
    }
    return facts, versions_text(facts)


def _log(registry: "Registry", args: argparse.Namespace) -> Shown:
    from automl.report import jobs_text

    facts = {"registry": str(registry.path), "jobs": registry.jobs()[-args.last :]}
    return facts, jobs_text(facts)


def _show(registry: "Registry", args: argparse.Namespace) -> Shown:
    from automl.report import version_text

    version, current = registry.version(args.version), registry.current
    facts = {
        "registry": str(registry.path),
        "version": version.number,
        "serves": version == current,
        "path": str(version.model_path),
        **{k: v for k, v in version.manifest.items() if k != "number"},
        "history": [e for e in registry.history() if e.get("version") == version.number],
    }
    return facts, version_text(facts)


def _diff(registry: "Registry", args: argparse.Namespace) -> Shown:
    from automl.registry import compare
    from automl.report import differences_text

    old, new = registry.version(args.old), registry.version(args.new)
    found = compare(old.manifest, new.manifest)
    facts = {"registry": str(registry.path), "old": old.number, "new": new.number}
    return {**facts, "differences": found}, differences_text(old.number, new.number, found)


def _add(registry: "Registry", args: argparse.Namespace) -> Shown:
    version = registry.add(Path(args.model).expanduser(), {}, reason=args.reason)
    if not args.promote:
        text = f"version {version.number} added; it does not serve yet"
        return _switched(registry, version), text
    registry.promote(version.number, args.reason)
    return _switched(registry, version), f"version {version.number} added; it serves"


def _promote(registry: "Registry", args: argparse.Namespace) -> Shown:
    version = registry.promote(args.version, args.reason)
    return _switched(registry, version), f"version {version.number} serves"


def _rollback(registry: "Registry", args: argparse.Namespace) -> Shown:
    version = registry.rollback(args.reason)
    return _switched(registry, version), f"version {version.number} serves again"


def _prune(registry: "Registry", args: argparse.Namespace) -> Shown:
    gone = registry.prune(args.keep, args.reason)
    kept = [version.number for version in registry.versions()]
    facts = {"registry": str(registry.path), "deleted": gone, "kept": kept}
    listed = ", ".join(map(str, gone)) or "nothing"
    return facts, f"deleted: {listed}; kept: {', '.join(map(str, kept))}"


def _switched(registry: "Registry", version: "Version") -> dict[str, Any]:
    current, before = registry.current, registry.before
    return {
        "registry": str(registry.path),
        "version": version.number,
        "current": current and current.number,
        "before": before and before.number,
        "path": str(version.model_path),
    }


def _brief(version: "Version") -> dict[str, Any]:
    """A version's row in the list; that of a damaged one says so."""
    from automl.registry import RegistryError

    try:
        manifest = version.manifest
    except RegistryError as error:
        return {"version": version.number, "damaged": str(error)}
    model = manifest["model"]
    return {
        "version": version.number,
        "damaged": None,
        "created": manifest["created"],
        "by": manifest["by"],
        "parent": manifest["parent"],
        "metric": model["metric"]["name"],
        "score": model["score"],
        "score_interval": model["score_interval"],
        "winner": model["winner"],
        "n_rows": model["n_rows"],
        "decision": manifest["decision"],
        "path": str(version.model_path),
    }


def _least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not allowed: give 1 or more")
    return int(text)


Argument = tuple[str, dict[str, Any]]
_REASON: Argument = ("--reason", {"metavar": "TEXT", "default": "", "help": "for the journal"})
_VERSION: dict[str, Any] = {"metavar": "VERSION"}
_OR_CURRENT = _VERSION | {"nargs": "?", "default": "current", "help": "(default: current)"}
ACTIONS: dict[
    str, tuple[str, tuple[Argument, ...], "Callable[[Registry, argparse.Namespace], Shown]"]
] = {
    "list": ("list the versions; the one that serves is marked", (), _list),
    "log": (
        "list the latest jobs and what each decided, those that were refused or failed, too",
        (
            (
                "--last",
                {"metavar": "N", "type": _least_one, "default": 20, "help": "(default: 20)"},
            ),
        ),
        _log,
    ),
    "show": (
        "show one version: score, origin, history",
        (("version", _OR_CURRENT),),
        _show,
    ),
    "diff": (
        "show what differs between two versions",
        (
            ("old", _VERSION | {"nargs": "?", "default": "before", "help": "(default: before)"}),
            ("new", _OR_CURRENT),
        ),
        _diff,
    ),
    "add": (
        "add a saved model as a new version; make the registry where there is none",
        (
            ("model", {"metavar": "MODEL", "help": "model.automl, or the folder of its run"}),
            ("--promote", {"action": "store_true", "help": "and let it serve"}),
            _REASON,
        ),
        _add,
    ),
    "promote": (
        "let a version serve",
        (("version", _VERSION | {"help": "its number"}), _REASON),
        _promote,
    ),
    "rollback": ("let the version serve again that did before the current", (_REASON,), _rollback),
    "prune": (
        "delete old versions, but not the one that serves or the one before it",
        (
            (
                "--keep",
                {
                    "metavar": "N",
                    "required": True,
                    "type": _least_one,
                    "help": "how many of the newest stay",
                },
            ),
            _REASON,
        ),
        _prune,
    ),
}  # fmt: skip
