"""A vector for each sentence, from a package that brings its model along.

That is `wordllama`: a vector for each of 32,000 pieces of words, of which a sentence is the mean,
and the tokenizer that cuts it into them, both inside its wheel. Its files are read here and the
package itself is not imported: that would set up the logging of the whole process, and its own
loader looks for the tokenizer in a folder that the wheel does not have, and then on the network.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from automl.exceptions import ArtifactError, MissingDependencyError, UsageError

NGRAMS, SENTENCES = "ngrams", "sentences"
TEXT_ENCODERS = (NGRAMS, SENTENCES)
"""What texts are read by: words and n-grams alone, or vectors of sentences beside them."""

PACKAGE = "wordllama"
WEIGHTS = "weights/l2_supercat_256.safetensors"
TOKENIZER = "tokenizers/l2_supercat_tokenizer_config.json"
KEY = "embedding.weight"

INSTALL = "Install it with: pip install wordllama"

TOKENS = 1 << 13
"""Pieces of words whose vectors are held at once, 8 MB."""


def check_text_encoder(name: str) -> bool:
    """Tell whether sentences are asked for, and refuse at once what can't be done.

    Raises
    ------
    UsageError
        If there is no such encoder.
    MissingDependencyError
        If it needs a package that is not installed.

    Examples
    --------
    >>> check_text_encoder("ngrams")
    False
    >>> check_text_encoder("words")
    Traceback (most recent call last):
    ...
    automl.exceptions.UsageError: text_encoder 'words' is not allowed; give ngrams or sentences.
    """
    if name not in TEXT_ENCODERS:
        raise UsageError(
            f"text_encoder {name!r} is not allowed; give {' or '.join(TEXT_ENCODERS)}."
        )
    if name == SENTENCES:
        _folder("text_encoder 'sentences'")
    return name == SENTENCES


@dataclass(frozen=True)
class SentenceModel:
    """Which model makes the vectors.

    Parameters
    ----------
    package, version : str
    sha256 : str
        Of its weights and its tokenizer.
    """

    package: str
    version: str
    sha256: str

    @classmethod
    def installed(cls, wanted_by: str = "text_encoder 'sentences'") -> "SentenceModel":
        """The model that is installed.

        Raises
        ------
        MissingDependencyError
            If there is none.
        """
        sha256 = _digest(_folder(wanted_by))
        try:
            return cls(PACKAGE, version(PACKAGE), sha256)
        except PackageNotFoundError:  # copied, and not installed
            return cls(PACKAGE, "of no version", sha256)

    @classmethod
    def read(cls, state: Mapping[str, Any]) -> "SentenceModel":
        """Read what a saved model was trained with."""
        return cls(str(state["package"]), str(state["version"]), str(state["sha256"]))

    def check(self) -> None:
        """Refuse to go on without the model, or with another.

        Another version is as good if its weights and its tokenizer are the same.

        Raises
        ------
        ArtifactError
            If another model is installed.
        MissingDependencyError
            If none is.
        """
        here = self.installed("This model was trained with vectors of sentences and")
        if (self.package, self.sha256) != (here.package, here.sha256):
            raise ArtifactError(
                f"This model was trained with the vectors of {self.package} {self.version}; those "
                f"of {here.package} {here.version}, which is installed here, are others. Install "
                f"the same: pip install '{self.package}=={self.version}'"
            )

    def to_dict(self) -> dict[str, str]:
        """Plain values for JSON."""
        return {"package": self.package, "version": self.version, "sha256": self.sha256}

    def vectors(self, texts: Sequence[str]) -> np.ndarray:
        """The mean vector of each text, zeros for one without a word.

        Parameters
        ----------
        texts : sequence of str

        Returns
        -------
        ndarray of shape (n_texts, n_dimensions), float32
        """
        self.check()
        table, tokenizer = _loaded(_folder("a model"))
        out = np.zeros((len(texts), table.shape[1]), np.float32)
        places: list[int] = []
        tokens: list[list[int]] = []
        waiting = 0
        for place, text in enumerate(texts):
            # One by one: a batch would take all cores, whatever this process was granted.
            found = tokenizer.encode(text, add_special_tokens=False).ids if text else []
            if not found:
                continue
            places.append(place)
            tokens.append(found)
            waiting += len(found)
            if waiting > TOKENS:
                out[places] = _means(table, tokens)
                places, tokens, waiting = [], [], 0
        if places:
            out[places] = _means(table, tokens)
        return out


def _means(table: np.ndarray, tokens: Sequence[Sequence[int]]) -> np.ndarray:
    lengths = np.array([len(some) for some in tokens])
    starts = np.cumsum(lengths) - lengths
    rows = table[np.concatenate([np.asarray(some) for some in tokens])].astype(np.float32)
    return np.asarray(np.add.reduceat(rows, starts, axis=0) / lengths[:, None], np.float32)


def _folder(wanted_by: str) -> Path:
    """Where the package lies, found without importing it."""
    found = find_spec(PACKAGE)
    missing = [name for name in ("safetensors", "tokenizers") if find_spec(name) is None]
    if found is None or not found.submodule_search_locations or missing:
        name = PACKAGE if found is None else ", ".join(missing) or PACKAGE
        raise MissingDependencyError(
            f"{wanted_by} needs the package {name}, which is not installed. {INSTALL}"
        )
    folder = Path(next(iter(found.submodule_search_locations)))
    for name in (WEIGHTS, TOKENIZER):
        if not (folder / name).is_file():
            raise MissingDependencyError(
                f"{wanted_by} needs a version of {PACKAGE} that brings {name} along, and that "
                f"in {folder} does not. {INSTALL}"
            )
    return folder


@cache
def _digest(folder: Path) -> str:
    found = hashlib.sha256()
    for name in (WEIGHTS, TOKENIZER):
        found.update((folder / name).read_bytes())
    return found.hexdigest()


@cache
def _loaded(folder: Path) -> tuple[np.ndarray, Any]:
    """The vector of each token, in half precision as it is stored, and the tokenizer."""
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return load_file(folder / WEIGHTS)[KEY], tokenizer
