"""`v3 new` of a folder of recordings."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from v3.base.errors import V3Error
from v3.base.schema import read
from v3.command.folders import contents_of, refuse_unusable, source_of
from v3.command.new import Found, sample_rows
from v3.own.audio import Heard, listen, listing_of, rates
from v3.own.params import AudioParams
from v3.own.samples import natural, require_enough

HIGHEST_RATE = 16_000  # Hz, unless told: what speech and most notes need
FRAMES = 32  # the width, unless a fragment is long
LONG = 1.0  # seconds: of a longer fragment frames are twice as many
SECONDS = 1.0  # of a fragment of a fixed length, unless told
MEL_BANDS = 64  # the height
# The network of `defaults` is for pictures; pitch is where the partials lie, so kernels are tall.
STFT_LAYERS = ("32, 16x8, 8x4", "64, 8x4, 4x2", "64, 4x4, 2x2")
STFT_STEP = 64  # what their strides divide the height by
CUTS = ("file", "length", "onsets", "table", "textgrid")


def audio(
    root: Path,
    raw: Mapping[str, Any],
    name: str,
    folder: Path,
    given: Mapping[str, Any],
    workers: int,
) -> Found:
    """A folder of recordings. `given`: what was said of cut, seconds, pattern and the like."""
    del raw
    values, deps = source_of(root, name, folder, given)
    if values.get("cut", "file") not in CUTS:
        raise V3Error(f"--cut must be one of {', '.join(CUTS)}, is {values['cut']!r}.")
    if values["spectrum"] not in ("mel", "stft"):
        raise V3Error(f"--spectrum must be mel or stft, is {values['spectrum']!r}.")
    values.setdefault(
        "cut", cut_of(root / values["folder"], "pattern" in values or "table" in values)
    )
    wanted = given["seconds"]
    values.pop("seconds", None)
    if wanted is not None and not 0 < wanted <= 60:
        raise V3Error(f"--seconds must be above 0 and at most 60, is {wanted:g}.")
    guess = wanted or (SECONDS if values["cut"] == "length" else 60.0)
    first = {"rate": HIGHEST_RATE} | values | shape_of(values["spectrum"], HIGHEST_RATE, guess)
    params = read(AudioParams, first, "audio")
    listing = listing_of(root, params)
    there, _ = rates(root, listing, params.folder)
    values["rate"] = values.get("rate") or min([*there, HIGHEST_RATE])
    params = read(
        AudioParams, values | shape_of(values["spectrum"], values["rate"], guess), "audio"
    )
    heard = listen(root, params, workers)
    refuse_unusable(root, values, heard.unusable, len(heard.unusable) + sum(there.values()))
    samples = heard.listing.samples
    require_enough(
        [(one.name, count) for one, count in zip(samples, heard.counts, strict=True) if count],
        "recordings",
    )
    seconds = wanted or (guess if values["cut"] == "length" else typical(heard.seconds))
    values |= shape_of(values["spectrum"], values["rate"], seconds)
    read(AudioParams, values, "audio")
    stft = values["spectrum"] == "stft"
    return Found(
        key="audio",
        source=values,
        about=f"recordings in {folder.name or folder}, {about_cut(values)}",
        kind="spectrograms",
        samples=sample_rows(samples, heard.counts),
        contents=sorted({*contents_of(samples), *heard.contents}, key=natural),
        deps=deps,
        said=said_of(heard, there, values),
        layers=STFT_LAYERS if stft else (),
    )


def cut_of(folder: Path, named: bool) -> str:
    """What a fragment is, where nobody says: by what lies in the folder."""
    if named or any(place.is_dir() for place in folder.iterdir()):
        return "file"
    suffixes = Counter(file.suffix.lower() for file in folder.iterdir())
    if suffixes[".textgrid"]:
        return "textgrid"
    return "table" if suffixes[".csv"] else "onsets"


def shape_of(spectrum: str, rate: int, seconds: float) -> dict[str, Any]:
    """Window, height and width of spectrograms of so many seconds, which the strides divide."""
    frames = FRAMES if seconds <= LONG else 2 * FRAMES
    hop = max(1, round(seconds * rate / frames))
    n_fft = min(32_768, max(256, 2 ** math.ceil(math.log2(2 * hop))))
    bands = MEL_BANDS
    if spectrum == "stft":
        n_fft = max(n_fft, 1024)
        bands = min(512, n_fft // 2) // STFT_STEP * STFT_STEP
    return {"seconds": seconds, "n_fft": n_fft, "bands": bands, "frames": frames}


def typical(seconds: list[float]) -> float:
    """A length that nine of ten fragments fit into, in hundredths of a second."""
    return float(min(60.0, max(0.02, math.ceil(100 * np.quantile(seconds, 0.9)) / 100)))


def about_cut(values: Mapping[str, Any]) -> str:
    """What a fragment is, in words."""
    return {
        "file": "a file is a fragment",
        "length": f"cut every {values['seconds']:g} s",
        "onsets": "cut at onsets",
        "table": "cut as the CSV file beside each says",
        "textgrid": "cut as the TextGrid beside each says",
    }[values["cut"]]


def said_of(heard: Heard, there: Counter[int], values: Mapping[str, Any]) -> list[str]:
    """Rates, lengths, spectrum and what was left out, in lines."""
    listed = ", ".join(f"{count:,} at {rate:,} Hz" for rate, count in sorted(there.items()))
    same = set(there) == {values["rate"]}
    lines = [f"files: {listed}" + ("" if same else f", brought to {values['rate']:,} Hz (--rate)")]
    low, high = min(heard.seconds), max(heard.seconds)
    lines.append(
        f"fragments last {low:.2f} to {high:.2f} s; {values['seconds']:g} s of each are seen "
        "(--seconds), shorter ones end in silence"
    )
    other = "stft tells notes apart" if values["spectrum"] == "mel" else "mel is smaller"
    lines.append(
        f"spectra: {values['spectrum']}, {values['bands']} x {values['frames']} "
        f"(--spectrum: {other})"
    )
    lines += [f"left out: {line}" for line in heard.listing.left_out]
    if heard.unusable:
        lines.append(f"left out: {len(heard.unusable)} files that cannot be used")
    return lines
