"""Make spectrograms heard: recordings of the test split, decoded, and in the voices of others.

A line is the beginning of a sample. Those that are re-voiced keep their codes and take the style of
another sample. What is heard is measured: whose recording it is nearer to, by spectral centroid and
by pitch. Of fragments that are no sound the folder holds an index of nothing, the figures are null.
"""

from v3.base.cli import run

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from v3.base.files import atomic_folder, write_json
from v3.base.params_file import read_params_file
from v3.evaluation.common import UNKNOWN, names_of
from v3.evaluation.embedding import Embeddings
from v3.evaluation.opened import Opened, open_model_and_data, stage_paths
from v3.sound.heard import heard
from v3.sound.measure import nearer
from v3.sound.revoiced import Revoiced
from v3.sound.spectrogram import Sound, Spectrogram, joined

DECODED, REVOICED = 4, 6  # lines and pairs of lines that are kept as files
Keep = Callable[[str, Sound, str], dict[str, str]]  # a file's name, its sounds, and what they are
PEAK = 0.9  # of full scale, of what is louder or of no known loudness
NOTHING: dict[str, Any] = {
    "recordings": 0,
    "fragments": 0,
    "centroid": nearer(*(np.zeros(0),) * 3),
    "pitch": nearer(*(np.zeros(0),) * 3),
}


def main() -> None:
    paths = stage_paths(__doc__)
    how = heard(read_params_file(), paths.dataset)
    folder = paths.run / "sounds" / paths.dataset
    with open_model_and_data(paths) as opened, atomic_folder(folder) as beside:
        figures, index = NOTHING, {"about": "", "groups": []}
        if how is not None:
            figures, index = make(opened, how, beside)
        write_json(beside / "index.json", index)
        source = opened.info.source
    write_json(paths.metrics("sounds"), {"source": source, **figures})


def make(opened: Opened, how: Spectrogram, folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write the sounds into the folder; returns the figures and the index of the sounds."""
    test = opened.embed("test")
    made = Revoiced(test, how, opened.file.read, lambda *of: opened.model.decode(*of).cpu().numpy())
    swapped = [made.decoded(*pair) for pair in made.pairs]
    names = [name_of(opened, test, int(line[0])) for line in made.lines]

    def keep(file: str, sounds: Sound, said: str) -> dict[str, str]:
        write_sound(folder / file, joined(sounds, how.rate), how)
        return {"file": file, "name": said}

    groups = [decoded_lines(made, names, keep), *revoiced_lines(made, swapped, names, keep)]
    about = (
        "All are made of spectrograms, the originals too, so that they differ by the model alone: "
        f"{how.lost}."
    )
    return made.figures(swapped), {"about": about, "groups": groups}


def name_of(opened: Opened, test: Embeddings, row: int) -> str:
    """What to call the sample of a row of the embeddings: its style, and its name."""
    style = names_of(test.style_label[[row]], opened.info.style_names)[0]
    sample = opened.file.name_of(int(test.sample[row]))
    return sample if style in (sample, UNKNOWN) else f"{style} ({sample})"


def decoded_lines(made: Revoiced, names: list[str], keep: Keep) -> dict[str, Any]:
    """Some lines, and what their codes and their own styles make of them."""
    sounds = []
    for line in range(min(DECODED, len(made.lines))):
        original, decoded = made.originals(made.lines[line]), made.decoded(line, line)
        sounds.append(keep(f"line-{line}.wav", original, names[line]))
        sounds.append(keep(f"line-{line}-decoded.wav", decoded, f"{names[line]}, decoded"))
    return {
        "title": "Recordings as they are, and decoded",
        "about": "A recording's beginning, and what its codes and its style make of it.",
        "sounds": sounds,
    }


def revoiced_lines(
    made: Revoiced, swapped: list[Sound], names: list[str], keep: Keep
) -> Iterator[dict[str, Any]]:
    """Some lines beside those whose voice they take, and in that voice."""
    for row, (one, other) in enumerate(made.pairs[:REVOICED]):
        content, style = (made.originals(made.lines[line]) for line in (one, other))
        yield {
            "title": f"{names[one]} in the voice of {names[other]}",
            "about": "",
            "sounds": [
                keep(f"pair-{row}-content.wav", content, f"what: {names[one]}"),
                keep(f"pair-{row}-style.wav", style, f"how: {names[other]}"),
                keep(f"pair-{row}-swapped.wav", swapped[row], "the one as the other"),
            ],
        }


def write_sound(path: Path, sound: Sound, how: Spectrogram) -> None:
    """A WAV of 16 bits, as loud as it was where that is known and no louder than full scale."""
    peak = float(np.abs(sound).max())
    if peak and (how.loose or how.level == "decibel" or peak > PEAK):
        sound = sound * np.float32(PEAK / peak)
    soundfile.write(path, sound, how.rate, subtype="PCM_16")


if __name__ == "__main__":
    run(main)
