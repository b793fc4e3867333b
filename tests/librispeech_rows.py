"""Utterances and shards as Librispeech's are, good and bad, for the tests."""

import io
import os
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
ROOT = Path(__file__).parent.parent
MIRROR = Path(os.environ.get("V3_TEST_MIRROR", ROOT.parent / "shared" / "mirror"))
GENUINE = MIRROR / "huggingface.co/datasets/gilkeyio/librispeech-alignments/resolve/main/data"
Row = dict[str, object]


def sound_file(sound, rate=RATE, subtype="PCM_16", kind="FLAC") -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, sound, rate, subtype, format=kind)
    return buffer.getvalue()


def noise(seconds=1.0, rate=RATE, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, round(seconds * rate)).clip(-1, 1)


def float_sound(*values: float, rate=RATE) -> bytes:
    """A second of noise in floats, with one sample of `values`, one a channel."""
    sound = np.stack([noise(rate=rate)] * len(values), 1)
    sound[rate // 2] = values
    return sound_file(sound, rate, subtype="FLOAT", kind="WAV")


def flac(samples: int | None = None, keep: int | None = None, md5: bytes | None = None) -> bytes:
    """A FLAC file of three seconds whose header says another length or MD5, or that lacks frames.

    Byte 18 on: rate (20 bits), channels (3), bits (5), samples (36); byte 26 on: the MD5.
    """
    content = bytearray(sound_file(noise(3.0)))
    if samples is not None:
        said = int.from_bytes(content[18:26], "big") >> 36 << 36 | samples
        content[18:26] = said.to_bytes(8, "big")
    if md5 is not None:
        content[26:42] = md5
    if keep is not None:
        starts = [k for k in range(len(content)) if content[k : k + 2] == b"\xff\xf8"]
        return bytes(content[: starts[keep]])
    return bytes(content)


def wav(**changes: int) -> bytes:
    """A WAV file of a second with another number in its header: of Hz, or bytes of samples."""
    content = bytearray(sound_file(noise(), kind="WAV"))
    places = {"rate": 24, "length": content.index(b"data") + 4}
    for name, value in changes.items():
        content[places[name] : places[name] + 4] = value.to_bytes(4, "little")
    return bytes(content)


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
