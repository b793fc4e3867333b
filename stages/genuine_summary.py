"""Figures of a genuine corpus over its training seeds, with chance beside, and its pictures.

k-means and the supervised bound are the same for every seed, and made once. The pictures are those
of the first seed.
"""

from v3.base.cli import StagePaths, run

import argparse
import shutil
from typing import Any

from v3.base.files import atomic_folder, read_metrics, write_json
from v3.base.params_file import read_params_file
from v3.corpora.genuine import CORPORA, STUDY, WORK, read_seeds
from v3.evaluation.headline import LOW_IS_GOOD, STAGES, headline, over_seeds
from v3.plots.curves import seed_dots

ONCE = ("baseline", "bound")
LOW = " (low is good)"
# figure: keys to its chance, in the metric files
CHANCE = {
    "purity": ("codebook", "chance_purity"),
    "zero_shot": ("zero_shot", "chance"),
    "zero_shot_purity": ("zero_shot", "chance_purity"),
    "leakage": ("leakage", "content_from_decoder_style", "chance"),
    "swap_content_kept": ("swap", "content_chance"),
    "swap_style_taken": ("swap", "style_chance"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", choices=CORPORA)
    corpus = parser.parse_args().corpus
    seeds = read_seeds(read_params_file(), corpus)
    runs = {seed: StagePaths(corpus, WORK / corpus / "runs" / str(seed)) for seed in seeds}
    first = runs[seeds[0]]
    once = {stage: read_metrics(first.metrics(stage)) for stage in ONCE}
    metrics = {
        seed: {stage: read_metrics(paths.metrics(stage)) for stage in STAGES if stage not in once}
        for seed, paths in runs.items()
    }
    scores = {seed: headline(found | once) for seed, found in metrics.items()}
    figures = over_seeds(scores)
    about: dict[str, Any] = {
        key: value
        for key, value in scores[seeds[0]].items()
        if isinstance(value, str)  # the source, and which front end is the best
    }
    about["front_ends"] = {
        name: {figure: found[figure] for figure in ("purity", "zero_shot_purity", "zero_shot")}
        for name, found in once["baseline"].items()
        if isinstance(found, dict)
    }
    about |= {key: metrics[seeds[0]]["codebook"][key] for key in ("labels", "atoms")}
    chance = {name: down(metrics[seeds[0]], keys) for name, keys in CHANCE.items()}
    write_json(STUDY / "metrics" / f"{corpus}.json", {**about, **figures, "chance": chance})
    seed_dots(
        STUDY / "plots" / f"{corpus}.png",
        {name + LOW * (name in LOW_IS_GOOD): figures[name] for name in figures["median"]},
        f"{corpus}: a dot a training seed (study {STUDY.name})",
        about["source"],
    )
    with atomic_folder(STUDY / "pictures" / corpus) as beside:
        for picture in sorted(first.plots("").glob("*/*.png")):
            shutil.copyfile(picture, beside / picture.name)


def down(found: Any, keys: tuple[str, ...]) -> Any:
    """The value that the keys lead to; None where there is none."""
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found


if __name__ == "__main__":
    run(main)
