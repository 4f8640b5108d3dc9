"""A file that was changed is refused, or predicts what it did: never anything else."""

import hashlib
import json
import struct
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from automl.artifact import load_bytes
from automl.exceptions import ArtifactError

from .conftest import FRAME, members, packed

EASY = settings(max_examples=400, deadline=None)


def resealed(content, change):
    """The file with a changed manifest and the digest that fits it."""
    entries = members(content)
    manifest = json.loads(entries["manifest.json"])
    replaced = change(manifest)
    text = json.dumps(manifest if replaced is None else replaced).encode()
    entries["manifest.json"] = text
    entries["manifest.sha256"] = hashlib.sha256(text).hexdigest().encode()
    return packed(entries.items())


@pytest.fixture(scope="module")
def predictions(saved):
    return load_bytes(saved)[0].predict_raw(FRAME)


@EASY
@given(place=st.floats(0, 1, exclude_max=True), mask=st.integers(1, 255))
def test_a_changed_byte_never_changes_a_prediction(saved, predictions, place, mask):
    content = bytearray(saved)
    content[int(place * len(content))] ^= mask
    try:
        predictor, _ = load_bytes(bytes(content))
    except ArtifactError:
        return
    np.testing.assert_array_equal(predictor.predict_raw(FRAME), predictions)


@EASY
@given(from_end=st.integers(0, 1200), mask=st.integers(1, 255))
def test_a_changed_byte_in_the_directory_of_the_zip(saved, predictions, from_end, mask):
    """The last part of the file: names, sizes, methods and offsets of what is in it."""
    content = bytearray(saved)
    content[-1 - from_end % len(content)] ^= mask
    try:
        predictor, _ = load_bytes(bytes(content))
    except ArtifactError:
        return
    np.testing.assert_array_equal(predictor.predict_raw(FRAME), predictions)


@settings(max_examples=100, deadline=None)
@given(share=st.floats(0, 1, exclude_max=True))
@example(share=0.0)
def test_a_file_that_was_cut_off_is_refused(saved, share):
    with pytest.raises(ArtifactError, match="not a saved model, or is damaged"):
        load_bytes(saved[: int(share * len(saved))])


@given(st.binary(max_size=300))
def test_something_else_is_refused(content):
    with pytest.raises(ArtifactError, match="it is not|is not a saved model"):
        load_bytes(content, "it")


def test_another_zip_is_refused():
    with pytest.raises(ArtifactError, match=r"has no manifest\.json"):
        load_bytes(packed([("word/document.xml", b"<w/>")]))


def test_bytes_around_the_file_are_harmless_or_refused(saved, predictions):
    for content in (b"#!/bin/sh\n" + saved, saved + b"\n"):
        try:
            predictor, _ = load_bytes(content)
        except ArtifactError:
            continue
        np.testing.assert_array_equal(predictor.predict_raw(FRAME), predictions)


@pytest.mark.parametrize("name", ["members/0/0/more.bin", "../../evil.py", "/etc/passwd", "x/"])
def test_a_member_that_is_not_listed_is_refused(saved, name):
    with pytest.raises(ArtifactError, match="which its manifest does not list"):
        load_bytes(packed([*members(saved).items(), (name, b"evil")]))


def test_a_member_that_is_missing_is_refused(saved):
    for name in members(saved):
        rest = [(n, c) for n, c in members(saved).items() if n != name]
        with pytest.raises(ArtifactError, match=r"lacks|has no manifest\.json"):
            load_bytes(packed(rest))


def test_a_member_that_is_there_twice_is_refused(saved):
    for name, content in members(saved).items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            twice = packed([*members(saved).items(), (name, content)])
        with pytest.raises(ArtifactError, match=f"holds '{name}' twice"):
            load_bytes(twice)


def test_a_member_that_was_changed_is_named(saved):
    for name, content in members(saved).items():
        if not name.startswith("members/"):
            continue
        for other in (content + b"\0", content[:-1] + bytes([content[-1] ^ 1])):
            changed = members(saved) | {name: other}
            with pytest.raises(ArtifactError, match=f"'{name}' in it was changed"):
                load_bytes(packed(changed.items()), "it")


def test_a_manifest_that_was_edited_is_refused(saved):
    entries = members(saved)
    entries["manifest.json"] = entries["manifest.json"].replace(b'"yes"', b'"YES"')
    with pytest.raises(ArtifactError, match="manifest of it was changed after it was saved"):
        load_bytes(packed(entries.items()), "it")


@pytest.mark.parametrize("digest", [b"", b"0" * 64, b"\xff\xfe", b"x" * 10_000])
def test_a_digest_that_was_edited_is_refused(saved, digest):
    entries = members(saved) | {"manifest.sha256": digest}
    with pytest.raises(ArtifactError, match="was changed after it was saved"):
        load_bytes(packed(entries.items()))


def test_a_newer_format_is_refused_with_both_versions(saved):
    def newer(manifest):
        manifest["format"] = 7
        manifest["automl"] = "9.1.0"

    with pytest.raises(
        ArtifactError, match=r"it has format 7; .* up to 2\. .*automl 9\.1\.0: upgrade"
    ):
        load_bytes(resealed(saved, newer), "it")


@pytest.mark.parametrize("number", [0, -1, "one", None, [], 1.5, True, "1"])
def test_a_format_that_never_was_is_refused(saved, number):
    with pytest.raises(ArtifactError, match="format|manifest of .* can't be read"):
        load_bytes(resealed(saved, lambda m: m.update(format=number)))


@pytest.mark.parametrize("value", [None, [], "text", 7, {}, {"a": 1}, [[]], -1.5, float("nan")])
@pytest.mark.parametrize("key", ["files", "members", "encoders", "schema", "target"])
def test_a_manifest_of_the_wrong_shape_is_refused(saved, key, value):
    with pytest.raises(ArtifactError, match="manifest|does not list|The saved"):
        load_bytes(resealed(saved, lambda m: m.update({key: value})))


@pytest.mark.parametrize("key", ["name", "family", "encoding", "params", "weight", "models"])
@pytest.mark.parametrize("value", [None, [], "text", {"a": 1}, [[1]], float("nan")])
def test_a_member_of_the_wrong_shape_is_refused_or_never_used(saved, key, value):
    def change(manifest):
        manifest["members"][0][key] = value

    try:
        predictor, _ = load_bytes(resealed(saved, change))
    except ArtifactError:
        return
    assert key == "name" or (key, value) in [("params", []), ("params", {"a": 1})]
    assert np.isfinite(predictor.predict_raw(FRAME)).all()


def test_a_family_that_is_not_installed_is_named(saved):
    def change(manifest):
        manifest["members"][0]["family"] = "somebodys"

    with pytest.raises(
        ArtifactError, match="it needs the model family 'somebodys'.*installed are"
    ):
        load_bytes(resealed(saved, change), "it")


@pytest.mark.parametrize("text", [b"", b"null", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_a_manifest_that_is_no_manifest_is_refused(saved, text):
    entries = members(saved) | {
        "manifest.json": text,
        "manifest.sha256": hashlib.sha256(text).hexdigest().encode(),
    }
    with pytest.raises(ArtifactError, match="can't be read"):
        load_bytes(packed(entries.items()))


@pytest.mark.parametrize("name", ["manifest.json", "members"])
def test_a_small_file_that_claims_to_hold_a_huge_one_is_refused(saved, name):
    """The size in the zip's directory is changed; nothing of that size is ever made."""
    told = "too large" if name == "manifest.json" else "should have"
    name = next(n for n in members(saved) if n.startswith(name))
    content = bytearray(saved)
    at = content.rindex(b"PK\1\2", 0, content.rindex(name.encode()))
    struct.pack_into("<I", content, at + 24, 0xFFFF_FFF0)
    with pytest.raises(ArtifactError, match=told):
        load_bytes(bytes(content))


def test_a_member_that_unpacks_to_far_more_than_listed_is_refused(saved):
    """30 MB of zeros in 30 kB; the manifest lists the size of every file."""
    entries = members(saved)
    name = next(n for n in entries if n.startswith("members/"))
    bomb = packed([*((n, c) for n, c in entries.items() if n != name), (name, bytes(3 * 10**7))])
    assert len(bomb) < 10**5
    with pytest.raises(ArtifactError, match="should have"):
        load_bytes(bomb)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, 97, 0])
def test_a_method_that_does_not_fit_is_refused(saved, method):
    content = bytearray(saved)
    for signature, offset in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        struct.pack_into("<H", content, content.index(signature) + offset, method)
    with pytest.raises(ArtifactError, match="damaged"):
        load_bytes(bytes(content))


def test_an_encrypted_member_is_refused(saved):
    content = bytearray(saved)
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        struct.pack_into("<H", content, content.index(signature) + offset, 1)
    with pytest.raises(ArtifactError, match="damaged"):
        load_bytes(bytes(content))


@settings(max_examples=60, deadline=None)
@given(place=st.floats(0, 1, exclude_max=True), mask=st.integers(1, 255))
def test_a_damaged_file_of_another_compression_is_refused(saved, predictions, place, mask):
    """Python's zip reads more methods than we write, each with errors of its own."""
    for method in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        content = bytearray(packed(members(saved).items(), method))
        content[int(place * len(content))] ^= mask
        try:
            predictor, _ = load_bytes(bytes(content))
        except ArtifactError:
            continue
        np.testing.assert_array_equal(predictor.predict_raw(FRAME), predictions)
