"""Show what this machine offers: cores, memory, devices, and what can train on them."""

import argparse
from collections.abc import Mapping
from typing import Any

from automl.cli._console import Console

GIB = 2**30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``automl doctor``."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace, console: Console) -> int:
    """Ask, print."""
    facts = examine()
    if console.json:
        console.print_json(facts)
    else:
        console.print(as_text(facts))
    return 0


def examine() -> dict[str, Any]:
    """What there is, as JSON values."""
    import platform
    from dataclasses import asdict

    from automl.compute import find_driver, granted_cores, memory_limit
    from automl.families import BACKENDS, find_backend

    driver = find_driver()
    return {
        "python": platform.python_version(),
        "cores": granted_cores(),
        "memory_bytes": memory_limit(),
        "driver": {"cuda": driver.cuda, "reason": driver.reason},
        "devices": [asdict(d) for d in driver.devices],
        "backends": {name: asdict(find_backend(name, driver.reason)) for name in BACKENDS},
    }


def as_text(facts: Mapping[str, Any]) -> str:
    """The same for people."""
    memory = facts["memory_bytes"]
    size = "unknown" if memory is None else f"{memory / GIB:.1f} GiB"
    driver = facts["driver"]
    lines = [
        f"python    {facts['python']}",
        f"cores     {facts['cores']}",
        f"memory    {size}",
        f"driver    {driver['reason'] or 'serves CUDA ' + driver['cuda']}",
    ]
    for d in facts["devices"]:
        free = "" if d["free_bytes"] is None else f", {d['free_bytes'] / GIB:.1f} GiB free"
        lines.append(
            f"cuda:{d['number']:<4} {d['name']}, compute capability {d['capability']}, "
            f"{d['memory_bytes'] / GIB:.1f} GiB{free}"
        )
    for name, b in facts["backends"].items():
        state = "trains on CUDA" if b["usable"] else f"trains on the CPU: {b['reason']}"
        hint = f"\n{'':9} to change that: {b['install']}" if b["install"] else ""
        lines.append(f"{name:9} {b['version']} {state}{hint}")
    return "\n".join(lines)
