"""One column of a schema: its name, its role and what is needed to read it again."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

from automl.exceptions import ArtifactError
from automl.table._messages import shown
from automl.table._values import canonical, comes_as, is_missing, is_time_of_day

_POWER = re.compile(r"\d{1,20}(?:\.\d{1,20})?[eE][+-]?\d{1,2}", re.ASCII)


class Role(StrEnum):
    """What a column is to a model.

    ``constant``, ``identifier``, ``nested`` and ``dropped`` columns are set aside; the others are
    features.
    """

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    TEXT = "text"
    CONSTANT = "constant"
    IDENTIFIER = "identifier"
    NESTED = "nested"
    DROPPED = "dropped"


@dataclass(frozen=True)
class Column:
    """A column as it was seen at fit.

    Parameters
    ----------
    name : str
        Label of the column.
    role : Role
        What the column is to a model.
    reason : str
        Why it has this role, in a few words for people.
    categories : tuple of str, default=()
        Canonical texts of a categorical column, most frequent first. The position of a
        category is its code.
    date_format : str, default=""
        How dates written as text or numbers are read: ``"ISO8601"``, ``strptime`` formats with
        ``|`` between them, or ``"epoch:"`` and the unit of numbers since 1970. It is chosen
        once, at fit, so that ``03-04-2026`` means the same day in every later table.
    number_format : str, default=""
        How numbers written as text are read if not plainly: the decimal mark, and after a blank
        the unit they are given in.
    sentinels : tuple of float, default=()
        Numbers that stand for "not known", such as -999.
    tolerant : bool, default=False
        True where the column held values at fit that its role can't read. Such values were
        missing values to the model then, so they are at predict; elsewhere they are an error.
    spelled : bool, default=False
        Whether the letters of the categories (or digits of codes such as 01234) are read, since
        there are too many for their rows: a new one is taken to be like those spelled alike.

    Examples
    --------
    >>> column = Column("size", Role.CATEGORICAL, "2 distinct strings", categories=("S", "L"))
    >>> column.codes
    {'S': 0, 'L': 1}
    """

    name: str
    role: Role
    reason: str
    categories: tuple[str, ...] = ()
    date_format: str = ""
    tolerant: bool = False
    number_format: str = ""
    sentinels: tuple[float, ...] = ()
    spelled: bool = False

    @property
    def readable(self) -> bool:
        """Whether a table keeps the texts of the column, and not only codes or numbers."""
        return self.role is Role.TEXT or self.spelled

    @property
    def literal(self) -> bool:
        """Whether a file's cells must be read as texts, or some category would be another.

        Examples
        --------
        >>> Column("version", Role.CATEGORICAL, "", categories=("3.9", "3.10", "3.11rc1")).literal
        True
        >>> Column("size", Role.CATEGORICAL, "", categories=("38", "XL")).literal
        False
        """
        return any(comes_as(text) != text for text in self.categories)

    @property
    def on_the_clock(self) -> bool:
        """Whether its moments are times of a day that is not known."""
        return is_time_of_day(self.date_format)

    @cached_property
    def codes(self) -> dict[str, int]:
        """Code of every category; built on first use, since one-row calls need it each time."""
        return {text: code for code, text in enumerate(self.categories)}

    def code(self, text: str) -> int:
        """Return the code of a text, -1 if it is missing or no category.

        Examples
        --------
        >>> column = Column("size", Role.CATEGORICAL, "", categories=("S", "1"))
        >>> column.code(" S"), column.code("1.0"), column.code("L"), column.code("NA")
        (0, 1, -1, -1)
        >>> Column("zip", Role.CATEGORICAL, "", categories=("01234", "98101")).code("1234")
        0
        >>> Column("zip", Role.CATEGORICAL, "", categories=("1234", "98101")).code("01234")
        0
        >>> Column("part", Role.CATEGORICAL, "", categories=("2e5", "2f5")).code("200000")
        0
        """
        found = self._met.get(text)
        if found is None:
            found = -1 if is_missing(text) else self._look_up(canonical(text))
            if found >= 0 and len(self._met) < 4 * len(self.categories):
                self._met[text] = found
        return found

    def _look_up(self, text: str) -> int:
        found = self.codes.get(text, -1)
        if found < 0 and text.isdecimal():
            if not text.startswith("0"):
                found = self._padded.get(text, -1)
            elif not any(known[:1] == "0" for known in self.categories if known != "0"):
                # the table kept its zeros, unlike that of the fit
                found = self.codes.get(text.lstrip("0"), -1)
        return found if found >= 0 else self._powers.get(text, -1)

    @cached_property
    def _powers(self) -> dict[str, int]:
        """Codes such as 2e5 as they come from where they are read as numbers, 200000.

        None of two that would be the same.
        """
        read = [
            (canonical(float(text)), i)
            for i, text in enumerate(self.categories)
            if _POWER.fullmatch(text)
        ]
        found = dict(read)
        return found if len(found) == len(read) else {}

    @cached_property
    def _padded(self) -> dict[str, int]:
        """Codes such as 01234 without the zeros, which they lose where they are read as numbers.

        None where two would be the same, or where others show that they are no numbers.
        """
        if not all(map(str.isdecimal, self.categories)):
            return {}
        padded = [(text, i) for i, text in enumerate(self.categories) if text.startswith("0")]
        found = {text.lstrip("0") or "0": i for text, i in padded}
        return found if len(found) == len(padded) else {}

    @cached_property
    def _met(self) -> dict[str, int]:
        """Codes of texts that were asked for before: reading them anew takes longer."""
        return {}

    def to_dict(self) -> dict[str, Any]:
        """Return the column as plain values; what is at its default is left out."""
        state: dict[str, Any] = {"name": self.name, "role": self.role.value, "reason": self.reason}
        if self.categories:
            state["categories"] = list(self.categories)
        if self.date_format:
            state["date_format"] = self.date_format
        if self.tolerant:
            state["tolerant"] = True
        if self.number_format:
            state["number_format"] = self.number_format
        if self.sentinels:
            state["sentinels"] = list(self.sentinels)
        if self.spelled:
            state["spelled"] = True
        return state

    @classmethod
    def from_dict(cls, state: Any) -> "Column":
        """Return the column that `to_dict` wrote.

        Raises
        ------
        ArtifactError
            If the values are not those of a column.
        """
        if not isinstance(state, Mapping) or not set(state) <= _FIELDS.keys():
            raise ArtifactError(
                f"A column of the saved schema must have the fields {sorted(_FIELDS)}, "
                f"but is {shown(state)}."
            )
        for name in ("name", "role", "reason"):
            if name not in state:
                raise ArtifactError(f"A column of the saved schema has no {name}: {shown(state)}.")
        for name, value in state.items():
            if not isinstance(value, _FIELDS[name]):
                raise ArtifactError(f"The saved schema has {name} {shown(value)} in a column.")
        if state["role"] not in set(Role):
            raise ArtifactError(
                f"The saved schema has the role {state['role']!r} for {state['name']!r}; "
                f"roles are {', '.join(Role)}."
            )
        categories = tuple(state.get("categories", ()))
        if not all(isinstance(text, str) for text in categories) or len(set(categories)) < len(
            categories
        ):
            raise ArtifactError(
                f"The saved categories of {state['name']!r} are not distinct texts."
            )
        number_format, sentinels = state.get("number_format", ""), state.get("sentinels", ())
        if number_format and (number_format[0] not in ".," or number_format[1:2] not in ("", " ")):
            raise ArtifactError(f"The saved schema has the number format {number_format!r}.")
        if not all(isinstance(number, int | float) for number in sentinels):
            raise ArtifactError(f"The saved sentinels of {state['name']!r} are no numbers.")
        return cls(
            name=state["name"],
            role=Role(state["role"]),
            reason=state["reason"],
            categories=categories,
            date_format=state.get("date_format", ""),
            tolerant=state.get("tolerant", False),
            number_format=number_format,
            sentinels=tuple(map(float, sentinels)),
            spelled=state.get("spelled", False),
        )


_FIELDS: dict[str, type] = {
    "name": str,
    "role": str,
    "reason": str,
    "categories": list,
    "date_format": str,
    "tolerant": bool,
    "number_format": str,
    "sentinels": list,
    "spelled": bool,
}
