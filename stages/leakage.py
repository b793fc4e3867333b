"""Probe the style for content and the content for style.

The linear probes are fitted to embeddings of the validation split and of as many samples of the
train split (drawn by the seed of the section `leakage`; 6,000 fragments at most), and scored on
the test split, which took no part in anything before. Where the styles of the test split are in no
other sample, probes for style are fitted to some fragments of its samples and scored on the others
(`style_by` says so). content_from_decoder_style reads what the decoder reads in training: the
style pooled and with noise (drawn by the same seed).
content_from_z_c and style_from_z_s are there for reference: high is good.

Beside them: effective_rank, in how many directions the samples of the test split differ by their
mean z_s; and verification, whether two samples of unseen styles (of the test split, if none is
unseen) are told to be of one style by the cosine of their mean z_s, or of their mean atoms.
"""

from v3.base.cli import run

from v3.base.files import write_json
from v3.base.params_file import load_section
from v3.evaluation.common import choose
from v3.evaluation.embedding import embed
from v3.evaluation.leakage import PROBES, leakage_figures
from v3.evaluation.left_out import left_out, no_content, no_style
from v3.evaluation.opened import open_model_and_data, stage_paths
from v3.evaluation.params import LeakageParams
from v3.evaluation.verification import effective_rank, sample_means, verification


def main() -> None:
    paths = stage_paths(__doc__)
    seed = load_section(paths.dataset, "leakage", LeakageParams).seed
    with open_model_and_data(paths) as opened:
        model, file, split = opened.model, opened.file, opened.split
        drawn = choose(len(split["train"]), len(split["validation"]), seed)
        samples = split["validation"] + [split["train"][row] for row in drawn]
        fit = embed(model, file, samples, seed)
        test = embed(model, file, split["test"], seed + 1)
        unseen = opened.embed("unseen_test") if split.get("unseen_test") else test
        source = opened.info.source
        atoms = model.quantizer.atoms.cpu().numpy()
        wanting = left_out(no_content(file, split, "test"), no_style(test.style_label))
    figures = leakage_figures(fit, test, seed)
    means, _ = sample_means(test.z_s, test.sample)
    figures["effective_rank"] = effective_rank(means)
    for name, values in (("z_s", unseen.z_s), ("atoms", atoms[unseen.codes])):
        means, first = sample_means(values, unseen.sample)
        figures[f"verification_{name}"] = verification(means, unseen.style_label[first], seed)
    write_json(paths.metrics("leakage"), {"source": source, **figures, **wanting})
    lacking = [name for name in PROBES if figures[name]["accuracy"] is None]
    if lacking:
        print(
            f"{paths.dataset}: {', '.join(lacking)} could not be measured, for no label of the "
            "part 'test' is among those that a probe learns from, so they are null."
        )


if __name__ == "__main__":
    run(main)
