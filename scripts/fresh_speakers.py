"""Librispeech's stand-in on speakers that nobody had in view: other voices, words and rooms.

    python scripts/fresh_speakers.py [--seed 1] [models/librispeech ...]

Recipes were chosen with the figures of the split's unseen speakers in view. This synthesises the
stand-in anew with another seed (all of its 48 speakers are new to the models, unless --seed is the
one they were trained with) and prints the purity of each model's codes on them, beside k-means as
`stages/baseline.py` fits it on the training fragments, with the fragments as they are and less the
mean spectrum of their utterance.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from v3.base.cli import StagePaths

from v3.base.params_file import load_machine, load_section
from v3.corpora.librispeech.params import PhonemesParams, StandInParams
from v3.corpora.librispeech.phonemes import write_fragments
from v3.evaluation.baseline import fit_clusters
from v3.evaluation.codebook import codebook
from v3.evaluation.embedding import embed
from v3.fragments.labels import LabelledFragments
from v3.model.v3 import V3
from v3.splits import read_split
from v3.standins.librispeech.shards import write_standin

DATASET = "librispeech"
COMPONENTS = 64


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1, help="of the new stand-in (default: 1)")
    parser.add_argument("models", nargs="*", type=Path, help=f"(default: models/{DATASET})")
    args = parser.parse_args()
    paths = StagePaths(DATASET)
    fresh = load_section(DATASET, "standin", StandInParams).model_copy(update={"seed": args.seed})
    phonemes = load_section(DATASET, "phonemes", PhonemesParams)
    workers = load_machine().workers
    with tempfile.TemporaryDirectory() as folder:
        raw, new = Path(folder) / "raw", Path(folder) / "fragments.h5"
        write_standin(raw, fresh, workers)
        write_fragments(raw, new, phonemes, workers)
        with LabelledFragments(new) as file, LabelledFragments(paths.fragments) as old:
            print(f"{len(file.content)} fragments of {len(file.info.style_names)} new speakers")
            names = file.info.content_names
            if names != old.info.content_names:
                raise SystemExit("error: the new stand-in has other phonemes: take another seed.")
            for folder_of_model in args.models or [paths.model]:
                model = V3.load(folder_of_model)
                found = embed(model, file, range(len(file.style)))
                report(str(folder_of_model), found.codes, found.content, model.spec.atoms)
            seen = read_split(paths.split, len(old.style))["train"]
            atoms = model.spec.atoms
            for what, reduce in (("as they are", plain), ("less the utterance's mean", centred)):
                train, unseen = reduce(old, seen), reduce(file, range(len(file.style)))
                for name, components in (("raw", None), (f"{COMPONENTS} components", COMPONENTS)):
                    # a copy: clustering may change the values it is given
                    clusters = fit_clusters(train.copy(), atoms, 0, components)
                    report(f"k-means, {what}, {name}", clusters.codes(unseen), file.content, atoms)


def plain(file: LabelledFragments, samples: Sequence[int]) -> np.ndarray:
    """Fragments (N, C, H, W) of the samples, float32."""
    return file.read(file.rows_of(samples)).astype(np.float32)


def centred(file: LabelledFragments, samples: Sequence[int]) -> np.ndarray:
    """The same less each sample's mean over fragments and width, as `sample_norm` has it."""
    x, sample = plain(file, samples), file.sample[file.rows_of(samples)]
    for one in np.unique(sample):
        x[sample == one] -= x[sample == one].mean((0, 3), keepdims=True)
    return x


def report(name: str, codes: np.ndarray, content: np.ndarray, atoms: int) -> None:
    figures = codebook(codes, content, atoms, int(content.max()) + 1)
    print(f"{figures['purity']:.4f}  (chance {figures['chance_purity']:.4f})  {name}", flush=True)


if __name__ == "__main__":
    main()
