"""Cut the utterances of Librispeech into spectrograms of phonemes."""

from v3.base.cli import StagePaths, corpus_parser, run

from v3.base.params_file import load_machine, load_section
from v3.corpora.librispeech.params import PhonemesParams
from v3.corpora.librispeech.phonemes import write_fragments


def main() -> None:
    corpus_parser(__doc__).parse_args()
    paths = StagePaths("librispeech")
    params = load_section(paths.dataset, "phonemes", PhonemesParams)
    left_out = write_fragments(paths.data / "raw", paths.fragments, params, load_machine().workers)
    if left_out:
        print("; ".join(f"{what}: {count}" for what, count in left_out.items()))


if __name__ == "__main__":
    run(main)
