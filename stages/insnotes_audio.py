"""Render the scores of InsNotes with FluidSynth, and record what they were rendered with."""

import argparse

from v3.cli import StagePaths, run
from v3.corpora.insnotes_audio import render
from v3.files import write_json
from v3.params import load_params


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    paths = StagePaths("insnotes")
    params = load_params().dataset(paths.dataset).audio
    index = render(paths.data / "midi", paths.data / "audio", params)
    facts = {
        "files": len(index["files"]),
        "seconds": len(index["files"]) * index["frames"] / index["sample_rate"],
        "soundfont": index["soundfont"],
        "soundfont_sha256": index["soundfont_sha256"],
        "fluidsynth": index["fluidsynth"],
    }
    write_json(paths.metrics("audio"), facts)


if __name__ == "__main__":
    run(main)
