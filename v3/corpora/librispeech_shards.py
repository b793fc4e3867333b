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
COLUMNS = ("id", "audio", "phonemes")
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
    except (pa.ArrowException, OSError) as error:
        raise damaged(path, error) from None
    for name in COLUMNS:
        if name not in file.schema_arrow.names:
            raise V3Error(
                f"{path} has no column '{name}', only {', '.join(file.schema_arrow.names)}: "
                "it is no shard of gilkeyio/librispeech-alignments."
            )
    return file


def damaged(path: Path, error: Exception) -> V3Error:
    """The error for a file that is cut short or no parquet at all."""
    reason = " ".join(str(error).split()).rstrip(".")
    return V3Error(f"{path} is no whole parquet file ({reason}): {MEND}.")
