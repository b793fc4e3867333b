"""Probe the style for content and the content for style.

The linear probes learn on the embeddings of the validation split and of as many samples of the
train split (drawn by the seed of the section `leakage`), and are scored on the test split, which
took no part in anything before. content_from_decoder_style reads what the decoder reads in
training: the style pooled and with noise (drawn by the same seed).
content_from_z_c and style_from_z_s are there for reference: high is good.
"""

from v3.cli import StagePaths, run, stage_parser
from v3.embedding import embed
from v3.evaluation.common import choose
from v3.evaluation.leakage import leakage
from v3.files import write_json
from v3.fragments import FragmentFile
from v3.model import V3
from v3.params import load_params
from v3.splits import read_split

PROBES = {  # name: what is read, from what
    "content_from_z_s": ("content", "z_s"),
    "content_from_decoder_style": ("content", "z_s_read"),
    "style_from_z_c": ("style", "z_c"),
    "content_from_z_c": ("content", "z_c"),
    "style_from_z_s": ("style", "z_s"),
}


def main() -> None:
    args = stage_parser(__doc__).parse_args()
    paths = StagePaths(args.dataset, args.run)
    seed = load_params().dataset(args.dataset).leakage.seed
    model = V3.load(paths.model)
    with FragmentFile(paths.fragments) as file:
        split = read_split(paths.split, len(file.style))
        drawn = choose(len(split["train"]), len(split["validation"]), seed)
        samples = split["validation"] + [split["train"][row] for row in drawn]
        fit = embed(model, file, samples, seed)
        test = embed(model, file, split["test"], seed + 1)
        source = file.info.source

    figures = {
        name: leakage(getattr(fit, z), getattr(fit, kind), getattr(test, z), getattr(test, kind))
        for name, (kind, z) in PROBES.items()
    }
    write_json(paths.metrics("leakage"), {"source": source, **figures})


if __name__ == "__main__":
    run(main)
