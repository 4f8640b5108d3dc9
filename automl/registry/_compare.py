"""Two versions side by side: what differs, by what it is about."""

from collections.abc import Iterator, Mapping
from typing import Any

Differences = dict[str, dict[str, list[Any]]]


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> Differences:
    """Tell what differs between two versions.

    Parameters
    ----------
    old, new : mapping
        Their manifests.

    Returns
    -------
    dict
        ``scores``, ``configuration``, ``members``, ``columns``, ``data``, ``libraries`` and
        ``lineage``; in each, by name, the old value and the new one, ``None`` for what one of
        them does not have. What is the same is left out.
    """
    left, right = _sections(old), _sections(new)
    return {section: _different(left[section], right[section]) for section in left}


def _sections(manifest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    model, around = manifest["model"], manifest["surroundings"]
    lineage = {k: v for k, v in manifest["lineage"].items() if k != "parent"}
    members = {
        member["name"]: {k: v for k, v in member.items() if k != "name"}
        for member in model["members"]
    }
    found: dict[str, Any] = {
        "scores": {
            "metric": (model["metric"] or {}).get("name"),
            "score": model["score"],
            "score_interval": model["score_interval"],
            "scores": lineage.pop("scores", None),
        },
        "configuration": {
            **(model["config"] or {}),
            **{name: model[name] for name in ("task", "seed", "positive_label")},
            "configuration": lineage.pop("configuration", None),
        },
        "members": members,
        "columns": {**model["columns"], "(target)": model["target"]},
        "data": {"n_rows": model["n_rows"], "data": lineage.pop("data", None)},
        "libraries": {
            "automl": model["automl"],
            **model["libraries"],
            **{k: v for k, v in around.items() if k != "automl"},
        },
        "lineage": lineage,
    }
    return {section: dict(_flat(values)) for section, values in found.items()}


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Nested mappings as one, the names joined by dots."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _different(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, list[Any]]:
    names = dict.fromkeys([*old, *new])
    return {n: [old.get(n), new.get(n)] for n in names if old.get(n) != new.get(n)}
