"""The folder of shards that the corpus starts from: parquet files, and an index of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from v3.errors import V3Error
from v3.files import file_digest, read_json, write_json

INDEX = "index.json"
SCHEMA = "v3-librispeech-raw/1"
COLUMNS = {  # what is read of them, as a sentence has it
    "id": "text",
    "audio": "a struct with 'bytes', which are binary",
    "phonemes": "a list of structs with 'phoneme', which is text, and 'start' and 'end', numbers",
}
UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError)  # what pyarrow has for broken files
MEND = "delete its folder and run `dvc repro`"


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
    index = read_json(folder / INDEX)
    if not isinstance(index, dict) or index.get("schema") != SCHEMA:
        raise V3Error(f"{folder / INDEX} lists no shards: delete {folder} and run `dvc repro`.")
    return index


def open_shard(path: Path) -> pq.ParquetFile:
    """A shard, checked for its columns; V3Error names the file that is no such thing."""
    try:
        # Read in small pieces: buffered ahead, a row group of a thousand utterances is twice there.
        file = pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20)
    except FileNotFoundError:
        raise V3Error(f"{path} is missing: {MEND}.") from None
    except UNREADABLE as error:
        raise damaged(path, error) from None
    other = "it is no shard of gilkeyio/librispeech-alignments"
    schema = file.schema_arrow
    for name, wanted in COLUMNS.items():
        if name not in schema.names:
            raise V3Error(
                f"{path} has no column '{name}', only {', '.join(schema.names)}: {other}."
            )
        kind = schema.field(name).type
        if not _FITS[name](kind):
            raise V3Error(f"{path} has a column '{name}' that is {kind}, not {wanted}: {other}.")
    return file


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_audio(kind: pa.DataType) -> bool:
    content = _fields(kind).get("bytes", pa.null())
    return bool(pa.types.is_binary(content) or pa.types.is_large_binary(content))


def _are_phonemes(kind: pa.DataType) -> bool:
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind)):
        return False
    fields = _fields(kind.value_type)
    times = (fields.get(name, pa.null()) for name in ("start", "end"))
    return _is_text(fields.get("phoneme", pa.null())) and all(map(pa.types.is_floating, times))


def _fields(kind: pa.DataType) -> dict[str, pa.DataType]:
    """Types by name of a struct's fields; none of what is no struct."""
    return {field.name: field.type for field in kind} if pa.types.is_struct(kind) else {}


_FITS = {"id": _is_text, "audio": _is_audio, "phonemes": _are_phonemes}


def damaged(path: Path, error: Exception) -> V3Error:
    """The error for a file that is cut short or no parquet at all."""
    reason = " ".join(str(error).split()).rstrip(".")
    return V3Error(f"{path} is no whole parquet file ({reason}): {MEND}.")
