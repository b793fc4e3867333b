"""The study of genuine corpora: where their files are looked for, by which recipe each is trained,
and all of it with DVC on tiny mirrors."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from genuine_mirror import draw_mirrors, write_writers
from project import ROOT, Project, tiny_project
from ruamel.yaml import YAML

from v3.base.errors import V3Error
from v3.base.params_file import load_section, read_params_file
from v3.corpora.genuine import CORPORA, find, material, read_seeds, recipe_of, require_files
from v3.corpora.mnist_writers.writers import write_fragments
from v3.fragments.labels import LabelledFragments, validate
from v3.model.spec import Specs, chosen_spec
from v3.training.params import TrainParams

RAW = read_params_file(ROOT / "params.yaml")


# --- where they are looked for ------------------------------------------------------------------


@pytest.fixture
def mirrors(tmp_path: Path) -> Path:
    """The layout of all mirrors, empty: corpora/ with one folder a corpus, mirror/ beside it."""
    for name in ("svhn", "librispeech", "timit"):
        (tmp_path / "corpora" / name / CORPORA[name].sign).mkdir(parents=True)
    (tmp_path / "corpora" / "mnist_writers.npz").touch()
    for name in ("sprites", "svhn", "librispeech"):
        (tmp_path / "mirror" / CORPORA[name].sign).mkdir(parents=True)
    return tmp_path.resolve()


@pytest.mark.parametrize(
    "named",
    [
        "corpora",
        "corpora/svhn",
        "corpora/librispeech",
        "corpora/timit",
        "corpora/mnist_writers.npz",
    ],
)
def test_each_mirror_leads_to_all(mirrors: Path, named: str) -> None:
    found = {name: find(name, str(mirrors / named)) for name in CORPORA}
    assert found == {
        "svhn": mirrors / "corpora" / "svhn",
        "librispeech": mirrors / "corpora" / "librispeech",
        "timit": mirrors / "corpora" / "timit",
        "mnist_writers": mirrors / "corpora",
        "sprites": mirrors / "mirror",
    }


def test_a_mirror_of_several_is_taken_as_it_is(mirrors: Path) -> None:
    """By host and path, as everywhere; but TIMIT only from a folder of that name."""
    named = mirrors / "mirror"
    for name in ("svhn", "librispeech", "sprites"):
        assert find(name, str(named)) == named
    with pytest.raises(V3Error, match=r"leads to no timit: huggingface.* is in none of .*/timit"):
        find("timit", str(named))


def test_one_is_never_taken_for_the_other(tmp_path: Path) -> None:
    (tmp_path / "timit" / CORPORA["timit"].sign).mkdir(parents=True)
    assert find("timit", str(tmp_path / "timit")) == (tmp_path / "timit").resolve()
    with pytest.raises(V3Error, match="leads to no librispeech"):
        find("librispeech", str(tmp_path / "timit"))


@pytest.mark.parametrize("unset", [None, "", "  "])
def test_without_a_mirror_one_sentence_says_so(unset: str | None) -> None:
    with pytest.raises(V3Error, match=r"^V3_MIRROR is not set.*corpus@svhn`.*ufldl.stanford.edu"):
        find("svhn", unset)


@pytest.mark.parametrize("wrong", ["no/such/folder", "https://example.org/mirror"])
def test_what_is_no_folder_is_refused(wrong: str) -> None:
    with pytest.raises(V3Error, match="no folder here: set it to the folder that holds"):
        find("sprites", wrong)


def test_a_file_that_lacks_is_not_downloaded(tmp_path: Path) -> None:
    with pytest.raises(V3Error, match=r"a\.org/b\.tar is missing in the mirror of svhn"):
        require_files("svhn", tmp_path, ["http://a.org/b.tar"])


# --- by which recipe ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", CORPORA)
def test_the_recipe_is_that_of_params_yaml(name: str, tmp_path: Path) -> None:
    """All of it: what differs is the source, a fact."""
    made = recipe_of(name, RAW)
    own = RAW[CORPORA[name].recipe]
    assert made[name] == ({**own, "source": "real"} if "source" in own else own)
    assert made["defaults"] == RAW["defaults"]
    path = tmp_path / "params.yaml"
    path.write_text(json.dumps(made), encoding="utf-8")
    ours = load_section(name, "train", TrainParams, path)
    assert ours == load_section(CORPORA[name].recipe, "train", TrainParams, ROOT / "params.yaml")


def test_of_writers_only_k_and_n_are_given() -> None:
    own = RAW["mnist_writers"]
    assert own["train"] == {"fragments_per_sample": 30}
    assert own["specs"] == {"laptop": {"atoms": 10}}
    file = ROOT / "params.yaml"
    spec = chosen_spec("laptop", load_section("mnist_writers", "specs", Specs, file), "")
    assert spec.atoms == 10


def test_material_is_what_makes_fragments() -> None:
    made = material(recipe_of("timit", RAW))
    assert made.keys() == {"timit"}
    assert made["timit"].keys() == {"source", "download", "standin", "phonemes"}
    assert material(recipe_of("mnist_writers", RAW)) == {"mnist_writers": {}}


# --- MNIST by writers ---------------------------------------------------------------------------


def test_a_writer_is_a_sample_and_a_style(tmp_path: Path) -> None:
    raw, path = tmp_path / "mnist_writers.npz", tmp_path / "fragments.h5"
    images = np.arange(14 * 28 * 28).reshape(14, 28, 28).astype(np.uint8)
    writer = np.array([7, 3, 7, 3, 7, 3, 7, 3, 7, 3, 7, 3, 5, 5], np.uint16)  # 5 is of the tests
    label = np.arange(14).astype(np.uint8) % 10
    np.savez(raw, images=images, label=label, writer=writer)
    write_fragments(raw, path)
    validate(path)
    with LabelledFragments(path) as file:
        assert file.shape == (1, 32, 32)
        assert list(file.sample_id) == ["train-3", "train-7", "test-5"]
        assert file.info.style_names == ("writer 3", "writer 5", "writer 7")
        assert file.style.tolist() == [0, 2, 1]
        assert file.group.tolist() == [0, 0, 1]
        assert file.info.group_names == ("train", "test")
        assert file.content.tolist() == [1, 3, 5, 7, 9, 1, 0, 2, 4, 6, 8, 0, 2, 3]
        found = file.read(np.arange(14))
    wanted = images[[1, 3, 5, 7, 9, 11, 0, 2, 4, 6, 8, 10, 12, 13]]
    assert (found[:, 0, 2:30, 2:30] == wanted).all()
    assert found.sum() == wanted.sum(dtype=float)  # the margin is ground


def test_another_file_is_refused(tmp_path: Path) -> None:
    raw, path = tmp_path / "mnist_writers.npz", tmp_path / "fragments.h5"
    with pytest.raises(V3Error, match="is missing"):
        write_fragments(raw, path)
    write_writers(raw)
    raw.write_bytes(raw.read_bytes()[:1000])
    with pytest.raises(V3Error, match="is no file of MNIST with writers"):
        write_fragments(raw, path)
    np.savez(raw, images=np.zeros((3, 40, 40), np.uint8), label=np.zeros(3), writer=np.zeros(3))
    with pytest.raises(V3Error, match="must hold images"):
        write_fragments(raw, path)
    np.savez(raw, images=np.zeros((3, 28, 28), np.uint8))
    with pytest.raises(V3Error, match="is no file of MNIST with writers"):
        write_fragments(raw, path)
    assert not path.exists()


# --- with DVC -----------------------------------------------------------------------------------

DRIVER, STAGES = "studies/genuine/dvc.yaml", "studies/genuine/corpora/dvc.yaml"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A clean clone at tiny sizes and one seed, with tiny mirrors of all corpora beside it."""
    folder = tmp_path_factory.mktemp("genuine")
    draw_mirrors(folder)
    made = tiny_project(folder / "v3", genuine=True)
    file = made.folder / "params.yaml"
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    params = yaml.load(file.read_text(encoding="utf-8"))
    params["studies"]["genuine"]["seeds"] = [3]
    params["mnist_writers"]["train"]["fragments_per_sample"] = 6
    layers = [f"8, {size}, {size}" for size in ("4x4", "2x2", "2x2")]
    params["mnist_writers"]["specs"]["laptop"] |= {"layers": layers, "content_dim": 16}
    yaml.dump(params, file)
    made.commit()
    return made


def test_with_dvc_and_no_mirror_one_sentence_says_so(study: Project) -> None:
    study.env.pop("V3_MIRROR", None)
    said = study.dvc("repro", f"{DRIVER}:corpus@svhn", fails=True)
    assert re.findall(r"(?m)^error: (.{20})", said) == ["V3_MIRROR is not set"], said
    assert "Traceback" not in said
    assert not list(study.folder.glob("studies/genuine/work/svhn/data/*/raw"))


@pytest.fixture(scope="module")
def ran(study: Project) -> Project:
    """All of one corpus, a fragment file of one's own; the mirror named is that of another."""
    study.env["V3_MIRROR"] = "../corpora/svhn"
    study.dvc("repro", f"{DRIVER}:corpus@mnist_writers")
    return study


def test_from_raw_files_to_figures_and_pictures(ran: Project) -> None:
    folder = ran.folder / "studies" / "genuine"
    found = json.loads((folder / "metrics" / "mnist_writers.json").read_text(encoding="utf-8"))
    assert found["source"] == "MNIST with the writers of QMNIST: 196 digits of 18 writers"
    assert found["atoms"] == found["labels"] == 10
    for name in ("purity", "zero_shot", "leakage", "baseline_purity", "bound_purity"):
        assert found[name] == {"3": found["median"][name]} == {"3": found["worst"][name]}
    assert {"raw", "components"} <= found["front_ends"].keys()
    assert 0.1 <= found["chance"]["purity"] < 0.5
    assert (folder / "plots" / "mnist_writers.png").is_file()
    pictures = {file.stem for file in (folder / "pictures" / "mnist_writers").iterdir()}
    assert {"swap", "reconstructions", "confusion", "samples", "training", "tsne"} <= pictures
    changed = ran.git("status", "--porcelain", "--untracked-files=all").splitlines()
    kept = {line[3:] for line in changed if "genuine/work" in line or "params.yaml" in line}
    assert kept == set()


def test_an_edit_of_the_recipe_makes_it_stale(ran: Project) -> None:
    """What reads it, and no more; nothing before."""
    target = f"{STAGES}:summary@mnist_writers"
    assert "Running stage" not in ran.dvc("repro", "--dry", target)
    file = ran.folder / "params.yaml"
    text = file.read_text(encoding="utf-8")
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    params = yaml.load(text)
    params["defaults"]["swap"]["swaps"] = 50
    yaml.dump(params, file)
    ran.dvc("repro", f"{STAGES}:recipe@mnist_writers")
    said = ran.dvc("repro", "--dry", target)
    stale = {name.rpartition(":")[2] for name in re.findall(r"Running stage '(.*?)'", said)}
    assert stale == {"score@mnist_writers-3"}  # the summary, once its figures change
    file.write_text(text, encoding="utf-8")


SOURCES = {
    "svhn": "SVHN format 1: train, test, extra; not as published",
    "librispeech": "LibriSpeech (gilkeyio/librispeech-alignments): train_clean_100",
    "timit": "TIMIT, in the layout of LibriSpeech (gilkeyio/librispeech-alignments)",
    "sprites": "Sprites: ",
}


def test_every_corpus_comes_from_its_mirror(study: Project) -> None:
    """Shown to DVC, any stage can be run alone."""
    study.env["V3_MIRROR"] = "../corpora/svhn"
    study.run("python", "scripts/studies.py", "genuine")
    study.dvc("repro", *(f"{STAGES}:fragments@{name}" for name in SOURCES))
    for name, source in SOURCES.items():
        data = study.folder / "studies" / "genuine" / "work" / name / "data" / name
        with LabelledFragments(data / "fragments.h5") as file:
            assert file.info.dataset == name
            assert file.info.source.startswith(source)


def test_slow_corpora_have_their_own_seeds_and_some() -> None:
    study = {"seeds": "3, 4", "slow_datasets": ["librispeech"], "slow_seeds": [7]}
    raw = {"studies": {"genuine": study | {"datasets": ["svhn"]}}}
    assert read_seeds(raw, "svhn") == (3, 4)
    assert read_seeds(raw, "librispeech") == read_seeds(raw, "timit") == (7,)  # by one recipe
    raw["studies"]["genuine"]["slow_seeds"] = []
    with pytest.raises(V3Error, match=r"studies\.genuine\.slow_seeds in params\.yaml is empty"):
        read_seeds(raw, "timit")
    assert read_seeds(raw, "svhn") == (3, 4)
