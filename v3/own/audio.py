"""A folder of recordings -> a fragment file of spectrograms."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from v3.base.errors import V3Error
from v3.own.cuts import BESIDE, Span, listed_spans, spans_of
from v3.own.each import each_sample
from v3.own.params import AudioParams
from v3.own.samples import Listing, Sample, list_samples
from v3.own.sound import SUFFIXES, UnusableSoundError, rate_and_seconds, read_sound, spectrograms
from v3.own.write import Cut, write


@dataclass
class Heard:
    """What a folder of recordings holds."""

    listing: Listing
    counts: list[int] = field(default_factory=list)  # fragments of each sample
    seconds: list[float] = field(default_factory=list)  # of each fragment
    contents: set[str] = field(default_factory=set)
    unusable: dict[str, str] = field(default_factory=dict)  # file: why


def listing_of(root: Path, params: AudioParams) -> Listing:
    """The samples of the folder that `params` names, as found from `root`."""
    listing = list_samples(root, params, SUFFIXES, "recordings", alone=params.cut != "file")
    if params.cut in BESIDE:  # what lies beside the recordings is no stranger
        listing.left_out = [line for line in listing.left_out if BESIDE[params.cut] not in line]
    return listing


def rates(root: Path, listing: Listing, folder: str) -> tuple[Counter[int], list[float]]:
    """How many files have which rate in Hz, and the seconds of each that can be read."""
    found: Counter[int] = Counter()
    seconds = []
    for sample in listing.samples:
        for piece in sample.pieces:
            try:
                rate, length = rate_and_seconds(root / folder / piece.file)
            except UnusableSoundError:  # named when it is read
                continue
            found[rate] += 1
            seconds.append(length)
    return found, seconds


def listen(root: Path, params: AudioParams, workers: int) -> Heard:
    """Read everything once; files that cannot be used are named, nothing is refused for them."""
    found = Heard(listing_of(root, params))
    samples = found.listing.samples
    work = partial(_spans, root / params.folder, params)
    for _, (spans, unusable) in each_sample(work, samples, workers, "listening"):
        found.counts.append(len(spans))
        found.seconds += [span.end - span.start for span in spans]
        found.contents |= {span.label for span in spans if span.label is not None}
        found.unusable |= unusable
    return found


def _spans(folder: Path, params: AudioParams, sample: Sample) -> tuple[list[Span], dict[str, str]]:
    spans: list[Span] = []
    unusable = {}
    for piece in sample.pieces:
        path = folder / piece.file
        try:
            found = spans_of(path, read_sound(path, params.rate), params)
        except UnusableSoundError as error:
            unusable[piece.file] = str(error)
            continue
        spans += [Span(one.start, one.end, one.label or piece.content) for one in found]
    return spans, unusable


def write_audio(root: Path, params: AudioParams, dataset: str, path: Path, workers: int) -> None:
    """Write the fragment file; `V3Error` names what cannot be used, unless it is passed over."""
    listing = listing_of(root, params)
    folder = root / params.folder
    work = partial(_fragments, folder, params)
    labels: set[str] = set()
    if params.cut in BESIDE:
        for sample in listing.samples:
            for piece in sample.pieces:
                spans = listed_spans(folder / piece.file, params)
                labels |= {span.label for span in spans if span.label is not None}
    shape = (1, params.bands, params.frames)
    units = (-params.floor / 2, 2 / params.floor)  # levels from -1 to 1 for the network
    source = f"own recordings in {params.folder}, {params.spectrum} at {params.rate} Hz"
    dtype = np.dtype(np.float16)
    cuts = each_sample(work, listing.samples, workers)
    write(path, dataset, source, shape, dtype, units, listing.samples, cuts, labels)


def _fragments(folder: Path, params: AudioParams, sample: Sample) -> list[Cut]:
    sounds, about = [], []
    for piece in sample.pieces:
        file = folder / piece.file
        try:
            sound = read_sound(file, params.rate)
        except UnusableSoundError as error:
            if params.pass_over:
                continue
            raise V3Error(
                f"{file} cannot be used: {error}; mend or remove it, or set audio.pass_over in "
                "params.yaml to true, which goes on without such files."
            ) from None
        for span in spans_of(file, sound, params):
            sounds.append(sound[round(span.start * params.rate) : round(span.end * params.rate)])
            where = "" if params.cut == "file" else f"@{span.start:.3f}-{span.end:.3f}"
            about.append((span.label or piece.content, piece.file + where))
    if not sounds:
        return []
    made = spectrograms(sounds, params)
    return [Cut(one, content, origin) for one, (content, origin) in zip(made, about, strict=True)]
