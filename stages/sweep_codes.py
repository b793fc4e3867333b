"""Encode validation fragments with one model of the sweep over K; no label is opened.

The fragments are the same ones for every model: as many whole validation samples, drawn, as have
4,000 at most. Beside their codes stands what tells a good K from a bad one: the reconstruction
error of training, and how far each fragment's code is that of a second view of it, moved and with
noise as in training.
"""

from v3.base.cli import StagePaths, run, stage_parser

from pathlib import Path

import numpy as np
import torch

from v3.base.files import write_json
from v3.base.params_file import load_section
from v3.evaluation.code_count import agreed
from v3.evaluation.codebook import code_use
from v3.fragments.reader import Fragments
from v3.model.v3 import V3
from v3.splits import read_split, require_samples
from v3.training.loss import agreement
from v3.training.params import TrainParams, ViewParams
from v3.training.views import degrade, move

FRAGMENTS = 4000  # at most: enough for two digits of the agreement of 80 codes
SAMPLES = 32  # encoded at once


def main() -> None:
    parser = stage_parser(__doc__ or "")
    parser.add_argument("--out", type=Path, required=True, help="file that is written")
    args = parser.parse_args()
    paths = StagePaths(args.dataset, args.run)
    params = load_section(args.dataset, "train", TrainParams)
    model = V3.load(paths.model)
    with Fragments(paths.fragments) as file:
        split = read_split(paths.split, file.samples)
        require_samples(paths.split, split, "validation")
        z_c, codes, again, codes_again = encode(
            model, file, drawn(file, split["validation"]), params.kind, params.view
        )
        source = file.source.source
    atoms = model.quantizer.atoms
    view = params.view
    figures = {
        "atoms": model.spec.atoms,
        "steps": model.training_params["steps"],
        "fragments": len(codes),
        "error": model.figures["validation_error"] / model.info.variance,
        "views": agreed(codes, codes_again),
        "agreement": float(agreement(z_c, again, atoms, view.temperature, view.evenness)),
        **code_use(np.bincount(codes, minlength=model.spec.atoms)),
        "codes": codes.tolist(),
    }
    write_json(args.out, {"source": source, **figures})


def drawn(file: Fragments, samples: list[int]) -> np.ndarray:
    """So many of the samples, drawn, as have 4,000 fragments at most, and one at least."""
    shuffled = np.random.default_rng(0).permutation(samples)
    total = np.cumsum(np.diff(file.starts)[shuffled])
    return np.sort(shuffled[: max(1, np.searchsorted(total, FRAGMENTS, side="right"))])


@torch.inference_mode()
def encode(
    model: V3, file: Fragments, samples: np.ndarray, kind: str, view: ViewParams
) -> tuple[torch.Tensor, np.ndarray, torch.Tensor, np.ndarray]:
    """z_c (N, d_c) and codes (N,) of all fragments of the samples, then those of second views."""
    generator = torch.Generator().manual_seed(0)
    first, second = [], []
    for some in np.array_split(samples, -(-len(samples) // SAMPLES)):
        raw, rows = file.read_samples(some)
        x = torch.from_numpy(raw).float()
        moved = move(x[:, None], view, kind, generator)
        other = degrade(moved, view, generator)[:, 0]
        first.append(model.encode(x, file.sample[rows]))
        second.append(model.encode(other, file.sample[rows]))
    z_c, again = (torch.cat([part.z_c for part in parts]) for parts in (first, second))
    codes, codes_again = (
        torch.cat([part.codes for part in parts]).numpy() for parts in (first, second)
    )
    return z_c, codes, again, codes_again


if __name__ == "__main__":
    run(main)
