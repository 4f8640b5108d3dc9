"""Reading a saved model: nothing in it is run, and nothing unlisted is read."""

import hashlib
import io
import json
import lzma
import math
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automl.artifact._format import DIGEST, FORMAT, MANIFEST
from automl.ensemble import Calibration, Member, Predictor
from automl.exceptions import ArtifactError
from automl.families import family_names
from automl.features import TextEncoder, encoder_from_dict
from automl.objective import Decision
from automl.table import Schema, Target

MAX_MANIFEST = 2**28
"""Bytes of the manifest, unpacked: a small zip can hold any amount. What the manifest lists must
have the size that it lists."""

UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,  # encrypted; also a method that Python does not know
    ValueError,
)


def load_bytes(
    content: bytes, origin: str = "the saved model"
) -> tuple[Predictor, dict[str, Any]]:
    """Read a saved model.

    Parameters
    ----------
    content : bytes
    origin : str
        How error messages call it.

    Returns
    -------
    predictor : Predictor
    manifest : dict

    Raises
    ------
    ArtifactError
        If it is damaged, was changed after it was saved, or is of a newer format.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            manifest = _read_manifest(archive, origin)
            files = _read_files(archive, manifest, origin)
    except ArtifactError:
        raise
    except UNREADABLE as e:
        raise ArtifactError(f"{origin} is not a saved model, or is damaged: {e}.") from e
    try:
        return _build(manifest, files, origin), manifest
    except ArtifactError:
        raise
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as e:
        raise ArtifactError(f"The manifest of {origin} is incomplete: {e!r}.") from e


def read_path(path: Path) -> bytes:
    """The bytes of a saved model; a run's folder stands for the model in it.

    Raises
    ------
    ArtifactError
        If there is none.
    """
    if path.is_dir():
        if not (path / "model.automl").is_file():
            raise ArtifactError(f"There is no model.automl in the folder {path}.")
        path = path / "model.automl"
    try:
        return path.read_bytes()
    except OSError as e:
        raise ArtifactError(f"The model {path} can't be read: {e.strerror or e}.") from e


def _read_manifest(archive: zipfile.ZipFile, origin: str) -> dict[str, Any]:
    names = archive.namelist()
    twice = {n for n in names if names.count(n) > 1}
    if twice:
        raise ArtifactError(f"{origin} holds {sorted(twice)[0]!r} twice.")
    if MANIFEST not in names or DIGEST not in names:
        raise ArtifactError(f"{origin} is not a saved model, or is damaged: it has no {MANIFEST}.")
    for name in (MANIFEST, DIGEST):
        if archive.getinfo(name).file_size > MAX_MANIFEST:
            raise ArtifactError(f"{name!r} in {origin} is too large to be one.")
    text = _read(archive, MANIFEST, origin)
    if hashlib.sha256(text).hexdigest().encode() != _read(archive, DIGEST, origin).strip():
        raise ArtifactError(f"The manifest of {origin} was changed after it was saved.")
    try:
        manifest = json.loads(text)
        number = manifest["format"]
        listed = set(dict(manifest["files"]))
    except (ValueError, KeyError, TypeError, RecursionError) as e:
        raise ArtifactError(f"The manifest of {origin} can't be read: {e!r}.") from e
    if type(number) is not int or number < 1:
        raise ArtifactError(f"{origin} has the format {number!r}, which there never was.")
    if number > FORMAT:
        raise ArtifactError(
            f"{origin} has format {number}; this version of automl reads up to {FORMAT}. "
            f"It was saved by automl {manifest.get('automl', '?')}: upgrade to that or later."
        )
    extra = set(names) - listed - {MANIFEST, DIGEST}
    missing = listed - set(names)
    if extra or missing:
        what = f"holds {sorted(extra)[0]!r}, which its manifest does not list" if extra else ""
        what = what or f"lacks {sorted(missing)[0]!r}"
        raise ArtifactError(f"{origin} {what}.")
    assert isinstance(manifest, dict)
    return manifest


def _read_files(
    archive: zipfile.ZipFile, manifest: Mapping[str, Any], origin: str
) -> dict[str, bytes]:
    files = {}
    for name, facts in manifest["files"].items():
        try:
            size, digest = facts["bytes"], facts["sha256"]
        except (KeyError, TypeError) as e:
            raise ArtifactError(f"The manifest of {origin} is incomplete: {e!r}.") from e
        if archive.getinfo(name).file_size != size:
            raise ArtifactError(f"{name!r} in {origin} was changed: it should have {size} bytes.")
        content = _read(archive, name, origin)
        if hashlib.sha256(content).hexdigest() != digest:
            raise ArtifactError(f"{name!r} in {origin} was changed after it was saved.")
        files[name] = content
    return files


def _read(archive: zipfile.ZipFile, name: str, origin: str) -> bytes:
    try:
        return archive.read(name)
    except UNREADABLE as e:
        raise ArtifactError(f"{name!r} in {origin} is damaged: {e}.") from e


def _read_texts(listed: Mapping[str, Any], files: Mapping[str, bytes]) -> dict[str, TextEncoder]:
    """The columns of texts of each encoding; encodings may share a file."""
    read: dict[str, TextEncoder] = {}
    found = {}
    for encoding, state in listed.items():
        path = state["file"]
        if path not in read:
            try:
                read[path] = TextEncoder.read(state, files[path])
            except UNREADABLE as e:
                raise ArtifactError(f"The words of the saved model can't be read: {e}.") from e
        found[encoding] = read[path]
    return found


def _build(manifest: Mapping[str, Any], files: Mapping[str, bytes], origin: str) -> Predictor:
    texts = _read_texts(manifest.get("texts", {}), files)
    encoders = {
        k: encoder_from_dict(v, texts.get(k, TextEncoder()))
        for k, v in manifest["encoders"].items()
    }
    members = [
        Member(
            str(m["name"]),
            str(m["family"]),
            str(m["encoding"]),
            dict(m["params"]),
            float(m["weight"]),
            tuple({name: files[path] for name, path in model.items()} for model in m["models"]),
            tuple(int(fold) for fold in m.get("folds", ())),
        )
        for m in manifest["members"]
    ]
    installed = family_names()
    for member in members:
        if member.family not in installed:
            raise ArtifactError(
                f"{origin} needs the model family {member.family!r}, which is not installed here; "
                f"installed are {', '.join(installed)}."
            )
        if member.encoding not in encoders:
            raise ValueError(f"there is no encoder {member.encoding!r}")
        if not (member.files and 0 < member.weight < float("inf")):
            raise ValueError(f"the member {member.name!r} has no models or no weight")
        told = encoders[member.encoding].texts.folds
        if told and not (len(member.folds) == len(member.files) and set(member.folds) <= told):
            raise ValueError(f"the models of {member.name!r} are of folds that there are not")
    if not members:
        raise ValueError("there is no member")
    return Predictor(
        Schema.from_dict(manifest["schema"]),
        Target.from_dict(manifest["target"]),
        encoders,
        members,
        _calibration(manifest.get("calibration")),
        _decision(manifest.get("decision")),
    )


def _calibration(state: Any) -> Calibration | None:
    if state is None:
        return None
    scale, shift, bounds = float(state["scale"]), float(state["shift"]), state["bounds"]
    if not (math.isfinite(scale) and math.isfinite(shift)):
        raise ValueError(f"the calibration is {state!r}")
    return Calibration(scale, shift, None if bounds is None else (bounds[0], bounds[1]))


def _decision(weights: Any) -> Decision | None:
    if weights is None:
        return None
    if not all(0 < float(weight) < float("inf") for weight in weights):
        raise ValueError(f"the weights of the classes are {weights!r}")
    return Decision(tuple(float(weight) for weight in weights))
