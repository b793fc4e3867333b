"""Tiny mirrors of the genuine corpora: drawn, in the layout of the real ones."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import numpy as np
from project import ROOT, TINY

from v3.base.params_file import load_section, read_params_file
from v3.base.schema import read
from v3.corpora.librispeech import params as speech
from v3.corpora.sprites import raw as sheets
from v3.corpora.sprites.params import DownloadParams, PartsParams
from v3.corpora.svhn import params as numbers
from v3.standins.librispeech.shards import write_standin
from v3.standins.sprites.sheets import draw_sheets
from v3.standins.svhn.archives import draw_archives

T = TypeVar("T")
WRITERS = 14  # of training
ALIGNED = "huggingface.co/datasets/gilkeyio/librispeech-alignments/resolve/main/data"


def draw_mirrors(folder: Path) -> Path:
    """corpora/{svhn,librispeech,timit,mnist_writers.npz} and mirror/ with Sprites, in `folder`.

    Returns the mirror of SVHN, which leads to all others.
    """
    corpora = folder / "corpora"
    svhn = corpora / "svhn" / "ufldl.stanford.edu" / "housenumbers"
    svhn.parent.mkdir(parents=True)
    draw_archives(svhn, tiny(numbers.StandInParams, "svhn", 0), 1)
    for seed, name in enumerate(("librispeech", "timit")):
        shards = corpora / name / ALIGNED
        shards.parent.mkdir(parents=True)
        write_standin(shards, tiny(speech.StandInParams, "librispeech", seed), 1)
    write_writers(corpora / "mnist_writers.npz")
    draw_sprites(folder / "mirror")
    return corpora / "svhn"


def tiny(kind: type[T], dataset: str, seed: int) -> T:
    """The tiny sizes of a stand-in as its parameters."""
    return read(kind, {"seed": seed, **TINY[dataset]["standin"]}, "standin")


def draw_sprites(mirror: Path) -> None:
    listed = read_params_file(ROOT / "params.yaml")["sprites"]["parts"]
    parts = read(PartsParams, {**listed, **TINY["sprites"]["parts"]}, "parts")
    download = load_section("sprites", "download", DownloadParams, ROOT / "params.yaml")
    folder = mirror / download.address.split("://")[1] / download.commit
    folder.mkdir(parents=True)
    draw_sheets(folder, parts, 0)
    for name in sheets.TEXTS:
        (folder / name).write_text("the terms\n", encoding="utf-8")


def write_writers(path: Path) -> None:
    """Bars for digits, thick or thin by the writer: 12 of each of 14 writers, 7 of 4 others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    writer = np.concatenate([np.repeat(np.arange(WRITERS), 12), np.repeat([90, 91, 92, 93], 7)])
    label = np.concatenate([np.arange(12 * WRITERS) % 10, np.arange(28) % 10]).astype(np.uint8)
    images = rng.integers(0, 30, (len(label), 28, 28)).astype(np.uint8)
    for image, digit, who in zip(images, label, writer, strict=True):
        image[4:24, 2 + 2 * digit : 4 + 2 * digit + who % 3] = 255
    np.savez(path, images=images, label=label, writer=writer.astype(np.uint16))
