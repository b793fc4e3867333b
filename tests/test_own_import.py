"""Own pictures and recordings become fragments: every mode and format, every way of cutting."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import threadpoolctl
from own_data import melody, picture, project, tone, v3
from PIL import Image

from stages import own_import
from v3.base.errors import V3Error
from v3.download.pictures import UnreadableError
from v3.fragments.labels import LabelledFragments, validate
from v3.own.each import each_sample
from v3.own.pixels import cells_of, read_picture, resized


@pytest.fixture
def brought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Types `v3 new mine` with some options, imports, and returns what the fragment file holds."""
    monkeypatch.chdir(project(tmp_path))

    def run(*options: str | Path) -> dict[str, Any]:
        said = v3("new", "mine", *options)
        assert "Next:" in said, said
        monkeypatch.setattr(sys, "argv", ["own_import", "mine"])
        own_import.main()
        path = Path("data/mine/fragments.h5")
        validate(path)
        with LabelledFragments(path) as file, h5py.File(path) as raw:
            return {
                "said": said,
                "fragments": file.read(np.arange(len(file))),
                "content": [file.info.content_names[row] for row in file.content if row >= 0],
                "style": [file.info.style_names[row] for row in file.style if row >= 0],
                "sample": file.sample.tolist(),
                "names": file.sample_id,
                "origin": raw["origin"].asstr()[()].tolist(),
            }

    return run


# --- pictures


def test_wide_pictures_are_cut(brought, tmp_path) -> None:
    """As many cells as the width holds heights, or as many as are told."""
    for row in range(5):
        sheet = np.full((16, 64, 3), 255, np.uint8)
        for cell in range(4):
            sheet[:, 16 * cell : 16 * cell + 16] = 10 * row + cell
        (tmp_path / "rows").mkdir(exist_ok=True)
        Image.fromarray(sheet).save(tmp_path / "rows" / f"row{row}.png")
    found = brought("--images", "../rows", "--codes", "4")
    assert found["sample"] == np.repeat(np.arange(5), 4).tolist()
    assert found["fragments"].shape == (20, 3, 16, 16)
    assert found["fragments"][:, 0, 8, 8].tolist() == [
        10 * r + c for r in range(5) for c in range(4)
    ]
    assert found["origin"][:2] == ["row0.png#1", "row0.png#2"]


def test_a_table_names_them(brought, tmp_path) -> None:
    rows = ["path;sample;content;style"]
    for k in range(12):
        picture(tmp_path / "loose" / f"x{k}.png", at=k % 3)
        rows.append(f"x{k}.png;s{k // 3};{'abc'[k % 3]};{'dark' if k < 6 else ''}")
    (tmp_path / "list.csv").write_text("\n".join(rows), encoding="utf-8-sig")
    found = brought("--images", "../loose", "--table", "../list.csv", "--codes", "3")
    assert found["names"] == ["s0", "s1", "s2", "s3"]
    assert found["content"] == list("abc") * 4
    assert found["style"] == ["dark", "dark"]


def test_samples_are_formed_of_one_style(brought, tmp_path) -> None:
    for style in ("red", "blue"):
        for k in range(9):
            picture(tmp_path / "loose" / f"{'abc'[k % 3]}_{style}_{k}.png", colour=style, at=k % 3)
    options = ["--pattern", "{content}_{style}_{take}.png", "--per-sample", "3"]
    found = brought("--images", "../loose", *options)
    assert found["style"] == ["blue"] * 3 + ["red"] * 3
    assert np.bincount(found["sample"]).tolist() == [3] * 6
    assert sorted(found["content"]) == sorted("abc" * 6)
    assert all(f"_{name.split()[0]}_" in file for name, file in zip(
        np.repeat(found["names"], 3), found["origin"], strict=True))  # fmt: skip


def saved(path: Path, mode: str, **how: Any) -> Path:
    """A picture, dark at the left and light at the right, in some mode."""
    grey = np.repeat(np.linspace(40, 200, 20).astype(np.uint8)[None], 10, axis=0)
    if mode in ("I;16", "I", "F"):
        values = grey.astype({"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode])
        Image.fromarray(values * (257 if mode != "F" else 1)).save(path, **how)
    else:
        Image.fromarray(np.repeat(grey[:, :, None], 3, axis=2)).convert(mode).save(path, **how)
    return path


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        *(("L", f"x.{kind}") for kind in ("png", "jpg", "bmp", "gif", "tif", "webp", "ppm", "tga")),
        *((mode, "x.png") for mode in ("RGB", "RGBA", "LA", "P", "I;16")),
        *((mode, "x.tif") for mode in ("CMYK", "LAB", "YCbCr", "I", "F", "I;16", "RGBA", "PA")),
        ("CMYK", "x.jpg"),
    ],
)
def test_modes_and_formats(tmp_path: Path, mode: str, name: str) -> None:
    """The same picture comes out of all of them."""
    if mode == "PA":
        pytest.skip("Pillow writes no file of this mode")
    pixels = read_picture(saved(tmp_path / name, mode))
    assert pixels.shape == (10, 20, 3)
    levels = pixels.mean(axis=(0, 2))
    assert np.abs(levels - np.linspace(40, 200, 20)).max() < 16  # of a web palette


def test_a_picture_of_one_bit(tmp_path: Path) -> None:
    Image.fromarray(np.eye(8, dtype=bool)).save(tmp_path / "x.png")
    assert (read_picture(tmp_path / "x.png")[..., 0] == 255 * np.eye(8)).all()


def test_exif_turns_and_paper_shows_through(tmp_path: Path) -> None:
    image = Image.fromarray(np.full((10, 20, 3), 90, np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    for name in ("x.jpg", "x.png"):
        image.save(tmp_path / name, exif=exif)
        assert read_picture(tmp_path / name).shape == (20, 10, 3)
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (read_picture(tmp_path / "clear.png") == 255).all()
    assert (read_picture(tmp_path / "clear.png", "black") == 0).all()


def test_what_is_no_whole_picture(tmp_path: Path) -> None:
    for name in ("x.png", "x.jpg", "x.gif"):
        whole = saved(tmp_path / name, "L").read_bytes()
        (tmp_path / name).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(UnreadableError):
            read_picture(tmp_path / name)
    frames = [Image.new("L", (8, 8), level) for level in (0, 99)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(UnreadableError, match="holds 2 pictures"):
        read_picture(tmp_path / "moving.gif")


def test_sizes() -> None:
    """Stretched a little, or set in the middle of a border of the colour of its edge."""
    pixels = np.full((28, 28, 3), 7, np.uint8)
    assert resized(pixels, (32, 32)).shape == (3, 32, 32)
    assert (resized(pixels, (32, 32)) == 7).all()
    tall = np.full((40, 10, 3), 200, np.uint8)
    tall[10:30, 3:7] = 0
    set_in = resized(tall, (32, 32))
    assert (set_in[:, :, :12] == 200).all()
    assert set_in[:, 16, 16].max() < 60
    assert [cell.shape[1] for cell in cells_of(np.zeros((8, 25, 3), np.uint8), 3)] == [8, 9, 8]


# --- recordings


def most_threads(_: Any) -> int:
    """Of the math libraries in the process that this is called in."""
    np.zeros((2, 2)) @ np.zeros((2, 2))
    return max(pool["num_threads"] for pool in threadpoolctl.threadpool_info())


@pytest.mark.parametrize("workers", [1, 2])
def test_samples_are_worked_on_by_one_thread_each(workers: int) -> None:
    """A process a core is at work: threads would wait for each other."""
    samples: Any = ["a", "b", "c"]
    assert list(each_sample(most_threads, samples, workers)) == [("a", 1), ("b", 1), ("c", 1)]


def test_a_file_a_fragment(brought, tmp_path) -> None:
    """Of two rates, brought to one; samples are formed of what has one style."""
    for style, rate in (("low", 8000), ("high", 12000)):
        for take in range(4):
            for note, pitch in (("a", 220), ("b", 330), ("c", 440)):
                octave = pitch * (1 if style == "low" else 2)
                tone(tmp_path / "notes" / f"{note}_{style}_{take}.wav", octave, rate=rate)
    options = ["--pattern", "{content}_{style}_{take}.wav", "--per-sample", "3"]
    found = brought("--audio", "../notes", *options)
    assert "12 at 8,000 Hz, 12 at 12,000 Hz, brought to 8,000 Hz" in found["said"]
    assert found["fragments"].shape == (24, 1, 64, 32)
    assert found["fragments"].dtype == np.float16
    assert found["fragments"].max() == 0
    assert found["fragments"].min() == -80
    assert sorted(set(found["content"])) == ["a", "b", "c"]


def test_recordings_cut_as_files_beside_them_say(brought, tmp_path) -> None:
    for number in range(4):
        melody(tmp_path / "rec" / f"m{number}.flac", [220, 330, 440])
        text = "start,end,label\n0.0,0.5,a\n0.5,1.0,b\n1.0,1.5,a\n"
        (tmp_path / "rec" / f"m{number}.csv").write_text(text, encoding="utf-8")
    found = brought("--audio", "../rec")
    assert found["content"] == ["a", "b", "a"] * 4
    assert found["origin"][1] == "m0.flac@0.500-1.000"


def test_recordings_cut_by_length_and_onsets(brought, tmp_path) -> None:
    for number in range(4):
        melody(tmp_path / "rec" / f"m{number}.ogg", [220, 330, 440, 550])
    found = brought("--audio", "../rec", "--cut", "onsets", "--codes", "4", "--spectrum", "stft")
    assert found["fragments"].shape == (16, 1, 512, 32)
    starts = [float(name.partition("@")[2].partition("-")[0]) for name in found["origin"][:4]]
    assert np.abs(np.array(starts) - [0, 0.5, 1.0, 1.5]).max() < 0.06


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--cut", "textgrid"], r"m0\.TextGrid is missing"),
        (["--cut", "table"], r"m0\.csv has a fragment at 9 s, and m0\.wav ends at 1\.50 s"),
        (["--cut", "bars"], "--cut must be one of"),
        (["--seconds", "0"], "--seconds must be above 0"),
        (["--spectrum", "cqt"], "--spectrum must be mel or stft"),
        (["--cut", "onsets"], r"m9\.wav \(.*Format not recogni.*--pass-over"),
    ],
)
def test_wrong_turns_of_recordings(tmp_path: Path, monkeypatch, options, said) -> None:
    monkeypatch.chdir(project(tmp_path))
    for number in range(4):
        melody(tmp_path / "rec" / f"m{number}.wav", [220, 330, 440])
        (tmp_path / "rec" / f"m{number}.csv").write_text("start,end\n9,10\n", encoding="utf-8")
    (tmp_path / "rec" / "m9.wav").write_bytes(b"no sound at all")
    told = v3("new", "mine", "--audio", "../rec", *options)
    with pytest.raises(V3Error, match=said):
        raise V3Error(told)
    assert told.startswith("error: ")
