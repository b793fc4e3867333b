"""The page of `dvc plots show` and `dvc plots diff` in a real browser that has no network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from browser import Browser, find_browser
from PIL import Image
from project import ROOT, STUDIES, TINY, Project, shared_stages, tiny_project

BROWSER = find_browser()
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium or Chrome here; scripts/chromium.sh installs one on Debian"
)
# Neither the alphabet's order, by which DVC sorts pictures, nor that of params.yaml.
DATASETS = ["sprites", "phonenums", "svhn", "librispeech", "insnotes"]
# Width and height of pictures, if not 500 x 300: one is as tall as those of many contents are.
TALL = "swap.png"
SIZES = {TALL: (300, 1500)}
WINDOWS = [(1600, 1000, False), (390, 844, True)]


def plot_names() -> Iterator[str]:
    """Every picture and curve of dvc.yaml, with ${item} for the dataset."""
    for stage in shared_stages(ROOT).values():
        for entry in stage.get("plots", []):
            name = entry if isinstance(entry, str) else next(iter(entry))
            if Path(name).suffix:
                yield name
                continue
            script = ROOT / "stages" / f"{stage['cmd'].split()[2].removeprefix('stages.')}.py"
            pictures = re.findall(r'"(\w+\.png)"', script.read_text(encoding="utf-8"))
            assert pictures, f"{script} names no picture of {name}"
            yield from (f"{name}/{picture}" for picture in pictures)


def draw(folder: Path, dataset: str) -> None:
    """Every plot of a dataset, of no meaning."""
    for name in plot_names():
        file = folder / name.replace("${item}", dataset)
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".png":
            Image.new("RGB", SIZES.get(file.name, (500, 300)), "teal").save(file)
        else:
            rows = "".join(f"{step}\t{100 / step}\n" for step in range(10, 100, 10))
            file.write_text(f"step\t{file.stem}\n{rows}", encoding="utf-8")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """This checkout with plots of all datasets, committed, in another order than the alphabet's."""
    made = tiny_project(tmp_path_factory.mktemp("page") / "v3")
    params = made.folder / "params.yaml"
    values = yaml.safe_load(params.read_text(encoding="utf-8"))
    assert sorted(values["datasets"]) == sorted(DATASETS) == sorted(TINY)
    values["datasets"] = DATASETS
    params.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")
    for dataset in DATASETS:
        draw(made.folder, dataset)
    for study in STUDIES:
        summary = study.parent.relative_to(ROOT) / "plots" / "svhn.png"
        (made.folder / summary).parent.mkdir()
        Image.new("RGB", (500, 300), "teal").save(made.folder / summary)
    made.commit()
    return made


@pytest.fixture(scope="module")
def shown(project: Project) -> Path:
    assert "fail" not in project.dvc("plots", "show")
    return project.folder / "dvc_plots" / "index.html"


@pytest.fixture(scope="module")
def compared(project: Project) -> Path:
    """A curve is another than in the commit, a picture is gone; the page lies elsewhere."""
    curve = project.folder / "plots/svhn/curves/total_loss.tsv"
    curve.write_text("step\ttotal_loss\n10\t3.0\n20\t2.5\n", encoding="utf-8")
    (project.folder / "plots/svhn/tsne/tsne.png").unlink()
    folder = project.folder.parent / "compared here"
    project.dvc("plots", "diff", "HEAD", "-o", str(folder))
    project.git("checkout", "-q", "--", "plots")
    return folder / "index.html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert BROWSER is not None
    with Browser(BROWSER, tmp_path_factory.mktemp("browser")) as started:
        yield started


def test_the_browser_hears_what_goes_wrong(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        "<img src=missing.png><script src=https://example.org/x.js></script>"
        "<script>console.error('said'); nowhere()</script>",
        encoding="utf-8",
    )
    browser.open(page.as_uri())
    heard = "\n".join(browser.heard())
    for part in ("ERR_FILE_NOT_FOUND", "asks the network", "ERR_NAME_NOT_RESOLVED", "said"):
        assert part in heard
    assert "nowhere is not defined" in heard


@pytest.mark.parametrize(("width", "height", "dark"), WINDOWS)
@pytest.mark.parametrize("page", ["shown", "compared"])
def test_opens_from_disk_without_a_network_an_error_or_an_empty_frame(
    browser: Browser,
    page: str,
    width: int,
    height: int,
    dark: bool,
    request: pytest.FixtureRequest,
) -> None:
    browser.resize(width, height, dark=dark)
    browser.open(request.getfixturevalue(page).as_uri())
    assert browser.heard() == []
    assert browser.run("[...document.images].filter(i => !i.naturalWidth || !i.alt).length") == 0
    assert browser.run("document.images.length") >= 10 * len(DATASETS)
    empty = browser.run(
        "[...document.querySelectorAll('article')].filter(article => {"
        "  const drawn = [...article.querySelectorAll('img, svg')];"
        "  return !drawn.length || drawn.some(item => item.getBoundingClientRect().height < 50);"
        "}).map(article => article.id)"
    )
    assert empty == []
    lines = "[...document.querySelectorAll('polyline')].filter(line => line.getBBox().height > 50)"
    assert browser.run(f"{lines}.length") >= 2 * len(DATASETS)
    assert browser.run("document.documentElement.scrollWidth") <= width, "wider than the window"
    paper = browser.run("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") != dark


def test_contents_list_every_plot_in_the_order_of_datasets(browser: Browser, shown: Path) -> None:
    browser.open(shown.as_uri())
    assert browser.run("[...document.querySelectorAll('main h2')].map(h => h.firstChild.data)") == (
        DATASETS
    )
    listed = browser.run("[...document.querySelectorAll('.contents strong a')].map(a => a.hash)")
    assert listed == [f"#{dataset}" for dataset in DATASETS]
    broken = "[...document.querySelectorAll('a')].filter(a => !document.querySelector(a.hash))"
    assert browser.run(f"{broken}.length") == 0
    articles = browser.run("[...document.querySelectorAll('article')].map(a => '#' + a.id)")
    links = browser.run("[...document.querySelectorAll('.contents li a')].map(a => a.hash)")
    assert links == articles
    expected = {
        "#" + re.sub(r"\W+", "-", str(Path(name).with_suffix("")).replace("${item}", dataset))
        for name in (name.removeprefix("plots/") for name in plot_names())
        for dataset in DATASETS
    }
    # the study of genuine corpora is out of sight in the tiny project
    studies = [study.parent.name for study in STUDIES if study.parent.name != "genuine"]
    expected |= {f"#svhn-{study}-summary" for study in studies}
    assert {*links} == expected
    # Every one has a title and says how it is to be read.
    assert browser.run(
        "[...document.querySelectorAll('article h3 + p')].every(p => p.textContent.length > 10)"
    )
    # A link leads to what it names.
    browser.resize(1600, 1000)
    browser.run("document.querySelector('.contents a[href=\"#svhn-swap-swap\"]').click()")
    top = browser.run("document.querySelector('#svhn-swap-swap').getBoundingClientRect().top")
    assert abs(top) < 100


def test_tall_pictures_are_shrunk_until_clicked(browser: Browser, shown: Path) -> None:
    browser.resize(1600, 1000)
    browser.open(shown.as_uri())
    button = "document.querySelector('#insnotes-swap-swap .zoom')"
    height = f"{button}.querySelector('img').clientHeight"
    shrunk = browser.run(height)
    assert shrunk < 1000 / 2
    browser.run(f"{button}.click()")
    assert browser.run(height) == SIZES[TALL][1]
    assert browser.run(f"{button}.ariaExpanded") == "true"
    browser.run(f"{button}.focus()")
    browser.press_enter()
    assert browser.run(height) == shrunk
    # A picture that is shown in full has nothing to enlarge, but on a telephone.
    small = "document.querySelector('#insnotes-tsne-tsne .zoom')"
    frame = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    browser.run(frame)
    assert browser.run(f"{small}.disabled")
    browser.resize(390, 844)
    browser.run(frame)
    assert not browser.run(f"{small}.disabled")
    assert browser.heard() == []


def test_versions_are_compared(browser: Browser, compared: Path) -> None:
    browser.resize(1600, 1000)
    browser.open(compared.as_uri())
    assert "workspace, HEAD" in browser.run("document.querySelector('header').innerText")
    alts = "[...document.querySelectorAll('#svhn-{} img')].map(image => image.alt)"
    assert browser.run(alts.format("few_shot-few_shot")) == [
        "Unseen styles: svhn, workspace",
        "Unseen styles: svhn, HEAD",
    ]
    # Side by side, and only what there is.
    assert (
        browser.run(
            "new Set([...document.querySelectorAll('#svhn-few_shot-few_shot img')]"
            ".map(image => image.getBoundingClientRect().top)).size"
        )
        == 1
    )
    assert browser.run(alts.format("tsne-tsne")) == ["Maps of the embeddings: svhn, HEAD"]
    legend = browser.run("document.querySelector('#svhn-curves-total_loss').innerText")
    assert "workspace: 2.5 at step 20" in legend
    assert "HEAD: 1.111 at step 90" in legend
    assert browser.run("document.querySelectorAll('#svhn-curves-total_loss polyline').length") == 2


def test_charts_of_other_kinds_ask_before_they_need_the_network(
    browser: Browser, project: Project, tmp_path: Path
) -> None:
    curve = "plots/svhn/curves/total_loss.tsv"
    project.dvc("plots", "show", "-t", "scatter", curve, "-o", str(tmp_path / "page"))
    browser.open((tmp_path / "page" / "index.html").as_uri())
    assert browser.heard() == []
    assert "from the network" in browser.run("document.querySelector('article').innerText")
    browser.run("document.querySelector('article button').click()")
    browser.run(
        "new Promise(done => { const look = () => document.querySelector('article').innerText"
        ".includes('could not be loaded') ? done() : setTimeout(look, 20); look(); })"
    )


def test_a_curve_without_a_number_says_so(
    browser: Browser, project: Project, tmp_path: Path
) -> None:
    curve = "plots/svhn/curves/validation_error.tsv"
    (project.folder / curve).write_text("step\tvalidation_error\n10\tnan\n", encoding="utf-8")
    project.dvc("plots", "show", curve, "-o", str(tmp_path / "page"))
    project.git("checkout", "-q", "--", "plots")
    browser.open((tmp_path / "page" / "index.html").as_uri())
    assert browser.heard() == []
    assert "No numbers" in browser.run("document.querySelector('article').innerText")


def test_what_is_not_there_yet_is_no_frame(
    browser: Browser, project: Project, tmp_path: Path
) -> None:
    for name in ("studies/seeds/plots", "plots/svhn"):
        (project.folder / name).rename(tmp_path / name.replace("/", "_"))
    project.dvc("plots", "show", "-o", str(tmp_path / "page"))
    project.git("checkout", "-q", "--", "plots", "studies")
    browser.open((tmp_path / "page" / "index.html").as_uri())
    assert browser.heard() == []
    shown = browser.run("[...document.querySelectorAll('main section')].map(s => s.id)")
    assert shown == [*(name for name in DATASETS if name != "svhn"), "svhn"]
    titles = browser.run("[...document.querySelectorAll('#svhn h3')].map(h => h.textContent)")
    assert {*titles} == {"Several K", "How many codes?", "Seeds, as published"}


def test_a_picture_of_ones_own_has_a_place(
    browser: Browser, project: Project, tmp_path: Path
) -> None:
    Image.new("RGB", (500, 300), "teal").save(project.folder / "my_own.png")
    project.dvc("plots", "show", "my_own.png", "-o", str(tmp_path / "page"))
    (project.folder / "my_own.png").unlink()
    browser.open((tmp_path / "page" / "index.html").as_uri())
    assert browser.heard() == []
    assert browser.run("document.querySelector('#other h3').textContent") == "my own.png"
    assert browser.run("document.images[0].naturalWidth") == 500
