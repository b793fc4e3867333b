"""What holds for every corpus: its fragment file reads back, its stages end in one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML

from v3.corpora import insnotes, insnotes_audio, insnotes_midi, phonenums
from v3.fragments import FragmentFile, validate
from v3.params import DatasetParams, load_params

ROOT = Path(__file__).parent.parent
PARAMS = load_params(ROOT / "params.yaml")
SHORT_SCORE = {
    "files": 1,
    "unseen_files": 1,
    "programs": {"oboe": 68},
    "unseen_programs": {"flute": 73},
    "notes": 3,
}


def make_phonenums(folder: Path, params: DatasetParams) -> Path:
    pages = replace(params.pages, pages=9, unseen_pages=8, workers=1)
    phonenums.synthesise(folder / "pages.h5", pages)
    phonenums.write_fragments(folder / "pages.h5", folder / "fragments.h5")
    return folder / "fragments.h5"


def make_insnotes(folder: Path, params: DatasetParams) -> Path:
    insnotes_midi.write_midi(folder / "midi", replace(params.midi, **SHORT_SCORE))
    insnotes_audio.render(folder / "midi", folder / "audio", replace(params.audio, workers=1))
    insnotes.write_fragments(folder / "audio", folder / "fragments.h5", params.stft)
    return folder / "fragments.h5"


@pytest.mark.parametrize(
    ("name", "make", "samples", "length"),
    [("phonenums", make_phonenums, 17, 10), ("insnotes", make_insnotes, 2, 3)],
)
def test_every_corpus_reads_back(
    tmp_path: Path, name: str, make, samples: int, length: int
) -> None:  # type: ignore[no-untyped-def]
    """With the shape, the labels and the range that the default network is built for."""
    path = make(tmp_path, PARAMS.dataset(name))
    info = validate(path)
    assert info.dataset == name
    assert info.source
    with FragmentFile(path) as file:
        assert len(file.style) == len(set(file.sample_id)) == samples
        assert np.diff(file.starts).tolist() == [length] * samples
        assert set(file.style) == set(range(len(info.style_names)))
        assert set(file.content) <= set(range(len(info.content_names)))
        fragments, rows = file.read_samples(np.arange(samples)[::-1])
        assert (file.sample[rows] == np.repeat(np.arange(samples)[::-1], length)).all()
        network = (fragments.astype(np.float64) - info.offset) * info.scale
        assert np.abs(network).max() <= 2
        assert network.std() > 0.1
        # fragments of one place in the file are not all one
        assert len(np.unique(fragments.reshape(len(fragments), -1), axis=0)) == len(fragments)


def run_stage(folder: Path, name: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """`python -m stages.<name>` in `folder`, with the score cut to a few notes."""
    yaml = YAML()
    raw = yaml.load(ROOT / "params.yaml")
    raw["insnotes"]["midi"].update(SHORT_SCORE)
    raw["insnotes"]["split"]["unseen_styles"] = ["flute"]
    raw["insnotes"]["audio"].update({"workers": 1, "soundfont": str(folder / "font.sf2")})
    yaml.dump(raw, folder / "params.yaml")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path or os.environ["PATH"]}
    return subprocess.run(
        [sys.executable, "-m", f"stages.{name}"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("font", "path", "words"),
    [
        (b"text, not sound", None, "font.sf2 is no SoundFont"),
        (b"RIFF\x04\0\0\0sfbk", "/nowhere", "fluidsynth is not on PATH"),
    ],
)
def test_a_stage_ends_in_one_sentence(
    tmp_path: Path, font: bytes, path: str | None, words: str
) -> None:
    (tmp_path / "font.sf2").write_bytes(font)
    assert run_stage(tmp_path, "insnotes_midi").returncode == 0
    failed = run_stage(tmp_path, "insnotes_audio", path)
    assert failed.returncode == 1
    (line,) = failed.stderr.splitlines()
    assert line.startswith("error: ")
    assert words in line
    assert [entry.name for entry in (tmp_path / "data" / "insnotes").iterdir()] == ["midi"]
