"""Utterances and shards as Librispeech's are, good and bad, for the tests."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile

from v3.corpora.librispeech.params import PhonemesParams
from v3.corpora.librispeech.phonemes import write_fragments
from v3.corpora.librispeech.shards import write_index
from v3.standins.librispeech.shards import SCHEMA

PARAMS = PhonemesParams(n_fft=256, hop=80, bands=80, width=64, floor=80.0, utterances=0)
RATE = 16000
Row = dict[str, object]


def sound_file(sound, rate=RATE, subtype="PCM_16", kind="FLAC") -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, sound, rate, subtype, format=kind)
    return buffer.getvalue()


def noise(seconds=1.0, rate=RATE, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * rate)).clip(-1, 1)


def row(sample_id="19-1-0000", phonemes=None, sound: bytes | None = None) -> Row:
    if phonemes is None:
        phonemes = [(0.1, 0.2, "AH0"), (0.2, 0.35, "T"), (0.5, 0.9, "spn")]
    return {
        "sex": "F",
        "subset": "train_clean_100",
        "id": sample_id,
        "audio": {"bytes": sound_file(noise()) if sound is None else sound, "path": "a.flac"},
        "transcript": "A",
        "words": [],
        "phonemes": [{"start": a, "end": b, "phoneme": p} for a, b, p in phonemes],
    }


def shard(folder: Path, rows: list[Row], split="train_clean_100", schema=SCHEMA) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{split}-00000-of-00001.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema), path, row_group_size=3)
    write_index(folder, sorted({p.name.split("-")[0] for p in folder.glob("*.parquet")}), "a test")
    return path


def fragments(tmp_path: Path, rows: list[Row], params=PARAMS) -> Path:
    shard(tmp_path / "raw", rows)
    write_fragments(tmp_path / "raw", tmp_path / "fragments.h5", params, 1)
    return tmp_path / "fragments.h5"
