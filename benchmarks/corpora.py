"""Fragment files of random values, of every corpus's shape, type and range: speed needs no more."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from v3.fragments.format import FragmentInfo
from v3.fragments.writer import FragmentWriter
from v3.params import Params

# Of pictures (C, H, W); those of sounds hang on parameters.
PICTURES = {"phonenums": (3, 48, 32), "svhn": (3, 48, 32), "sprites": (3, 64, 64)}


@dataclass(frozen=True)
class Kind:
    """What the fragments of a corpus are: (C, H, W), their type, and (value - offset) * scale."""

    shape: tuple[int, int, int]
    dtype: str
    offset: float
    scale: float

    def draw(self, count: int, seed: int) -> NDArray[Any]:
        """Values (count, C, H, W) over the whole range."""
        rng = np.random.default_rng(seed)
        if self.dtype == "uint8":
            return rng.integers(0, 256, (count, *self.shape), dtype=np.uint8)
        values = rng.uniform(-2, 2, (count, *self.shape)) / self.scale + self.offset
        return values.astype(self.dtype)


def kinds(params: Params) -> dict[str, Kind]:
    """Of every corpus that is known here and has a section in params.yaml, by name."""
    found = {name: Kind(shape, "uint8", 0.0, 1 / 255) for name, shape in PICTURES.items()}
    if "insnotes" in params.sections:
        stft = params.sections["insnotes"]["stft"]
        least, most = np.log(stft.floor), np.log(stft.n_fft / 4)
        middle, scale = float((least + most) / 2), float(4 / (most - least))
        found["insnotes"] = Kind((1, stft.bins, stft.frames), "float16", middle, scale)
    if "librispeech" in params.sections:
        mel = params.sections["librispeech"]["phonemes"]
        shape = (1, mel.bands, mel.width)
        found["librispeech"] = Kind(shape, "float16", -mel.floor / 2, 4 / mel.floor)
    return {name: kind for name, kind in found.items() if name in params.sections}


def write_random(path: Path, name: str, kind: Kind, samples: int, length: int) -> Path:
    """A fragment file of so many samples of `length` fragments; two contents, two styles."""
    info = FragmentInfo(
        dataset=name,
        source="random values",
        content_names=("a", "b"),
        style_names=("a", "b"),
        offset=kind.offset,
        scale=kind.scale,
    )
    content = np.arange(length) % 2
    with FragmentWriter(path, info, kind.shape, kind.dtype) as writer:
        for sample in range(samples):
            drawn = kind.draw(length, sample)
            writer.append(drawn, content, sample % 2, f"random-{sample}")
    return path
