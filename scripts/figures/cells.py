"""How figures and names are written into the cells of a table; what was not measured is a dash."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

NONE = "-"
Cells = Sequence[str]

# Of each corpus: its name in print, what a content is called, what a style is.
WORDS = {
    "phonenums": ("PhoneNums", "digits", "colours"),
    "insnotes": ("InsNotes", "pitches", "instruments"),
    "svhn": ("SVHN", "digits", "images"),
    "sprites": ("Sprites", "poses", "characters"),
    "librispeech": ("Librispeech", "phonemes", "speakers"),
}
# The same of those that only studies/genuine has.
GENUINE_WORDS = {
    "timit": ("TIMIT", "phones", "speakers"),
    "mnist_writers": ("MNIST", "digits", "writers"),
}


def number(value: Any, digits: int = 3) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def count(value: Any) -> str:
    return NONE if value is None else str(value)


def beside(value: Any, chance: Any) -> str:
    """A figure with its chance in brackets."""
    return NONE if value is None else f"{number(value)} ({number(chance)})"


def table(head: Cells, rows: Iterable[Cells]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def name_of(dataset: str) -> str:
    return (WORDS | GENUINE_WORDS).get(dataset, (dataset,))[0]


def words(dataset: str) -> tuple[str, str]:
    """What contents and styles are called."""
    found = (WORDS | GENUINE_WORDS).get(dataset, ("", "contents", "styles"))
    return found[1], found[2]


def kind_of(source: str | None) -> str:
    """The first words of a source: a stand-in, synthesised pages, ..."""
    return re.split(r"[:(,]", source)[0].strip() if source else NONE
