"""Which booster can train on a CUDA device here, found out in a process of its own.

A CUDA build of LightGBM aborts its process on a machine without a driver, and a booster that falls
back to the CPU only warns. So nothing is tried in the asking process, and the device that a fit
really used is read back.
"""

import json
import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

BACKENDS = ("xgboost", "lightgbm")
"""Boosters that have a CUDA backend."""

PATIENCE = 120.0
"""Seconds after which a probe is taken for hung; the first kernel of a new card is compiled."""

TOLERANCE = 0.05
"""How much worse the log loss on the device may be than on the CPU, as a share, for a probe of few
rows to count as right."""

NO_CUDA = b"CUDA Tree Learner was not enabled in this build"
"""What LightGBM's library says where it was built without CUDA: the text is in no other."""

PROBE = f"import sys; from {__name__} import main; main(sys.argv[1:])"

INSTALL = {
    "xgboost": "pip install --force-reinstall xgboost",
    "lightgbm": "scripts/build_lightgbm_cuda.sh, as docs/gpu.md says",
}


@dataclass(frozen=True)
class Comparison:
    """A booster on a card against the same booster on the CPU.

    Parameters
    ----------
    build : {"cuda", "cpu", ""}
        What it was built for; empty if that could not be found out.
    log_loss, log_loss_cpu : float
        Of small models of two classes; NaN where none was trained.
    reason : str
        Why its results on the card can't be trusted; empty if they can.
    """

    build: str
    log_loss: float = math.nan
    log_loss_cpu: float = math.nan
    reason: str = ""


@dataclass(frozen=True)
class Backend:
    """A booster on a CUDA device.

    Parameters
    ----------
    version : str
        Of the installed distribution; empty if there is none.
    build : {"cuda", "cpu", ""}
        What it was built for; empty if that could not be found out.
    usable : bool
    reason : str
        Why not; empty if it is usable.
    install : str
        What would help; empty if nothing has to be installed.
    """

    version: str
    build: str
    usable: bool
    reason: str = ""
    install: str = ""


def find_backend(
    name: str, no_device: str = "", *, command: Sequence[str] | None = None
) -> Backend:
    """Find out whether a booster can train on a CUDA device.

    Parameters
    ----------
    name : {"xgboost", "lightgbm"}
    no_device : str
        Why there is no device to train on; then nothing is trained.
    command : sequence of str, optional
        What to run in place of the usual probe.

    Returns
    -------
    Backend
    """
    installed = _version(name)
    if not installed:
        return Backend("", "", False, "it is not installed", f"pip install {name}")
    probe = [sys.executable, "-c", PROBE, name, *([] if no_device else ["--train"])]
    found = _ask(list(command or probe))
    build = str(found.get("build", ""))
    if build == "cpu":
        return Backend(installed, build, False, "it was built without CUDA", INSTALL[name])
    if "error" in found:
        return Backend(installed, build, False, str(found["error"]))
    if no_device:
        return Backend(installed, build, False, no_device)
    return Backend(installed, build, True)


def _version(name: str) -> str:
    """Version of the installed distribution, under whichever name it was installed."""
    for distribution in (name, f"{name}-cpu"):
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return ""


def _ask(command: list[str]) -> dict[str, Any]:
    """Run a probe; its last line is its answer, an end without one is an answer, too."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return {"error": f"its probe did not end within {PATIENCE:g} s"}
    lines = done.stdout.strip().splitlines()
    try:
        answer: dict[str, Any] = json.loads(lines[-1])
    except (IndexError, ValueError):
        told = done.stderr.strip().splitlines()
        answer = {"error": f"its probe ended with code {done.returncode}"}
        answer["error"] += f": {told[-1]}" if told else ""
    return answer


# -- in the probe's own process -----------------------------------------------------------


def _build_of_xgboost() -> str:
    import xgboost

    return "cuda" if xgboost.build_info().get("USE_CUDA") else "cpu"


def _build_of_lightgbm() -> str:
    """Look into the library without loading it: a CUDA build needs NCCL to be loaded at all."""
    from importlib.util import find_spec

    spec = find_spec("lightgbm")
    folders = [] if spec is None else spec.submodule_search_locations or []
    files = [f for folder in folders for f in Path(folder).rglob("lib_lightgbm.*")]
    if not files:
        return ""
    return "cpu" if any(NO_CUDA in f.read_bytes() for f in files) else "cuda"


BUILDS: dict[str, Callable[[], str]] = {
    "xgboost": _build_of_xgboost,
    "lightgbm": _build_of_lightgbm,
}


def _reference() -> tuple[np.ndarray, np.ndarray]:
    """A table that any booster learns in a few rounds."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 8)).astype(np.float32)
    y = (X[:, 0] + X[:, 1] * X[:, 2] + rng.normal(0, 0.5, 2000) > 0).astype(np.float64)
    return X, y


def _train(name: str, device: str) -> float:
    """Log loss of a small model that was trained on `device`, through the package's own family."""
    from automl.families import FitData, Problem, Resources, Watch, get_family
    from automl.features import Matrix

    X, y = _reference()
    names = tuple("abcdefgh")
    family, problem = get_family(name), Problem("binary", len(X), X.shape[1], 2)
    data = FitData(Matrix(X, names, names, (0,) * 8), y, np.arange(1500), np.empty(0, int))
    model = family.fit(
        family.starts(problem)[0].params,
        data,
        Watch(limit=30),
        problem=problem,
        resources=Resources(device=device),
    )
    p = np.clip(model.predict(X[1500:])[:, 0], 1e-9, 1 - 1e-9)
    return float(-np.mean(np.where(y[1500:] == 1, np.log(p), np.log(1 - p))))


def compare_devices(name: str, device: str) -> Comparison:
    """Train a small model on a card and on the CPU, and compare their log loss.

    Call it in a process that may die: that, too, is an answer.

    Parameters
    ----------
    name : str
        Of the family.
    device : str
        The card, such as ``"cuda:0"``.

    Returns
    -------
    Comparison

    Examples
    --------
    >>> compare_devices("xgboost", "cpu").reason
    ''
    """
    build = BUILDS[name]() if name in BUILDS else ""
    if build == "cpu" and device != "cpu":
        return Comparison(build, reason="it was built without CUDA")
    try:
        on_cpu, on_device = _train(name, "cpu"), _train(name, device)
    except Exception as error:  # noqa: BLE001 - whatever a library raises is the answer
        return Comparison(build, reason=" ".join(str(error).split())[:300].rstrip("."))
    wrong = ""
    if not on_device < on_cpu * (1 + TOLERANCE):
        wrong = f"its log loss is {on_device:.4f}, and {on_cpu:.4f} on the CPU"
    return Comparison(build, on_device, on_cpu, wrong)


def _probe(name: str, train: bool) -> dict[str, Any]:
    build = BUILDS[name]()
    if build == "cpu" or not train:
        return {"build": build}
    found = compare_devices(name, "cuda")
    return {"build": build} | ({"error": found.reason} if found.reason else {})


def main(arguments: Sequence[str]) -> None:
    """Answer on standard output: the entry of the probe's process."""
    print(json.dumps(_probe(arguments[0], "--train" in arguments)))  # noqa: T201
