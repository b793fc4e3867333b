"""A stand-in for Librispeech: speech of our own synthesiser, in shards of the very same schema.

Texts are words in random order, about as frequent as in English, with pauses; the alignment is
what the synthesiser was told. Everything depends on the seed, never on the number of workers.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import soundfile

from v3.base.files import atomic_folder
from v3.base.parallel import in_order
from v3.base.progress import Progress
from v3.corpora.librispeech.params import StandInParams
from v3.corpora.librispeech.shards import write_index
from v3.standins.librispeech.phones import LEXICON
from v3.standins.librispeech.speaker import RATE, SEXES, Speaker, draw_speaker
from v3.standins.librispeech.synthesis import Token, say

SPLITS = ("train_clean_100", "test_clean")
SOURCE = "stand-in: speech of a formant synthesiser"
ROW_GROUP = 100  # utterances
FIRST_SPEAKER = 10001  # beyond the numbers of the corpus: nobody takes one for the other
UNKNOWN = 0.01  # part of the words that the aligner does not know: label spn
# part of the words that are blends of two, for more neighbours than a small lexicon has
BLENDED = 0.35
ALIGNER = 0.015  # seconds: standard deviation of the aligner's errors
SHORTEST = 0.03  # seconds: of a phoneme, as the corpus's aligner has it
GRID = 100  # times are whole multiples of 1 / GRID seconds
Spans = list[dict[str, Any]]
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("sex", "subset", "id")),
        ("audio", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("transcript", pa.string()),
        *(
            (f"{name}s", pa.list_(pa.struct([("end", pa.float64()), *pair])))
            for name, pair in (
                ("word", [("start", pa.float64()), ("word", pa.string())]),
                ("phoneme", [("phoneme", pa.string()), ("start", pa.float64())]),
            )
        ),
    ]
)


@dataclass(frozen=True)
class _Voice:
    """One unit of work: all utterances of a speaker."""

    seed: int
    number: int
    sex: str
    split: str
    utterances: int
    seconds: tuple[float, float]


def write_standin(folder: str | Path, params: StandInParams, workers: int) -> None:
    """Write one shard a split, and the index, into a folder that appears whole.

    `workers` processes synthesise (0: one a core).
    """
    counts = (params.speakers, params.unseen_speakers)
    each = (params.utterances, params.unseen_utterances)
    voices = [
        _Voice(params.seed, k, SEXES[k % 2], split, utterances, params.seconds)
        for split, utterances, numbers in zip(
            SPLITS, each, (range(counts[0]), range(counts[0], sum(counts))), strict=True
        )
        for k in numbers
    ]
    with (
        atomic_folder(folder) as beside,
        Progress[None](total=len(voices), unit="speaker") as progress,
    ):
        made = in_order(_utterances, voices, workers)
        for split, count in zip(SPLITS, counts, strict=True):
            if not count:
                continue
            path = beside / f"{split}-00000-of-00001.parquet"
            with pq.ParquetWriter(path, SCHEMA) as writer:
                rows: list[dict[str, Any]] = []
                for _ in range(count):
                    rows += next(made)[1]
                    progress.update()
                table = pa.Table.from_pylist(rows, SCHEMA)
                writer.write_table(table, ROW_GROUP)
        write_index(beside, SPLITS, SOURCE)


def _utterances(voice: _Voice) -> list[dict[str, Any]]:
    """The rows of a speaker's utterances."""
    speaker = draw_speaker(np.random.default_rng((voice.seed, voice.number)), voice.sex)
    return [_utterance(voice, speaker, index) for index in range(voice.utterances)]


def _utterance(voice: _Voice, speaker: Speaker, index: int) -> dict[str, Any]:
    rng = np.random.default_rng((voice.seed, voice.number, index))
    name = f"{FIRST_SPEAKER + voice.number}-{voice.number}-{index:04d}"
    tokens, words, phonemes, seconds = compose(speaker, voice.seconds, rng)
    buffer = io.BytesIO()
    soundfile.write(buffer, say(tokens, seconds, speaker, rng), RATE, "PCM_16", format="FLAC")
    return {
        "sex": voice.sex,
        "subset": voice.split,
        "id": name,
        "audio": {"bytes": buffer.getvalue(), "path": f"{name}.flac"},
        "transcript": " ".join(item["word"] for item in words).upper(),
        "words": words,
        "phonemes": phonemes,
    }


def compose(
    speaker: Speaker, seconds: tuple[float, float], rng: np.random.Generator
) -> tuple[list[Token], Spans, Spans, float]:
    """Tokens, words and phonemes of an utterance that lasts about as long as one of `seconds`.

    Words are drawn with odds 1 / (rank + 6). Returns the length in seconds at the end.
    """
    length = rng.uniform(*seconds)
    tempo = speaker.tempo * rng.uniform(0.92, 1.08)
    time = _grid(rng.uniform(0.1, 0.4))
    tokens: list[Token] = []
    words: Spans = []
    phonemes: Spans = []
    while time < length - 0.4 or not words:
        word, labels = _word(rng)
        said = []
        for label in labels:
            said.append(_token(label, time, tempo, rng))
            time = said[-1].end
        spans = _heard(said, labels, rng)
        if rng.random() < UNKNOWN:
            word = "<unk>"
            spans = [{"start": spans[0]["start"], "end": spans[-1]["end"], "phoneme": "spn"}]
        tokens += said
        phonemes += spans
        words.append({"start": spans[0]["start"], "end": spans[-1]["end"], "word": word.lower()})
        if rng.random() < 0.12:
            time = _grid(time + rng.uniform(0.05, 0.5))
    return tokens, words, phonemes, _grid(time + rng.uniform(0.1, 0.4))


def _word(rng: np.random.Generator) -> tuple[str, tuple[str, ...]]:
    """A word, or a blend of two: up to the vowel of one, and from after the vowel of another."""
    odds = 1 / (np.arange(len(LEXICON)) + 6)
    first, second = (LEXICON[k] for k in rng.choice(len(LEXICON), 2, p=odds / odds.sum()))
    if rng.random() >= BLENDED:
        return first
    head, tail = (
        next(k for k, label in enumerate(word[1]) if label[-1].isdecimal()) + 1
        for word in (first, second)
    )
    return f"{first[0]}-{second[0]}", first[1][:head] + second[1][tail:]


def _heard(said: list[Token], labels: tuple[str, ...], rng: np.random.Generator) -> Spans:
    """Where an aligner finds a word's phonemes: it errs at the boundaries within a word."""
    edges = [token.start for token in said] + [said[-1].end]
    for k in range(1, len(said)):
        low, high = edges[k - 1] + SHORTEST, edges[k + 1] - SHORTEST
        moved = _grid(edges[k] + rng.normal(0, ALIGNER))
        edges[k] = max(low, min(high, moved)) if low < high else edges[k]
    return [
        {"start": _grid(a), "end": _grid(b), "phoneme": label}
        for a, b, label in zip(edges, edges[1:], labels, strict=False)
    ]


def _token(label: str, start: float, tempo: float, rng: np.random.Generator) -> Token:
    name, stress = (label[:-1], int(label[-1])) if label[-1].isdecimal() else (label, -1)
    token = Token(name, stress, start, start)
    lasts = token.phone.seconds * tempo * np.exp(rng.normal(0, 0.3)) * (0.8 if stress == 0 else 1)
    return Token(name, stress, start, _grid(start + max(SHORTEST, lasts)))


def _grid(seconds: float) -> float:
    return round(seconds * GRID) / GRID
