"""`v3 new`: what it says, what it writes, and what it refuses with a mend."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from dvc.utils.serialize import modify_yaml
from own_data import ROOT, pages, picture, project, v3
from project import SHARED

from v3.base.closure import closure
from v3.params import load_params


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a project, beside which own data lies in ../pages."""
    made = project(tmp_path)
    pages(tmp_path / "pages")
    monkeypatch.chdir(made)
    return made


def files(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_a_folder_of_pictures(home: Path) -> None:
    """Found, said, appended; every byte before stays, in the form that DVC itself writes."""
    before = (home / "params.yaml").read_bytes()
    said = v3("new", "mine", "--images", "../pages", "--pattern", "{content}_{style}.png")
    assert "6 samples of 4 fragments, 24 in all" in said
    assert "all 20 x 20 (height x width), resized to 32 x 32" in said
    assert "contents: 4 (a, b, c, d); styles: 2 (blue, red)" in said
    assert said.rstrip().endswith("dvc repro corpora/mine/dvc.yaml")
    after = (home / "params.yaml").read_bytes()
    assert after.startswith(before)
    with modify_yaml("params.yaml"):
        pass
    assert (home / "params.yaml").read_bytes() == after
    found = load_params(home / "params.yaml")
    assert "mine" not in found.datasets
    section = found.sections["mine"]
    assert (section["images"].folder, section["images"].size) == ("../pages", (32, 32))
    assert section["specs"]["laptop"].atoms == 4
    assert section["specs"]["laptop"].colours == 5
    train = section["train"]
    assert (train.fragments_per_sample, train.batch_samples, train.relativity) == (4, 2, 2.0)
    # they need not lie in the middle
    assert (train.steps, train.in_place, train.view.shift) == (2600, 0.2, 0.1)
    assert train.view.zoom == found.sections["phonenums"]["train"].view.zoom  # all else: the recipe


def test_the_pipeline_is_the_main_one_for_this_dataset(home: Path) -> None:
    """And its import depends on what its script imports, and on the folder."""
    v3("new", "mine", "--images", "../pages")
    stages = yaml.safe_load(Path("corpora/mine/dvc.yaml").read_text(encoding="utf-8"))["stages"]
    main = [yaml.safe_load((home / place).read_text(encoding="utf-8")) for place in SHARED]
    every = {name: stage for file in main for name, stage in file["stages"].items()}
    shared = {name for name, stage in every.items() if stage.get("foreach") == "${datasets}"}
    assert {"train", "swap", "report"} <= shared
    assert set(stages) == shared | {"own_import"}
    assert all(stage["wdir"] == "../.." for stage in stages.values())
    assert stages["train"]["cmd"] == "python -m stages.train mine"
    assert "${item}" not in str(stages)
    brought = stages["own_import"]
    assert brought["outs"] == ["data/mine/fragments.h5"]
    assert brought["deps"][:2] == ["../pages", "data/params.ok"]
    assert brought["params"] == ["mine.images"]
    named = {Path(dep) for dep in brought["deps"] if dep.startswith(("v3/", "stages/"))}
    needed = closure("stages/own_import.py")
    assert {file for file in needed if not named & {file, *file.parents}} == set()
    assert all(any(dep in (file, *file.parents) for file in needed) for dep in named)


@pytest.mark.usefixtures("home")
def test_what_its_page_loads_is_made_before_it() -> None:
    """Style and scripts lie beside the page of all datasets, which this pipeline does not write."""
    v3("new", "mine", "--images", "../pages")
    stages = yaml.safe_load(Path("corpora/mine/dvc.yaml").read_text(encoding="utf-8"))["stages"]
    folder = ROOT / "v3" / "report" / "templates"
    pages = [(folder / name).read_text("utf-8") for name in ("base.html.j2", "report.html.j2")]
    loaded = {
        f"plots/{file}" for file in re.findall(r"{{ root }}([\w.]+\.(?:css|js))", "".join(pages))
    }
    assert len(loaded) == 3
    assert loaded <= set(stages["report"]["deps"])


def test_a_dry_run_writes_nothing(home: Path) -> None:
    before = files(home)
    said = v3("new", "mine", "--images", "../pages", "--dry-run")
    assert "Nothing was written" in said
    assert "folder: ../pages" in said
    assert files(home) == before


def test_listed_for_plain_repro(home: Path) -> None:
    """One line more in `datasets`, and the pipeline is the import alone."""
    before = (home / "params.yaml").read_text(encoding="utf-8").splitlines()
    said = v3("new", "mine", "--images", "../pages", "--list")
    assert "\nNext:  dvc repro\n" in said
    after = (home / "params.yaml").read_text(encoding="utf-8").splitlines()
    assert load_params(home / "params.yaml").datasets[-1] == "mine"
    assert [line for line in after if line != "- mine"][: len(before)] == before
    stages = yaml.safe_load(Path("corpora/mine/dvc.yaml").read_text(encoding="utf-8"))["stages"]
    assert list(stages) == ["own_import"]


def test_from_a_folder_below_and_a_path_of_its_own(home: Path, monkeypatch) -> None:
    monkeypatch.chdir(home / "corpora")
    v3("new", "mine", "--images", (home.parent / "pages").resolve())
    found = load_params(home / "params.yaml").sections["mine"]["images"]
    assert found.folder == str((home.parent / "pages").resolve())
    assert (home / "corpora" / "mine" / "dvc.yaml").is_file()


NAMES = ["", "7up", "my data", "a/b", "a.b", "yes", "null", "NaN", "default", "con", "datasets"]
NAMES += ["studies", "defaults", "phonenums", "SVHN", "ähre", "a" * 80, "${a}", "a@b", "-a"]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_cannot_be(home: Path, name: str) -> None:
    """One sentence, nothing written."""
    before = files(home)
    said = v3("new", "--images", "../pages", "--", name)
    assert re.fullmatch(r"error: .*(name|dataset).*", said, re.DOTALL), said
    assert files(home) == before


@pytest.mark.usefixtures("home")
def test_a_name_that_is_taken() -> None:
    v3("new", "mine", "--images", "../pages")
    assert "there is a dataset 'mine' already" in v3("new", "mine", "--images", "../pages")
    assert "there is a dataset 'mine' already" in v3("new", "Mine", "--images", "../pages")
    assert v3("new", "svhn", "--images", "../pages").endswith("already: take another name.")


def one_sample(folder: Path) -> None:
    pages(folder, samples=1)


def one_fragment_each(folder: Path) -> None:
    pages(folder, fragments=1)


def loose(folder: Path) -> None:
    for k in range(5):
        picture(folder / f"x{k}.png")


def words(folder: Path) -> None:
    folder.mkdir()
    (folder / "notes.txt").write_text("nothing to see", encoding="utf-8")


def broken(folder: Path) -> None:
    pages(folder)
    file = folder / "page1" / "a_red.png"
    file.write_bytes(file.read_bytes()[:60])


WRONG = [
    (lambda folder: folder.mkdir(), [], "has no pictures .*it is empty: give the folder"),
    (words, [], "has no pictures .*it holds notes.txt: give the folder"),
    (one_sample, [], "1 sample .* 3 are the least"),
    (one_fragment_each, [], "every sample is one fragment .*--per-sample 10"),
    (loose, [], "holds 5 files and no subfolders.*--pattern .*x0.png"),
    (pages, ["--pattern", "{sample}-{content}.png"], "fits none of 24 files, .*page1/a_red.png"),
    (pages, ["--pattern", "{content}_red.png"], "does not fit 12 of 24 files.*--pass-over"),
    (pages, ["--pattern", "nothing"], "has none of the fields"),
    (pages, ["--pattern", "{content}{style}.png"], "need something between them"),
    (pages, ["--codes", "90"], "--codes 90 is more than the .* fragments that train"),
    (pages, ["--codes", "1"], "--codes must be 2 or more"),
    (pages, ["--size", "30x32"], "--size 30x32 does not fit .*--size 32x32 does"),
    (pages, ["--size", "big"], "--size must be height x width"),
    (pages, ["--cells", "some"], "--cells must be a number or auto"),
    (pages, ["--unseen", "red"], "no style is known"),
    (pages, ["--pattern", "{content}_{style}.png", "--unseen", "red"], "has 3 samples.*few-shot"),
    (pages, ["--pattern", "{content}_{style}.png", "--unseen", "grey"], "grey.* no style"),
    (broken, [], "1 of 24 files cannot be used: page1/a_red.png .*--pass-over"),
    (pages, ["--table", "list.csv"], "does not exist|is missing"),
    (pages, ["--audio", "."], "say what the data is: one of"),
]


@pytest.mark.parametrize(("make", "options", "said"), WRONG)
def test_wrong_turns(home: Path, make, options: list[str], said: str) -> None:
    """Each ends in one sentence that tells the mend, with nothing written."""
    make(home.parent / "data")
    before = files(home)
    told = v3("new", "mine", "--images", "../data", "--codes", "3", *options)
    assert told.startswith("error: ")
    assert "\n" not in told.strip()
    assert re.search(said, told), told
    assert files(home) == before


@pytest.mark.usefixtures("home")
def test_no_such_folder_and_the_project_itself() -> None:
    assert "does not exist" in v3("new", "mine", "--images", "../nowhere")
    assert "holds this project itself" in v3("new", "mine", "--images", "..")
    assert "say what the data is" in v3("new", "mine")
    assert "not --images and --audio" in v3("new", "mine", "--images", "..", "--audio", "..")
    assert "give the folder" in v3("new", "mine", "--images", "../pages/page1/a_red.png")
    assert "is a folder" in v3("new", "mine", "--fragments", "../pages")
    assert "mine is no dataset" in v3("check", "mine")


def test_outside_of_a_project(tmp_path: Path, monkeypatch) -> None:
    pages(tmp_path / "pages")
    monkeypatch.chdir(tmp_path)
    assert "in no project of V3" in v3("new", "mine", "--images", "pages")


def test_passed_over_if_asked(home: Path) -> None:
    broken(home.parent / "data")
    said = v3("new", "mine", "--images", "../data", "--codes", "4", "--pass-over")
    assert "left out: 1 files that cannot be used: page1/a_red.png" in said
    assert load_params(home / "params.yaml").sections["mine"]["images"].pass_over


def test_what_the_page_says_can_be_typed() -> None:
    """Every option and every column of docs/own_data.md is one of the command's."""
    page = (ROOT / "docs" / "own_data.md").read_text(encoding="utf-8")
    known = v3("new", "--help")
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", page))
    assert {option for option in named if option not in known} == set()
    assert all(cut in known for cut in ("file", "length", "onsets", "table", "textgrid"))
