"""Raw material to fragment files: synthesis, rendering, features and crops, in one process.

Each corpus is made once, smaller than params.yaml says, by what its stages call; the steps build on
one another, so the earlier ones run for the later, wanted or not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.clock import Timing, timed
from benchmarks.machine import MEMORY_COPY
from benchmarks.rows import Bench, Row, scratch
from v3.fragments.reader import Fragments

Steps = dict[str, Callable[[], Any]]
WORKERS = 1  # processes: of several, the speed of one core is not to be seen


def measure(bench: Bench) -> Iterator[Row]:
    """A row a step: fragments of the finished file a second, and its bytes beside a memory copy."""
    for corpus, make in CORPORA.items():
        names = [f"data/{corpus}/{step}" for step in STEPS[corpus]]
        if corpus not in bench.params.sections or not any(map(bench.wants, names)):
            continue
        with scratch() as folder:
            steps = make(bench, folder)
            timings = {f"data/{corpus}/{step}": _timed(bench, do) for step, do in steps.items()}
            with Fragments(folder / "fragments.h5") as file:
                count = len(file)
                size = count * int(np.prod(file.shape)) * file.dtype.itemsize
        for name, timing in timings.items():
            if bench.wants(name):
                yield bench.row(name, timing, count, "fragments", bytes=(size, MEMORY_COPY))


def _timed(bench: Bench, do: Callable[[], Any]) -> Timing:
    return timed(do, bench.length, part=0.2)


def _of(bench: Bench, corpus: str, section: str, **changes: Any) -> Any:
    """A section of params.yaml with other sizes, checked as that is."""
    params = bench.params.sections[corpus][section]
    return type(params).model_validate(dict(params) | changes)


def _some(bench: Bench, usual: int, least: int) -> int:
    """So many of something as the length of the measurement wants."""
    return max(least, round(usual * bench.length.size))


def _phonenums(bench: Bench, folder: Path) -> Steps:
    from v3.corpora.phonenums.pages import synthesise, write_fragments

    pages, fragments = folder / "pages.h5", folder / "fragments.h5"
    params = _of(bench, "phonenums", "pages", pages=_some(bench, 400, 8), unseen_pages=8)
    return {
        "synthesis": lambda: synthesise(pages, params, WORKERS),
        "crops": lambda: write_fragments(pages, fragments),
    }


def _insnotes(bench: Bench, folder: Path) -> Steps:
    from v3.corpora.insnotes.audio import render
    from v3.corpora.insnotes.midi import write_midi
    from v3.corpora.insnotes.notes import write_fragments

    midi, audio, fragments = folder / "midi", folder / "audio", folder / "fragments.h5"
    scores = bench.params.sections["insnotes"]["midi"]
    first = dict(list(scores.programs.items())[: _some(bench, len(scores.programs), 1)])
    pitches = scores.last_pitch - scores.first_pitch + 1
    scores = _of(
        bench,
        "insnotes",
        "midi",
        programs=first,
        unseen_programs={},
        files=1,
        unseen_files=0,
        notes=max(pitches, round(scores.notes * min(1.0, bench.length.size))),
    )
    sound, spectra = (_of(bench, "insnotes", section) for section in ("audio", "stft"))
    return {
        "scores": lambda: write_midi(midi, scores),
        "rendering": lambda: render(midi, audio, sound, WORKERS),
        "features": lambda: write_fragments(audio, fragments, spectra),
    }


def _svhn(bench: Bench, folder: Path) -> Steps:
    from v3.corpora.svhn.annotations import annotate
    from v3.corpora.svhn.crop import write_fragments
    from v3.standins.svhn.archives import draw_archives

    raw, boxes, fragments = folder / "raw", folder / "boxes.h5", folder / "fragments.h5"
    images = _some(bench, 300, 10)
    params = _of(bench, "svhn", "standin", train=images, test=10, extra=10)
    least = bench.params.sections["svhn"]["crop"].min_digits
    return {
        "synthesis": lambda: draw_archives(raw, params, WORKERS),
        "annotations": lambda: annotate(raw, boxes, ()),
        "crops": lambda: write_fragments(raw, boxes, fragments, least, WORKERS),
    }


def _sprites(bench: Bench, folder: Path) -> Steps:
    from v3.corpora.sprites.compose import write_fragments
    from v3.standins.sprites.sheets import draw_standin

    raw, fragments = folder / "raw", folder / "fragments.h5"
    seed = bench.params.sections["sprites"]["standin"].seed
    parts = bench.params.sections["sprites"]["parts"]
    hair = parts.hair[: _some(bench, 3, 1)]
    parts = _of(bench, "sprites", "parts", hair=hair, body=parts.body[: _some(bench, 6, 1)])
    return {
        "synthesis": lambda: draw_standin(raw, parts, seed),
        "crops": lambda: write_fragments(raw, fragments, parts),
    }


def _librispeech(bench: Bench, folder: Path) -> Steps:
    from v3.corpora.librispeech.phonemes import write_fragments
    from v3.standins.librispeech.shards import write_standin

    raw, fragments = folder / "raw", folder / "fragments.h5"
    speech = _of(
        bench,
        "librispeech",
        "standin",
        speakers=_some(bench, 10, 1),
        utterances=3,
        unseen_speakers=1,
        unseen_utterances=1,
    )
    params = _of(bench, "librispeech", "phonemes")
    return {
        "synthesis": lambda: write_standin(raw, speech, WORKERS),
        "features": lambda: write_fragments(raw, fragments, params, WORKERS),
    }


CORPORA: dict[str, Callable[[Bench, Path], Steps]] = {
    "phonenums": _phonenums,
    "insnotes": _insnotes,
    "svhn": _svhn,
    "sprites": _sprites,
    "librispeech": _librispeech,
}
STEPS = {
    "phonenums": ("synthesis", "crops"),
    "insnotes": ("scores", "rendering", "features"),
    "svhn": ("synthesis", "annotations", "crops"),
    "sprites": ("synthesis", "crops"),
    "librispeech": ("synthesis", "features"),
}
