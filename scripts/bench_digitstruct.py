"""How long reading a digitStruct.mat takes: writes one of as many rows as SVHN's train has.

    python scripts/bench_digitstruct.py [--rows 33402]

Boxes per row are drawn as in the corpus; the file is of MATLAB's structure.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from v3.corpora.svhn.digit_struct import Row, read_digit_struct, write_digit_struct
from v3.standins.svhn.scene import LENGTHS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=33_402, help="images (default: train's)")
    count = parser.parse_args().rows
    rng = np.random.default_rng(0)
    lengths = 1 + rng.choice(len(LENGTHS), size=count, p=LENGTHS)
    rows = [
        Row(f"{i + 1}.png", rng.integers(1, 11, (length, 5)).astype(np.float64))
        for i, length in enumerate(lengths)
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "digitStruct.mat"
        write_digit_struct(path, rows)
        wall, cpu = time.perf_counter(), time.process_time()
        read = list(read_digit_struct(path, path.name))
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        megabytes = path.stat().st_size / 1e6
    same = all((one.boxes == other.boxes).all() for one, other in zip(rows, read, strict=True))
    print(f"{count} rows, {lengths.sum()} digits, {megabytes:.0f} MB: {wall:.1f} s ({cpu:.1f} s of")
    print(f"CPU time); the same boxes as written: {same}")


if __name__ == "__main__":
    main()
