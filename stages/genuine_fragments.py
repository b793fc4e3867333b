"""Make the fragment file of a genuine corpus, as the stages of its recipe make theirs."""

from v3.base.cli import run

import argparse
import tempfile
from pathlib import Path

import h5py

from v3.base.params_file import load_machine, load_section
from v3.corpora.genuine import CORPORA, data_of, material_of
from v3.corpora.librispeech import phonemes
from v3.corpora.librispeech.params import PhonemesParams
from v3.corpora.mnist_writers import writers
from v3.corpora.sprites import compose
from v3.corpora.sprites.params import PartsParams
from v3.corpora.svhn import annotations, crop
from v3.corpora.svhn.params import AnnotationsParams, CropParams


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", choices=CORPORA)
    corpus = parser.parse_args().corpus
    data = data_of(corpus)
    raw, path = data / "raw", data / "fragments.h5"
    recipe = CORPORA[corpus].recipe
    workers = load_machine().workers
    if recipe == "svhn":
        cut_numbers(corpus, raw, path, workers)
    elif recipe == "librispeech":
        params = load_section(corpus, "phonemes", PhonemesParams, material_of(corpus))
        left_out = phonemes.write_fragments(raw, path, params, workers)
        print("; ".join(f"{what}: {count}" for what, count in left_out.items()))
    elif recipe == "sprites":
        parts = load_section(corpus, "parts", PartsParams, material_of(corpus))
        compose.write_fragments(raw, path, parts)
    else:
        writers.write_fragments(raw / CORPORA[corpus].sign, path)
    if corpus != recipe:
        with h5py.File(path, "r+") as file:
            file.attrs["dataset"] = corpus


def cut_numbers(corpus: str, raw: Path, path: Path, workers: int) -> None:
    leave_out = load_section(
        corpus, "annotations", AnnotationsParams, material_of(corpus)
    ).leave_out
    least = load_section(corpus, "crop", CropParams, material_of(corpus)).min_digits
    with tempfile.TemporaryDirectory(dir=path.parent) as beside:
        boxes = Path(beside) / "boxes.h5"
        annotations.annotate(raw, boxes, leave_out)
        crop.write_fragments(raw, boxes, path, least, workers)


if __name__ == "__main__":
    run(main)
