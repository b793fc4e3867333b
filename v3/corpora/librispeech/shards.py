"""The folder of shards that the corpus starts from: parquet files, and an index of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from v3.base.errors import V3Error
from v3.base.files import file_digest, read_json, write_json
from v3.base.schema import Section, read

INDEX = "index.json"
SCHEMA = "v3-librispeech-raw/1"

# What Arrow and Python's decoding of it raise for bytes that make no sense.
UNREADABLE: tuple[type[Exception], ...] = (
    *(pa.ArrowException, OSError, ValueError, LookupError, TypeError, OverflowError),
)


def _any_of(*checks: Callable[[pa.DataType], bool]) -> Callable[[pa.DataType], bool]:
    return lambda found: any(check(found) for check in checks)


_TEXT = _any_of(pa.types.is_string, pa.types.is_large_string)
_BYTES = _any_of(pa.types.is_binary, pa.types.is_large_binary)
_LIST = _any_of(pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
# The columns that are read, outer ones before inner ones; `[]` is an item of a list.
NEEDED: dict[str, tuple[str, Callable[[pa.DataType], bool]]] = {
    "id": ("text", _TEXT),
    "audio": ("a struct", pa.types.is_struct),
    "audio.bytes": ("bytes", _BYTES),
    "phonemes": ("a list", _LIST),
    "phonemes[]": ("a struct", pa.types.is_struct),
    "phonemes[].phoneme": ("text", _TEXT),
    "phonemes[].start": ("a floating-point number", pa.types.is_floating),
    "phonemes[].end": ("a floating-point number", pa.types.is_floating),
}


class _Listed(Section):
    """A shard: its file in the folder, and what it is."""

    name: Annotated[str, Field(pattern=r"^[^/\\]+\.parquet$")]
    split: str
    sha256: str


class _Index(Section):
    schema_: Annotated[str, Field(alias="schema")]
    source: str
    shards: tuple[_Listed, ...]


def write_index(folder: Path, splits: Sequence[str], source: str) -> None:
    """List the folder's shards, by split and then by number, with their digests."""
    shards = [
        {"name": path.name, "split": split, "sha256": file_digest(path)}
        for split in splits
        for path in sorted(folder.glob(f"{split}-*.parquet"))
    ]
    write_json(folder / INDEX, {"schema": SCHEMA, "source": source, "shards": shards})


def read_index(folder: Path) -> dict[str, Any]:
    """What `write_index` wrote; V3Error if it is something else."""
    mend = f"delete {folder} and run `dvc repro`"
    index = read_json(folder / INDEX)
    if not isinstance(index, dict) or index.get("schema") != SCHEMA:
        raise V3Error(f"{folder / INDEX} lists no shards: {mend}.")
    try:
        listed = read(_Index, index, INDEX)
    except V3Error as error:
        raise V3Error(f"{folder / INDEX} lists no shards ({error}): {mend}.") from None
    names = [shard.name for shard in listed.shards]
    if len(set(names)) < len(names):
        raise V3Error(f"{folder / INDEX} lists a shard twice: {mend}.")
    return listed.model_dump()


def open_shard(path: Path) -> pq.ParquetFile:
    """A shard, checked for its columns and their types.

    `V3Error` names the file that is no such thing, and the column.
    """
    try:
        # Read in small pieces: buffered ahead, a row group of a thousand utterances is twice there.
        file = pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
        schema = file.schema_arrow
        top = pa.struct(list(schema))
    except FileNotFoundError:
        raise V3Error(f"{path} is missing: {mend_of(path)}.") from None
    except UNREADABLE as error:
        raise damaged(path, error) from None
    _check_columns(path, top)
    return file


def _check_columns(path: Path, top: pa.DataType) -> None:
    types = {"": top}
    for column, (wanted, fits) in NEEDED.items():
        if column.endswith("[]"):
            found = types[column.removesuffix("[]")].value_type
        else:
            outer, _, name = column.rpartition(".")
            fields = {field.name: field.type for field in types[outer].fields}
            if name not in fields:
                raise _foreign(path, f"has no column '{column}', only {', '.join(fields)}")
            found = fields[name]
        if not fits(found):
            raise _foreign(path, f"has {found} in its column '{column}', not {wanted}")
        types[column] = found


def _foreign(path: Path, what: str) -> V3Error:
    return V3Error(
        f"{path} {what}: it is no shard of gilkeyio/librispeech-alignments, {mend_of(path)}."
    )


def mend_of(path: Path) -> str:
    """What helps with a shard: to bring it again only where it is not the one that came."""
    try:
        listed = {entry["name"]: entry["sha256"] for entry in read_index(path.parent)["shards"]}
        came_so = file_digest(path) == listed.get(path.name)
    except (V3Error, OSError, LookupError, TypeError):
        came_so = False
    if came_so:
        return (
            "it came so, and would come so again: set librispeech.download to other splits or "
            "another revision, or mend or unset V3_MIRROR"
        )
    return f"it is not as it came, delete {path.parent} and run `dvc repro`"


def damaged(path: Path, error: Exception) -> V3Error:
    """The error for a file that cannot be read, is cut short or no parquet at all."""
    if isinstance(error, OSError) and error.errno is not None:  # of the system, not of the content
        why = error.strerror or str(error)
        return V3Error(f"{path} cannot be read ({why}): mend that and run the same command again.")
    reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
    return V3Error(f"{path} is no whole parquet file ({reason}): {mend_of(path)}.")
