"""Evaluation: embeddings of every corpus's model, retrieval, and what else is fitted to them.

Points lie around centres, one a label, as those of a trained model do: on points without any order
the probes and machines would seek for longer than they ever have to.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.clock import timed
from benchmarks.corpora import kinds, write_random
from benchmarks.machine import DOUBLE, MATRIX_PRODUCT
from benchmarks.rows import Bench, Row, scratch
from benchmarks.training import train_params
from v3.evaluation.baseline import fit_clusters
from v3.evaluation.codebook import codebook
from v3.evaluation.embedding import Embeddings, embed
from v3.evaluation.leakage import leakage_figures
from v3.evaluation.retrieval import retrieval
from v3.evaluation.swap import swap_figures
from v3.evaluation.tsne import tsne_map
from v3.fragments.labels import LabelledFragments
from v3.model.spec import chosen_spec
from v3.training.loop import build

NETWORK = "laptop"
FRAGMENTS = 2000  # that are embedded; a length's size is a part of it, as of all that follow
SIZES = ((4000, 128), (20_000, 512), (100_000, 512))  # points and dimensions of retrieval
LARGE = {20_000: 0.5, 100_000: 2.0}  # the least size of a length that takes so many points
CONTENTS, STYLES = 10, 8
DIMENSIONS, STYLE_DIMENSIONS = 128, 16
SHAPE = (3, 48, 32)  # of the fragments that machines tell apart


def embeddings(bench: Bench) -> Iterator[Row]:
    """Whole samples through the encoder, as every evaluation does it first: a row a corpus."""
    for corpus, kind in kinds(bench.params).items():
        name, section = f"embed/{corpus}", bench.params.sections[corpus]
        if not bench.wants(name) or NETWORK not in section["specs"]:
            continue
        params = train_params(bench, section["train"])
        length = params.fragments_per_sample
        samples = max(2, round(FRAGMENTS * bench.length.size / length))
        rows = list(range(samples))
        with scratch() as folder:
            path = write_random(folder / "fragments.h5", corpus, kind, samples, length)
            spec = chosen_spec(NETWORK, section["specs"], corpus)
            model = build(path, rows, spec, params).to(bench.device).eval()
            with LabelledFragments(path) as file, FlopCounterMode(display=False) as counter:
                embed(model, file, rows)
            with LabelledFragments(path) as file:
                timing = timed(
                    lambda model=model, file=file, rows=rows: embed(model, file, rows),
                    bench.length,
                    bench.device,
                )
        operations = float(counter.get_total_flops())
        work = (operations, MATRIX_PRODUCT)
        yield bench.row(name, timing, samples * length, "fragments", operations=work)


def searches(bench: Bench) -> Iterator[Row]:
    """Retrieval as the stage calls it; the products of all queries with all points are counted."""
    for count, dimensions in SIZES:
        name = f"retrieval/{count}x{dimensions}"
        if not bench.wants(name) or bench.length.size < LARGE.get(count, 0.0):
            continue
        count = max(50, round(count * min(1.0, bench.length.size)))
        points, labels = _around(count, dimensions, CONTENTS, 0)
        queries = retrieval(points[:100], labels[:100])["queries"]  # and what it imports is there
        found: list[int] = []

        def search(points=points, labels=labels, found=found) -> None:
            found.append(retrieval(points, labels)["queries"])

        timing = timed(search, bench.length)
        queries = found[-1]
        work = (2.0 * queries * count * dimensions, DOUBLE)
        yield bench.row(name, timing, queries, "queries", operations=work)


def figures(bench: Bench) -> Iterator[Row]:
    """The rest of the evaluation, each on as many points as the stages give it."""
    size = bench.length.size
    many = max(60, round(4000 * min(1.0, size)))
    some = max(60, round(1000 * min(1.0, size)))
    fit, test = (_embeddings(many, seed) for seed in range(2))
    shown, originals = _fragments(some, 0), _fragments(some, 1)
    tasks = {
        "evaluate/codebook": (
            many,
            lambda: codebook(test.codes, test.content_label, CONTENTS, CONTENTS),
        ),
        "evaluate/leakage": (2 * many, lambda: leakage_figures(fit, test, 0)),
        "evaluate/swap": (3 * some, lambda: swap_figures(shown, originals, _fragments(some, 2), 0)),
        "evaluate/kmeans": (some, lambda: fit_clusters(shown[0], CONTENTS, 0)),
        "evaluate/tsne": (some, lambda: tsne_map(test.z_c[:some], 0, min(30.0, some / 4))),
    }
    for name, (count, task) in tasks.items():
        if bench.wants(name):
            yield bench.row(name, timed(task, bench.length), count, "fragments")


def _around(count: int, dimensions: int, labels: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points (count, dimensions) around the centres of their labels (count,)."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(labels).normal(size=(labels, dimensions))
    label = rng.permutation(np.arange(count) % labels).astype(np.int32)
    points = centres[label] + 0.5 * rng.normal(size=(count, dimensions))
    return points.astype(np.float32), label


def _embeddings(count: int, seed: int) -> Embeddings:
    z_c, content = _around(count, DIMENSIONS, CONTENTS, seed)
    z_s, style = _around(count, STYLE_DIMENSIONS, STYLES, seed)
    rows = np.arange(count)
    return Embeddings(z_c, content.astype(np.int64), z_s, z_s, z_s, content, style, rows, rows)


def _fragments(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fragments (count, C, H, W) with their labels of content and of style (count,)."""
    flat, content = _around(count, int(np.prod(SHAPE)), CONTENTS, seed)
    _, style = _around(count, 1, STYLES, seed + 100)
    shades = np.random.default_rng(0).normal(size=(STYLES, flat.shape[1]))
    fragments = flat + shades[style]
    return fragments.astype(np.float32).reshape(count, *SHAPE), content, style
