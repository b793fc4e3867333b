"""What every code stands for, without a label: a table of all fragments, and a sheet a code.

`codes.csv` has a line for each fragment: where it is from (the file, for own data), its sample, its
labels where they are known, its part of the split, its code, how far z_c lies from that atom (as
the codebook measures it) and z_s. A sheet shows the fragments that lie nearest to the atom, each
from another sample where there are as many. The figures are of the test split.
"""

from v3.base.cli import run

import csv
from pathlib import Path

import h5py
import numpy as np

from v3.base.files import atomic_folder, write_json
from v3.evaluation.common import names_of
from v3.evaluation.embedding import Embeddings, embed
from v3.evaluation.left_out import codebook_without_labels
from v3.evaluation.opened import Opened, open_model_and_data, stage_paths
from v3.evaluation.ratios import ratios
from v3.plots.sheets import contact_sheet

ORIGIN = "origin"  # dataset of a fragment file that says where each fragment is from
SHOWN, COLUMNS = 24, 8  # fragments of a sheet, and columns
USE = ("active_codes", "perplexity", "atoms", "fragments")


def main() -> None:
    paths = stage_paths(__doc__)
    with open_model_and_data(paths) as opened, atomic_folder(paths.data / "codes") as folder:
        all_samples = range(opened.file.samples)
        found = embed(opened.model, opened.file, all_samples)
        far = distances(opened, found)
        write_table(folder / "codes.csv", opened, found, far)
        for code in range(opened.model.spec.atoms):
            draw_sheet(folder, opened, found, far, code)
        of_test = np.isin(found.sample, opened.split["test"])
        used = codebook_without_labels(found.codes[of_test], opened.model.spec.atoms, "")
        atoms = opened.model.quantizer.atoms.cpu().numpy()
        four = ratios(atoms[found.codes[of_test]], found.z_s[of_test], found.sample[of_test])
        figures = {name: used[name] for name in USE} | {"ratios": four}
        source = opened.info.source
    write_json(paths.metrics("codes"), {"source": source, "split": "test", **figures})


def distances(opened: Opened, found: Embeddings) -> np.ndarray:
    """How far z_c (N, d_c) lies from its atom (N,): Euclidean, or 1 - cosine."""
    atoms = opened.model.quantizer.atoms.cpu().numpy()[found.codes]
    if opened.model.spec.distance == "euclidean":
        return np.linalg.norm(found.z_c - atoms, axis=1)
    lengths = np.linalg.norm(found.z_c, axis=1) * np.linalg.norm(atoms, axis=1)
    return 1 - (found.z_c * atoms).sum(1) / np.maximum(lengths, 1e-12)


def write_table(path: Path, opened: Opened, found: Embeddings, far: np.ndarray) -> None:
    """A line a fragment; a value that is not known is empty."""
    part = {row: name for name, rows in opened.split.items() for row in rows}
    with h5py.File(opened.file.path) as file:
        origins = file[ORIGIN].asstr()[()] if ORIGIN in file else np.full(len(far), "")
    names = [
        ["" if label < 0 else known[label] for label in labels]
        for labels, known in (
            (found.content_label, opened.info.content_names),
            (found.style_label, opened.info.style_names),
        )
    ]
    head = ["fragment", "file", "sample", "content", "style", "part", "code", "distance"]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*head, *(f"z_s_{k}" for k in range(found.z_s.shape[1]))])
        for at, row in enumerate(found.rows.tolist()):
            sample = int(found.sample[at])
            known = [origins[row], opened.file.name_of(sample), names[0][at], names[1][at]]
            measured = [
                int(found.codes[at]),
                f"{far[at]:.5f}",
                *(f"{z:.5f}" for z in found.z_s[at]),
            ]
            writer.writerow([row, *known, part.get(sample, ""), *measured])


def draw_sheet(folder: Path, opened: Opened, found: Embeddings, far: np.ndarray, code: int) -> None:
    """The fragments nearest to an atom; nothing of a code that nothing has."""
    rows = np.flatnonzero(found.codes == code)
    if not len(rows):
        return
    rows = rows[np.argsort(far[rows], kind="stable")]
    firsts = np.sort(np.unique(found.sample[rows], return_index=True)[1])
    others = np.setdiff1d(np.arange(len(rows)), firsts)
    shown = rows[np.concatenate([firsts, others])[:SHOWN]]
    names = names_of(found.content_label[shown], opened.info.content_names)
    if (found.content_label[shown] < 0).all():
        names = [opened.file.name_of(int(sample)) for sample in found.sample[shown]]
    contact_sheet(
        folder / f"code_{code:03d}.png",
        opened.file.read(found.rows[shown]),
        names,
        f"{opened.paths.dataset}: code {code}, {len(rows)} fragments; the nearest to its atom",
        opened.info.source,
        COLUMNS,
    )


if __name__ == "__main__":
    run(main)
