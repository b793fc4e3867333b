"""Probe the style for content and the content for style.

The linear probes learn on the embeddings of the validation split and of as many samples of the
train split (drawn by the seed of the section `leakage`; 6,000 fragments at most), and are scored on
the test split, which took no part in anything before. Where the styles of the test split are in no
other sample, probes for style learn on some fragments of its samples and are scored on the others
(`style_by` says so). content_from_decoder_style reads what the decoder reads in
training: the style pooled and with noise (drawn by the same seed).
content_from_z_c and style_from_z_s are there for reference: high is good.
"""

from v3.base.cli import run
from v3.base.files import write_json
from v3.evaluation.common import choose
from v3.evaluation.embedding import embed
from v3.evaluation.leakage import leakage, style_leakage
from v3.evaluation.opened import evaluated, stage_paths
from v3.evaluation.styles import style_lesson
from v3.params import load_params

FIT = 6000  # fragments, at most, that a probe learns on
PROBES = {  # name: what is read, from what
    "content_from_z_s": ("content", "z_s"),
    "content_from_decoder_style": ("content", "z_s_read"),
    "style_from_z_c": ("style", "z_c"),
    "content_from_z_c": ("content", "z_c"),
    "style_from_z_s": ("style", "z_s"),
}


def main() -> None:
    paths = stage_paths(__doc__)
    seed = load_params().dataset(paths.dataset).leakage.seed
    with evaluated(paths) as it:
        split = it.split
        drawn = choose(len(split["train"]), len(split["validation"]), seed)
        samples = split["validation"] + [split["train"][row] for row in drawn]
        fit = embed(it.model, it.file, samples, seed)
        test = embed(it.model, it.file, split["test"], seed + 1)
        source = it.info.source

    rows = choose(len(fit.rows), FIT, seed)
    lesson = style_lesson(fit.style[rows], test.style, seed)
    figures = {}
    for name, (kind, z) in PROBES.items():
        learn = getattr(fit, z)[rows], getattr(fit, kind)[rows]
        asked = getattr(test, z), getattr(test, kind)
        figures[name] = (
            style_leakage(learn, asked, lesson) if kind == "style" else leakage(*learn, *asked)
        )
    write_json(paths.metrics("leakage"), {"source": source, "style_by": lesson.by, **figures})


if __name__ == "__main__":
    run(main)
