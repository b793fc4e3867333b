"""Librispeech with alignments: utterances in parquet shards -> fragments, one a phoneme.

A sample is an utterance, its fragments are its phonemes in order; content is the phoneme, style the
speaker, group the split. The shards are those of `gilkeyio/librispeech-alignments`: columns `id`
(speaker-chapter-utterance), `audio` (bytes of a FLAC file) and `phonemes` (start and end in
seconds, label in capitals with a stress digit); silence is what lies between phonemes.

Audio is read in whatever format, depth and rate its bytes announce, as far as libsndfile knows it:

- 8 bits (or any other depth, floating point too) become numbers in [-1, 1]: taken, but the noise of
  so coarse a grid stays in.
- Two channels or more are averaged into one; those that cancel out are refused as silence.
- A rate above 16 kHz, 44.1 or 48 kHz say, is resampled to 16 kHz behind a low-pass filter.
- A rate below 16 kHz is refused, for it has nothing to say about the upper bands.
- NaN, infinity, silence throughout and broken bytes are refused; each refusal names file and row.

Shards are streamed, a handful of utterances at a time, so memory does not grow with the corpus.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.signal
import soundfile
from numpy.typing import NDArray
from tqdm import tqdm

from v3.base.errors import V3Error
from v3.base.parallel import in_order
from v3.corpora.librispeech.features import phoneme_spectrograms
from v3.corpora.librispeech.params import PhonemesParams
from v3.corpora.librispeech.shards import MEND, UNREADABLE, damaged, open_shard, read_index
from v3.fragments.format import FragmentInfo
from v3.fragments.writer import FragmentWriter

PHONEMES = (
    *("aa", "ae", "ah", "ao", "aw", "ay", "b", "ch", "d", "dh", "dx", "eh", "er", "ey", "f", "g"),
    *("hh", "ih", "iy", "jh", "k", "l", "m", "n", "ng", "ow", "oy", "p", "r", "s", "sh", "t"),
    *("th", "uh", "uw", "v", "w", "y", "z"),
)
SAMPLE_RATE = 16000  # Hz
SLACK = 0.01  # seconds: the grid of the aligner; an end that is later than the audio by less is cut
CHUNK = 8  # utterances that go to a process at a time


@dataclass(frozen=True)
class Utterance:
    """A row of a shard. `where` names file, row and utterance in errors."""

    where: str
    sample_id: str
    sound: bytes | None
    phonemes: list[dict[str, Any] | None] | None
    group: str


@dataclass(frozen=True)
class Shard:
    """A file, and which of its rows (R,) are wanted, in order."""

    path: Path
    group: str
    rows: NDArray[np.int64]
    speakers: tuple[str, ...]


def write_fragments(
    raw: str | Path, path: str | Path, params: PhonemesParams, workers: int
) -> None:
    """Write the fragment file (float16, decibels) of all shards that the folder's index lists.

    Utterances keep the order of the shards; the same bytes come out for any number of
    `workers` (0: one process a core).
    One without any phoneme of `PHONEMES` is left out. `V3Error` names file and row of what is
    damaged.
    """
    raw = Path(raw)
    index = read_index(raw)
    shards = _choose(raw, index["shards"], params.utterances)
    speakers = sorted({name for shard in shards for name in shard.speakers}, key=_speaker_order)
    groups = tuple(dict.fromkeys(shard.group for shard in shards))
    info = FragmentInfo(
        dataset="librispeech",
        source=str(index["source"]),
        content_names=PHONEMES,
        style_names=tuple(speakers),
        offset=-params.floor / 2,
        scale=4 / params.floor,
        group_names=groups,
    )
    shape = (1, params.bands, params.width)
    total = sum(len(shard.rows) for shard in shards)
    with (
        FragmentWriter(path, info, shape, np.float16) as writer,
        tqdm(total=total, unit="utterance", disable=None) as progress,
    ):
        work = partial(cut_all, params=params)
        for chunk, cuts in in_order(work, _chunks(shards), workers):
            for utterance, (fragments, content) in zip(chunk, cuts, strict=True):
                progress.update()
                if len(content):
                    style = speakers.index(speaker_of(utterance.sample_id))
                    group = groups.index(utterance.group)
                    writer.append(fragments, content, style, utterance.sample_id, group)


def speaker_of(sample_id: str) -> str:
    """The speaker of `speaker-chapter-utterance`."""
    return sample_id.split("-")[0]


def _speaker_order(name: str) -> tuple[int, str]:
    return (int(name) if name.isdecimal() else -1, name)


def _choose(raw: Path, entries: list[dict[str, Any]], most: int) -> list[Shard]:
    """Of each speaker in each split, the first `most` utterances by shard and row; 0: all."""
    shards, taken = [], Counter[tuple[str, str]]()
    for entry in entries:
        path = raw / entry["name"]
        try:
            ids = open_shard(path).read(columns=["id"]).column("id").to_pylist()
        except UNREADABLE as error:
            raise damaged(path, error) from None
        rows, speakers = [], []
        for row, sample_id in enumerate(ids):
            if not sample_id or sample_id.count("-") != 2:
                raise V3Error(
                    f"{path}, row {row}: its id {sample_id!r} is not speaker-chapter-utterance: "
                    f"{MEND}."
                )
            key = (entry["split"], speaker_of(sample_id))
            if most and taken[key] >= most:
                continue
            taken[key] += 1
            rows.append(row)
            speakers.append(key[1])
        names = tuple(dict.fromkeys(speakers))
        shards.append(Shard(path, entry["split"], np.asarray(rows, np.int64), names))
    return shards


def _chunks(shards: list[Shard]) -> Iterator[list[Utterance]]:
    for shard in shards:
        try:
            yield from _chunks_of(shard)
        except UNREADABLE as error:
            raise damaged(shard.path, error) from None


def _chunks_of(shard: Shard) -> Iterator[list[Utterance]]:
    with open_shard(shard.path) as file:
        first = 0
        for batch in file.iter_batches(CHUNK, columns=["id", "audio.bytes", "phonemes"]):
            low, high = np.searchsorted(shard.rows, [first, first + len(batch)])
            wanted = shard.rows[low:high]
            first += len(batch)
            if not len(wanted):
                continue
            rows = batch.take(pa.array(wanted - (first - len(batch)))).to_pylist()
            yield [
                Utterance(
                    f"{shard.path}, row {row} ({item['id']})",
                    item["id"],
                    (item["audio"] or {}).get("bytes"),
                    item["phonemes"],
                    shard.group,
                )
                for row, item in zip(wanted.tolist(), rows, strict=True)
            ]


def cut_all(
    chunk: list[Utterance], params: PhonemesParams
) -> list[tuple[NDArray[np.float16], NDArray[np.int32]]]:
    """Fragments (P, 1, bands, width) and contents (P,) of each utterance."""
    return [cut(utterance, params) for utterance in chunk]


def cut(
    utterance: Utterance, params: PhonemesParams
) -> tuple[NDArray[np.float16], NDArray[np.int32]]:
    """Decibels (P, 1, bands, width) of an utterance's phonemes and their rows of `PHONEMES` (P,).

    Labels that `PHONEMES` lacks are skipped, and phonemes of which every sample is zero.
    """
    spans, labels = phoneme_spans(utterance)
    sound = decode(utterance)
    if not sound.any():
        raise V3Error(f"{utterance.where}: its audio is silence only: {MEND}.")
    beyond = spans[:, 1] > len(sound) / SAMPLE_RATE + SLACK
    if beyond.any():
        late = int(np.argmax(beyond))
        raise V3Error(
            f"{utterance.where}: phoneme {late} ends at {spans[late, 1]:g} s, after the audio, "
            f"which ends at {len(sound) / SAMPLE_RATE:g} s: {MEND}."
        )
    edges = np.minimum(np.rint(spans * SAMPLE_RATE).astype(np.int64), len(sound))
    content = np.asarray([PHONEMES.index(n) if n in PHONEMES else -1 for n in labels], np.int32)
    heard = np.asarray([bool(sound[a:b].any()) for a, b in edges.tolist()])
    keep = np.flatnonzero((content >= 0) & heard)
    if not len(keep):
        return np.empty((0, 1, params.bands, params.width), np.float16), content[keep]
    return phoneme_spectrograms(sound, edges[keep], params, SAMPLE_RATE), content[keep]


def phoneme_spans(utterance: Utterance) -> tuple[NDArray[np.float64], list[str]]:
    """Start and end in seconds (P, 2), and labels: lower case, without the stress digit."""
    if not utterance.phonemes:
        raise V3Error(f"{utterance.where}: its list of phonemes is empty: {MEND}.")
    spans, labels = [], []
    for place, item in enumerate(utterance.phonemes):
        if item is None or item["phoneme"] is None:
            what = "null" if item is None else "without a label"
            raise V3Error(f"{utterance.where}: phoneme {place} is {what}: {MEND}.")
        start, end, label = item["start"], item["end"], item["phoneme"]
        if start is None or end is None or not 0 <= start < end:
            raise V3Error(
                f"{utterance.where}: phoneme {place} ({label}) goes from {start} to "
                f"{end} s, so it does not end after it starts: {MEND}."
            )
        spans.append((start, end))
        labels.append(label.rstrip("012").lower())
    return np.asarray(spans, np.float64), labels


def decode(utterance: Utterance) -> NDArray[np.float32]:
    """The audio (samples,) at 16 kHz, in [-1, 1].

    `V3Error` for what cannot be decoded, a lower rate and samples that are not finite.
    """
    if not utterance.sound:
        raise V3Error(f"{utterance.where}: it has no audio bytes: {MEND}.")
    try:
        sound, rate = soundfile.read(io.BytesIO(utterance.sound), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, MemoryError) as error:
        # MemoryError: a damaged header announces more samples than any memory holds.
        raise V3Error(
            f"{utterance.where}: its audio cannot be decoded ({error}): {MEND}."
        ) from None
    if rate < SAMPLE_RATE:
        raise V3Error(
            f"{utterance.where}: its audio has {rate} Hz, fewer than the {SAMPLE_RATE} Hz that "
            "the bands need: use a recording of a higher rate."
        )
    with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is looked at below
        mono = sound.mean(axis=1, dtype=np.float32)
    if rate != SAMPLE_RATE:
        common = int(np.gcd(rate, SAMPLE_RATE))
        mono = scipy.signal.resample_poly(mono, SAMPLE_RATE // common, rate // common)
    if not np.isfinite(mono).all():
        raise V3Error(
            f"{utterance.where}: its audio has samples that are not finite (NaN or infinity): "
            f"{MEND}."
        )
    return np.asarray(mono, np.float32)
