"""A registry of models as text for people."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from automl.report._text import _aligned, _near, number_text

_INDENT = "  "


def versions_text(facts: Mapping[str, Any]) -> str:
    """Show the versions of a registry as a table, the one that serves marked.

    Parameters
    ----------
    facts : mapping
        ``registry``, ``current``, ``versions`` and ``job``, as ``automl models list --json``
        prints them.

    Returns
    -------
    str
    """
    if not facts["versions"]:
        text = f"no versions yet in {_near(facts['registry'])}"
    else:
        head = ["", "version", "created", "score", "metric", "rows", "parent", "by", ""]
        rows = [_version_row(v, facts["current"]) for v in facts["versions"]]
        text = _aligned([head, *rows], left=(0, 2, 4, 7, 8))
    return text if facts["job"] is None else f"{text}\nat work: {_who(facts['job'])}"


def jobs_text(facts: Mapping[str, Any]) -> str:
    """Show the latest jobs of a registry as a table, the latest one last.

    Parameters
    ----------
    facts : mapping
        ``registry`` and ``jobs``, as ``automl models log --json`` prints them.

    Returns
    -------
    str

    Examples
    --------
    >>> job = {"time": "2026-01-02T03:15:09+00:00", "decision": "refused", "champion": 3,
    ...        "version": 3, "data": {"n_rows": 1200}, "seconds": 4.2, "reason": "half is missing"}
    >>> print(jobs_text({"registry": "models", "jobs": [job]}))
    ended                decision   rows  champion  serves  seconds  reason
    2026-01-02 03:15:09  refused   1,200         3       3      4.2  half is missing
    """
    if not facts["jobs"]:
        return f"no jobs yet in {_near(facts['registry'])}"
    head = ["ended", "decision", "rows", "champion", "serves", "seconds", "reason"]
    return _aligned([head, *map(_job_row, facts["jobs"])], left=(0, 1, 6))


def _job_row(job: Mapping[str, Any]) -> list[str]:
    return [
        _time(str(job.get("time", ""))),
        str(job.get("decision", "")),
        _rows((job.get("data") or {}).get("n_rows")),
        *(_number(job.get(name)) for name in ("champion", "version")),
        f"{job.get('seconds', 0.0):.1f}",
        str(job.get("reason", "")),
    ]


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def version_text(facts: Mapping[str, Any]) -> str:
    """Show one version: its score, where it comes from, what happened to it.

    Parameters
    ----------
    facts : mapping
        As ``automl models show --json`` prints them.

    Returns
    -------
    str
    """
    model, around = facts["model"], facts["surroundings"]
    git = around["git"]
    lines = [
        ("version", f"{facts['version']}{', serves' if facts['serves'] else ''}"),
        ("created", f"{_time(facts['created'])} by {_who(facts['by'])}"),
        ("parent", "none" if facts["parent"] is None else str(facts["parent"])),
        ("score", _score(model)),
        ("trained", f"{_rows(model['n_rows'])} rows, seed {model['seed']}"),
        *(("member", _member(m)) for m in model["members"]),
        ("columns", str(len(model["columns"]))),
        *((name, _shown(value)) for name, value in facts["lineage"].items() if name != "parent"),
        *((f"decision {k}", _shown(v)) for k, v in (facts["decision"] or {}).items()),
        ("made with", f"automl {model['automl']}, Python {around['python']}"),
        *([("git", _git(git))] if git else []),
        *(("history", _event(event)) for event in facts["history"]),
        ("file", _near(facts["path"])),
    ]
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in lines)


def differences_text(old: int, new: int, found: Mapping[str, Mapping[str, Sequence[Any]]]) -> str:
    """Show what differs between two versions, by what it is about.

    Examples
    --------
    >>> print(differences_text(1, 2, {"scores": {"score": [0.5, 0.75]}, "data": {}}))
    version 1 -> 2
    scores
      score   0.5 -> 0.75
    the same: data
    """
    lines = [f"version {old} -> {new}"]
    for section, entries in found.items():
        if entries:
            lines.append(section)
            width = max(map(len, entries))
            for name, (left, right) in entries.items():
                lines.append(f"{_INDENT}{name:<{width}}   {_shown(left)} -> {_shown(right)}")
    same = [section for section, entries in found.items() if not entries]
    return "\n".join([*lines, *([f"the same: {', '.join(same)}"] if same else [])])


def _version_row(version: Mapping[str, Any], current: int | None) -> list[str]:
    mark = "*" if version["version"] == current else ""
    number = str(version["version"])
    if version["damaged"]:
        return [mark, number, "", "", "", "", "", "", "damaged"]
    parent = version["parent"]
    return [
        mark,
        number,
        _time(version["created"]),
        number_text(version["score"]),
        str(version["metric"]),
        _rows(version["n_rows"]),
        "" if parent is None else str(parent),
        str(version["by"]["owner"]),
        str((version["decision"] or {}).get("decision", "")),
    ]


def _score(model: Mapping[str, Any]) -> str:
    text = f"{model['metric']['name']} {number_text(model['score'])}"
    if model["score_interval"]:
        low, high = (number_text(v) for v in model["score_interval"])
        text += f", 95 % interval {low} to {high}"
    return text


def _member(member: Mapping[str, Any]) -> str:
    return f"{member['weight']:.2f} {member['name']} {_shown(member['params'])}"


def _git(git: Mapping[str, Any]) -> str:
    return f"{git['commit'][:12]}{', with changes' if git['changed'] else ''}"


def _event(event: Mapping[str, Any]) -> str:
    reason = f": {event['reason']}" if event["reason"] else ""
    return f"{_time(event['time'])} {event['action']} by {_who(event['by'])}{reason}"


def _who(by: Mapping[str, Any]) -> str:
    if not by:
        return "another job"
    since = f", since {by['since']}" if "since" in by else ""
    return f"{by['owner']} (process {by['pid']} on {by['host']}{since})"


def _time(text: str) -> str:
    """To the second; the manifest has more."""
    return text[:19].replace("T", " ")


def _rows(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return number_text(value)
    return value if isinstance(value, str) else "-" if value is None else json.dumps(value)
