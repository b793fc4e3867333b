"""What is refused before it costs anything: files that lie elsewhere, absurd numbers, odd names."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from v3.base.errors import V3Error
from v3.fragments.format import FragmentInfo
from v3.fragments.labels import validate
from v3.fragments.writer import FragmentWriter
from v3.model.about import ModelInfo
from v3.model.spec import Spec
from v3.model.v3 import V3


def written(path: Path) -> Path:
    info = FragmentInfo("mine", "own", ("a", "b"), ("x",), 0.0, 1.0)
    with FragmentWriter(path, info, (1, 4, 4), np.float32) as writer:
        for sample in range(8):
            writer.append(
                np.ones((2, 1, 4, 4), np.float32) * sample, np.array([0, 1]), 0, f"s{sample}"
            )
    return path


def test_a_file_that_lies_elsewhere_is_refused(tmp_path):
    other, path = written(tmp_path / "other.h5"), tmp_path / "mine.h5"
    for kind in ("link", "virtual", "raw", "label"):
        written(path)
        with h5py.File(path, "r+") as file:
            name = "style" if kind == "label" else "fragments"
            shape, dtype = file[name].shape, file[name].dtype
            del file[name]
            if kind in ("link", "label"):
                file[name] = h5py.ExternalLink(str(other), name)
            elif kind == "virtual":
                layout = h5py.VirtualLayout(shape, dtype)
                layout[:] = h5py.VirtualSource(str(other), name, shape)
                file.create_virtual_dataset(name, layout)
            else:
                (tmp_path / "raw").write_bytes(bytes(4 * 256))
                file.create_dataset(name, shape, dtype, external=[(str(tmp_path / "raw"), 0, 1024)])
        with pytest.raises(V3Error, match="lies in another file"):
            validate(path)


def test_parts_that_were_never_written_are_refused(tmp_path):
    path = written(tmp_path / "mine.h5")
    with h5py.File(path, "r+") as file:
        del file["fragments"]
        half = file.create_dataset("fragments", (16, 1, 4, 4), "f4", chunks=(2, 1, 4, 4))
        half[:8] = 1
    with pytest.raises(V3Error, match="never written"):
        validate(path)


@pytest.mark.parametrize("kind", [">f4", ">f2"])
def test_other_byte_orders_are_refused(tmp_path, kind):
    path = written(tmp_path / "mine.h5")
    with h5py.File(path, "r+") as file:
        values = file["fragments"][:]
        del file["fragments"]
        file["fragments"] = values.astype(kind)
    with pytest.raises(V3Error, match="fragments are"):
        validate(path)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("schema", ["a", "b"], "schema"),
        ("offset", 1j, "no number"),
        ("scale", np.void(b"a"), "no number"),
    ],
)
def test_attributes_of_other_types_are_refused(tmp_path, key, value, said):
    path = written(tmp_path / "mine.h5")
    with h5py.File(path, "r+") as file:
        file.attrs[key] = value
    with pytest.raises(V3Error, match=said):
        validate(path)


def test_ids_in_two_dimensions_are_refused(tmp_path):
    path = written(tmp_path / "mine.h5")
    with h5py.File(path, "r+") as file:
        ids = file["sample_id"][:]
        del file["sample_id"]
        file.create_dataset("sample_id", data=ids[:, None], dtype=h5py.string_dtype())
    with pytest.raises(V3Error, match="sample_id has shape"):
        validate(path)


def test_a_file_whose_writer_was_killed(tmp_path):
    path = written(tmp_path / "mine.h5")
    code = f"import h5py, os; f = h5py.File({str(path)!r}, 'r+'); os.kill(os.getpid(), 9)"
    subprocess.run([sys.executable, "-c", code], check=False)
    with pytest.raises(V3Error, match="h5clear"):
        validate(path)


def test_a_filter_that_is_not_there(tmp_path):
    path = written(tmp_path / "mine.h5")
    with h5py.File(path, "r+") as file:
        values = file["fragments"][:]
        del file["fragments"]
        file.create_dataset("fragments", data=values, compression="lzf", chunks=(16, 1, 4, 4))
    raw = path.read_bytes()
    at = raw.rfind((32000).to_bytes(2, "little"), 0, raw.find(b"lzf\0"))
    path.write_bytes(raw[:at] + (32001).to_bytes(2, "little") + raw[at + 2 :])
    with pytest.raises(V3Error, match=r"does not know|damaged") as error:
        validate(path)
    assert "\n" not in str(error.value)
    assert "packed" in str(error.value)


def test_values_that_no_network_can_read(tmp_path):
    path = written(tmp_path / "mine.h5")
    with h5py.File(path, "r+") as file:
        file["fragments"][9, 0, 0, 0] = 1e37
    with pytest.raises(V3Error, match=r"fragment 9 \(of s4\) is 1e\+37"):
        validate(path)
    written(path)
    with h5py.File(path, "r+") as file:
        file.attrs["scale"] = 1e30
    with pytest.raises(V3Error, match="network's input"):
        validate(path)


@pytest.mark.parametrize("seed", range(12))
def test_bytes_that_are_wrong_end_in_a_sentence(tmp_path, seed):
    path = written(tmp_path / "mine.h5")
    damage, content = np.random.default_rng(seed), bytearray(path.read_bytes())
    for place in damage.integers(len(content) if seed % 2 else 2000, size=20):
        content[place] ^= int(damage.integers(1, 256))
    path.write_bytes(content)
    with contextlib.suppress(V3Error):  # read, or refused in a sentence: no other error
        validate(path)


SPEC = Spec.from_dict(
    {"network": "strided", "layers": ["4, 4x4, 2x2"], "content_dim": 4, "style_dim": 2, "atoms": 2}
)


def saved(folder: Path) -> Path:
    info = ModelInfo(
        dataset="m", source="s", offset=0.0, scale=1.0, fragment_shape=(1, 4, 4), variance=1.0
    )
    V3(SPEC, info).save(folder)
    return folder


def test_variances_below_zero_are_refused(tmp_path):
    folder = saved(tmp_path / "m")
    weights = load_file(folder / "model.safetensors")
    name = next(name for name in weights if name.endswith("running_var"))
    weights[name][0] = -1
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(V3Error, match="variances below 0 in"):
        V3.load(folder)


@pytest.mark.parametrize("kind", [torch.int8, torch.complex64, torch.float64])
def test_weights_of_another_type_are_refused(tmp_path, kind):
    folder = saved(tmp_path / "m")
    weights = load_file(folder / "model.safetensors")
    weights["quantizer.atoms"] = weights["quantizer.atoms"].to(kind)
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(
        V3Error, match=r"quantizer.atoms is (int8|complex64|float64) and should be float32"
    ):
        V3.load(folder)


def misfits(weights):
    """Tensors that a model of `SPEC` does not have, and what is said of them."""
    atoms = weights["quantizer.atoms"]
    fewer = {name: weights[name] for name in weights if name != "quantizer.atoms"}
    yield weights | {"quantizer.atoms": atoms[:1]}, "quantizer.atoms is 1 x 4 and should be 2 x 4"
    yield fewer, "it has no quantizer.atoms"
    yield weights | {"other": torch.zeros(2)}, "the network has no other"
    yield weights | {"quantizer.atoms": atoms + 1e38}, r"holds 1e\+38 in quantizer.atoms"


def test_weights_that_do_not_fit_are_named_in_words(tmp_path):
    folder = saved(tmp_path / "m")
    file = folder / "model.safetensors"
    for wrong, said in misfits(load_file(file)):
        save_file(wrong, file)
        with pytest.raises(V3Error, match=said) as error:
            V3.load(folder)
        assert str(file) in str(error.value)
        assert "state_dict" not in str(error.value)


def test_weights_that_give_no_finite_numbers_are_refused(tmp_path):
    """Each is small enough, all of them together are not."""
    folder = saved(tmp_path / "m")
    file = folder / "model.safetensors"
    weights = load_file(file)
    save_file(
        {k: v * 1e15 if v.ndim > 1 and k.startswith("encoder") else v for k, v in weights.items()},
        file,
    )
    with pytest.raises(V3Error, match=r"model\.safetensors .*no fragment gives finite numbers"):
        V3.load(folder)


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
def test_a_models_file_that_is_somebody_elses(name):
    with tempfile.TemporaryDirectory() as place:
        folder = saved(Path(place) / "m")
        Path(place).chmod(0o755)
        (folder / name).chmod(0)
        root = os.geteuid() == 0
        if root:  # who may read everything
            os.seteuid(65534)
        try:
            with pytest.raises(V3Error, match=rf"{name} may not be read: give yourself the right"):
                V3.load(folder)
        finally:
            if root:
                os.seteuid(0)


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
def test_a_folder_in_place_of_a_models_file(tmp_path, name):
    folder = saved(tmp_path / "m")
    (folder / name).unlink()
    (folder / name).mkdir()
    with pytest.raises(V3Error, match=rf"{name} is a folder .*move it away"):
        V3.load(folder)
    with pytest.raises(V3Error, match=r"is missing, for a file stands"):
        V3.load(Path(__file__) / "m")


def test_strides_that_do_not_fit_the_fragments_of_a_model(tmp_path):
    folder = saved(tmp_path / "m")
    about = json.loads((folder / "model.json").read_text())
    about["info"]["fragment_shape"] = [1, 5, 5]
    (folder / "model.json").write_text(json.dumps(about))
    with pytest.raises(
        V3Error, match=r"model\.json contradicts itself .*`dvc checkout --force .*/m`"
    ):
        V3.load(folder)


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("style_channel", "noise", 1e300),
        ("info", "fragment_shape", [1, 40_000, 40_000]),  # fits into an integer, into no memory
        ("info", "scale", 1e-320),
        ("info", "scale", 1e300),
        ("info", "offset", 1e308),
        ("spec", "content_dim", 10**12),
        ("spec", "atoms", 10**13),
        ("info", "fragment_shape", [1, 4 * 10**12, 4 * 10**12]),
    ],
)
def test_sizes_beyond_measure_are_refused(tmp_path, section, key, value):
    folder = saved(tmp_path / "m")
    about = json.loads((folder / "model.json").read_text())
    about[section][key] = value
    (folder / "model.json").write_text(json.dumps(about))
    with pytest.raises(V3Error, match=r"model\.json"):
        V3.load(folder)


def test_names_in_a_grid_of_images(tmp_path):
    from v3.plots.grids import Block, image_grid

    cell = np.zeros((8, 8, 3), np.uint8)
    image_grid(
        tmp_path / "x.png", [Block([[cell]], ["$$"], ["$a$"])], "$$", "$$", (0, 0), ("a", "b")
    )


def test_pictures_heed_no_settings(tmp_path):
    import matplotlib

    from v3.plots.grids import Block, image_grid

    cell = np.zeros((8, 8, 3), np.uint8)

    def draw(name):
        image_grid(tmp_path / name, [Block([[cell]], ["a"], ["b"])], "t", "s", (0, 0), ("a", "b"))
        return (tmp_path / name).read_bytes()

    plain = draw("a.png")
    with matplotlib.rc_context(
        {"font.size": 20, "axes.facecolor": "red", "font.family": "monospace"}
    ):
        assert draw("b.png") == plain


@pytest.mark.parametrize("bands", [128])
def test_bands_that_hear_nothing(bands):
    from v3.corpora.librispeech.features import _mel_weights

    with pytest.raises(V3Error, match="bands must be lower"):
        _mel_weights(16000, 256, bands)


LOADERS = """
import sys
from v3.base.cli import run
from v3.training.batches import Batches

def main():
    path = sys.argv[1]
    for fragments, distinct in Batches(path, range(8), 4, 2000, 0, 0).from_step(0, 4, 2):
        print(fragments.shape)

if __name__ == "__main__":
    run(main)
"""


def test_loaders_need_no_shared_memory(tmp_path):
    from tests.namespaces import in_a_namespace

    path = written(tmp_path / "mine.h5")
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "load.py").write_text(LOADERS)
    mount = "mount -t tmpfs -o size=64k tmpfs /dev/shm || exit 77"
    done = in_a_namespace(f"{mount}; timeout 200 {sys.executable} -m stages.load {path}", tmp_path)
    assert done.returncode == 0, done.stderr
