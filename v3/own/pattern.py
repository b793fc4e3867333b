"""Names of files by a pattern: `{sample}_{content}_{style}.png`.

Each field stands for one character or more; none holds what separates fields in the pattern, so a
name fits in one way or not at all. `sample`, `content` and `style` are read, others (`{take}`) only
tell files apart. A pattern with a `/` is compared with the path below the folder, others with the
name alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from v3.base.errors import V3Error

READ = ("sample", "content", "style")
FIELD = re.compile(r"\{(\w+)\}")
EXAMPLE = "'{sample}_{content}_{style}.png'"


@dataclass(frozen=True)
class Pattern:
    """A pattern that has been understood."""

    text: str
    fields: tuple[str, ...]
    rule: re.Pattern[str]

    def read(self, file: str) -> dict[str, str] | None:
        """The fields of a file, a path below the folder with `/`; None if it does not fit."""
        found = self.rule.fullmatch(file if "/" in self.text else PurePosixPath(file).name)
        return found.groupdict() if found else None


def parse_pattern(text: str) -> Pattern:
    """V3Error says what is wrong with a pattern."""
    parts = FIELD.split(text)
    literals, fields = parts[::2], parts[1::2]
    if any("{" in part or "}" in part for part in literals):
        raise _wrong(text, "a field is a word in braces")
    if not set(fields) & set(READ):
        raise _wrong(text, "it has none of the fields {sample}, {content} and {style}")
    twice = [field for field in fields if fields.count(field) > 1]
    if twice:
        raise _wrong(text, f"the field {{{twice[0]}}} stands in it twice")
    if "" in literals[1:-1]:
        raise _wrong(text, "two fields need something between them, or nobody can tell them apart")
    stem, dot, suffix = literals[-1].rpartition(".")
    any_suffix = not (dot and suffix.isalnum())
    if not any_suffix:
        literals[-1] = stem
    between = {char for part in literals for char in part if not char.isalnum()} | {"/"}
    value = f"[^{''.join(re.escape(char) for char in sorted(between))}]+?"
    rule = "".join(
        re.escape(literal) + (f"(?P<{field}>{value})" if field else "")
        for literal, field in zip(literals, [*fields, ""], strict=True)
    )
    rule += r"(?:\.[^./]+)?" if any_suffix else rf"(?i:\.{re.escape(suffix)})"
    return Pattern(text, tuple(fields), re.compile(rule))


def _wrong(text: str, reason: str) -> V3Error:
    return V3Error(f"the pattern {text!r} cannot be read: {reason}; one that can is {EXAMPLE}.")
