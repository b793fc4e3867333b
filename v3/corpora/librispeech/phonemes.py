"""Librispeech with alignments: utterances in parquet shards -> fragments, one a phoneme.

A sample is an utterance, its fragments are its phonemes in order; content is the phoneme, style the
speaker, group the split. The shards are those of `gilkeyio/librispeech-alignments`: columns `id`
(speaker-chapter-utterance), `audio` (bytes of a FLAC file) and `phonemes` (start and end in
seconds, label in capitals with a stress digit); silence is what lies between phonemes.

Alignments err a little. Times that reach beyond the audio by less than a tenth of a second are cut
at its end, a phoneme that lasts no time or has no sound is skipped, an utterance without a phoneme
is left out; all of it is counted, and the count stands in the file's `source`. An utterance that is
worse is refused by file, row and name: `librispeech.phonemes.leave_out` is the way past it.

Shards are streamed, a handful of utterances at a time, so memory does not grow with the corpus.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from v3.base.errors import V3Error
from v3.base.parallel import in_order
from v3.base.progress import Progress
from v3.corpora.librispeech.alignment import NO_PHONEMES, PHONEMES, SLACK, phoneme_spans
from v3.corpora.librispeech.features import phoneme_spectrograms
from v3.corpora.librispeech.params import PhonemesParams
from v3.corpora.librispeech.shards import UNREADABLE, damaged, open_shard, read_index
from v3.corpora.librispeech.sound import SAMPLE_RATE, UnusableSoundError, decode
from v3.fragments.format import FragmentInfo
from v3.fragments.writer import FragmentWriter

CHUNK = 8  # utterances that go to a process at a time
LISTED = 20  # names in a sentence, at most
NAMED = 5  # labels in a source, at most
LEAVE_OUT = "librispeech.phonemes.leave_out"


@dataclass(frozen=True)
class Utterance:
    """A row of a shard. `where` names file, row and utterance in errors."""

    where: str
    sample_id: str
    sound: bytes | None
    phonemes: list[dict[str, Any] | None] | None
    group: str


@dataclass(frozen=True)
class Cut:
    """An utterance's fragments (P, 1, bands, width) and their rows of `PHONEMES` (P,).

    `clipped`, `unheard`: phonemes that were cut at an end of the audio; that have no sound.
    `foreign`: labels that are neither phonemes nor silence.
    """

    fragments: NDArray[np.float16]
    content: NDArray[np.int32]
    clipped: int
    unheard: int
    foreign: tuple[str, ...]


@dataclass(frozen=True)
class Shard:
    """A file, and which of its rows (R,) are wanted, in order."""

    path: Path
    group: str
    rows: NDArray[np.int64]
    speakers: tuple[str, ...]


def write_fragments(
    raw: str | Path, path: str | Path, params: PhonemesParams, workers: int
) -> Counter[str]:
    """Write the fragment file (float16, decibels) of all shards that the folder's index lists.

    Utterances keep the order of the shards; the same bytes come out for any number of
    `workers` (0: one process a core). Returns how many of what are left out or mended, by what.
    `V3Error` names file and row of the first utterance that cannot be used, and the names of all.
    """
    raw = Path(raw)
    index = read_index(raw)
    left_out = Counter[str]()
    shards = _choose(raw, index["shards"], params, left_out)
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
    refused: list[tuple[Utterance, str]] = []
    foreign = Counter[str]()
    written = 0
    with (
        FragmentWriter(path, info, shape, np.float16) as writer,
        Progress[None](total=total, unit="utterance") as progress,
    ):
        work = partial(cut_all, params=params)
        for chunk, cuts in in_order(work, _chunks(shards), workers):
            for utterance, cut in zip(chunk, cuts, strict=True):
                progress.update()
                if isinstance(cut, str):
                    refused.append((utterance, cut))
                    continue
                left_out["phonemes cut at an end of the audio"] += cut.clipped
                left_out["phonemes without sound skipped"] += cut.unheard
                foreign.update(cut.foreign)
                if not len(cut.content):
                    left_out["utterances without a phoneme left out"] += 1
                elif not refused:  # else all are looked at, so that one sentence names all
                    written += 1
                    style = speakers.index(speaker_of(utterance.sample_id))
                    group = groups.index(utterance.group)
                    writer.append(cut.fragments, cut.content, style, utterance.sample_id, group)
        if refused:
            raise _refusal(refused, params.leave_out)
        if not written:
            raise V3Error(
                f"no utterance of {raw} has a phoneme: set librispeech.download to others."
            )
        left_out = +left_out + _by_label(foreign)  # without zeros
        notes = [info.source, *(f"{what}: {count}" for what, count in left_out.items())]
        writer.info = replace(info, source="; ".join(notes))
    return left_out


def _by_label(foreign: Counter[str]) -> Counter[str]:
    """What is said of labels that were skipped: the commonest by name, the rest together."""
    said = Counter({f"phonemes {label!r} skipped": n for label, n in foreign.most_common(NAMED)})
    if rest := foreign.total() - said.total():
        said[f"phonemes of {len(foreign) - NAMED} other labels skipped"] = rest
    return said


def _refusal(refused: list[tuple[Utterance, str]], before: tuple[str, ...]) -> V3Error:
    """The sentence about utterances that cannot be used: the first one, and the names of all."""
    first, reason = refused[0]
    names = list(dict.fromkeys([*before, *(utterance.sample_id for utterance, _ in refused)]))
    listed, rest = ", ".join(names[:LISTED]), len(names) - LISTED
    more = f" and {rest} more" if rest > 0 else ""
    others = f", and {len(refused) - 1} more cannot be used" if len(refused) > 1 else ""
    return V3Error(
        f"{first.where}: {reason}{others}: set {LEAVE_OUT} to [{listed}]{more} to go on without."
    )


def speaker_of(sample_id: str) -> str:
    """The speaker of `speaker-chapter-utterance`."""
    return sample_id.split("-")[0]


def _speaker_order(name: str) -> tuple[int, str]:
    return (int(name) if name.isdecimal() else -1, name)


def _choose(
    raw: Path, entries: list[dict[str, Any]], params: PhonemesParams, left_out: Counter[str]
) -> list[Shard]:
    """Of each speaker in each split, the first utterances by shard and row, as many as are wanted.

    Those that `leave_out` names are not among them; `left_out` counts these.
    """
    shards, taken = [], Counter[tuple[str, str]]()
    not_found, seen = set(params.leave_out), set[str]()
    for entry in entries:
        path = raw / entry["name"]
        try:
            ids = open_shard(path).read(columns=["id"]).column("id").to_pylist()
        except UNREADABLE as error:
            raise damaged(path, error) from None
        rows, speakers = [], []
        for row, sample_id in enumerate(ids):
            name = sample_id or f"{path.name}:{row}"
            if name in params.leave_out:
                left_out["utterances left out as told"] += 1
                not_found.discard(name)
                continue
            if name.count("-") != 2 or not sample_id or not all(sample_id.split("-")):
                raise V3Error(
                    f"{path}, row {row}: its id {sample_id!r} is not speaker-chapter-utterance: "
                    f"add {name!r} to {LEAVE_OUT} to go on without."
                )
            key = (entry["split"], speaker_of(sample_id))
            if params.utterances and taken[key] >= params.utterances:
                continue
            if sample_id in seen:
                raise V3Error(
                    f"{path}, row {row}: its id {sample_id!r} is that of an earlier row, too: "
                    f"add {sample_id!r} to {LEAVE_OUT} to go on without both."
                )
            seen.add(sample_id)
            taken[key] += 1
            rows.append(row)
            speakers.append(key[1])
        names = tuple(dict.fromkeys(speakers))
        shards.append(Shard(path, entry["split"], np.asarray(rows, np.int64), names))
    if not_found:
        raise V3Error(
            f"{LEAVE_OUT} names {min(not_found)!r}, which no utterance in {raw} is called: mend "
            "the name, or take it out."
        )
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


def cut_all(chunk: list[Utterance], params: PhonemesParams) -> list[Cut | str]:
    """Each utterance's fragments, or why there are none."""
    cuts: list[Cut | str] = []
    for utterance in chunk:
        try:
            cuts.append(cut(utterance, params))
        except UnusableSoundError as error:
            cuts.append(str(error))
    return cuts


def cut(utterance: Utterance, params: PhonemesParams) -> Cut:
    """The fragments of an utterance; `UnusableSoundError` if sound or alignment make no sense.

    Labels that `PHONEMES` lacks are skipped and named, phonemes of which every sample is zero are
    skipped and counted.
    """
    spans, labels = phoneme_spans(utterance.phonemes)
    content = np.asarray([PHONEMES.index(n) if n in PHONEMES else -1 for n in labels], np.int32)
    empty = np.empty((0, 1, params.bands, params.width), np.float16)
    if not len(spans):
        return Cut(empty, content, 0, 0, ())
    sound = decode(utterance.sound)
    seconds = len(sound) / SAMPLE_RATE
    beyond = (spans[:, 0] < -SLACK) | (spans[:, 1] > seconds + SLACK)
    if beyond.any():
        place = int(np.argmax(beyond))
        raise UnusableSoundError(
            f"phoneme {place} ({labels[place]}) goes from {spans[place, 0]:g} to "
            f"{spans[place, 1]:g} s, and its audio from 0 to {seconds:g} s"
        )
    clipped = (spans[:, 0] < 0) | (np.rint(spans[:, 1] * SAMPLE_RATE) > len(sound))
    edges = np.clip(np.rint(spans * SAMPLE_RATE).astype(np.int64), 0, len(sound))
    heard = np.asarray([bool(sound[a:b].any()) for a, b in edges.tolist()])
    known = content >= 0
    keep = np.flatnonzero(known & heard)
    fragments = (
        phoneme_spectrograms(sound, edges[keep], params, SAMPLE_RATE) if len(keep) else empty
    )
    return Cut(
        fragments,
        content[keep],
        clipped=int((known & heard & clipped).sum()),
        unheard=int((known & ~heard).sum()),
        foreign=tuple(label for label in labels if label not in (*PHONEMES, *NO_PHONEMES)),
    )
