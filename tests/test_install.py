"""What a fresh machine installs: complete, pinned once, and what the code really imports."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
import zipfile
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from v3.base.closure import closure

ROOT = Path(__file__).parent.parent
SHELL = [*sorted((ROOT / "scripts").glob("*.sh")), ROOT / ".ci" / "run"]
OWN = {"v3", "benchmarks", "scripts", "stages", "studies", "tests"} | {
    file.stem for folder in ("scripts", "tests") for file in (ROOT / folder).glob("*.py")
}


def requirements(name: str) -> list[Requirement]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return [Requirement(text) for line in lines if (text := re.sub(r"(^|\s)#.*", "", line).strip())]


DIRECT = {canonicalize_name(found.name): found for found in requirements("requirements.in")}
LOCK = {canonicalize_name(found.name): found for found in requirements("requirements.txt")}


def third_party_imports(files: Iterable[Path]) -> dict[str, str]:
    """Top-level modules of other projects that the files import, each with a file that does."""
    found = {}
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            else:
                continue
            found |= {name.split(".")[0]: str(file.relative_to(ROOT)) for name in names}
    return {n: f for n, f in found.items() if n not in sys.stdlib_module_names and n not in OWN}


def code(*folders: str) -> list[Path]:
    """Every Python file below some folders of the project; a file may be named itself."""
    return sorted(
        file
        for name in folders
        for file in ([ROOT / name] if name.endswith(".py") else (ROOT / name).rglob("*.py"))
    )


def test_every_import_is_asked_for() -> None:
    owners = metadata.packages_distributions()
    for module, file in third_party_imports(
        code("v3", "benchmarks", "stages", "scripts", "tests")
    ).items():
        packages = {canonicalize_name(name) for name in owners.get(module, [module])}
        assert packages & DIRECT.keys(), f"{file} imports {module}: not in requirements.in"


def test_every_requirement_has_a_reason_and_is_pinned() -> None:
    for line in (ROOT / "requirements.in").read_text(encoding="utf-8").splitlines():
        assert re.match(r"#|$|[\w.=-]+ +# \w", line), f"requirements.in: no reason in {line!r}"
    assert DIRECT.keys() <= LOCK.keys()
    assert len(requirements("requirements.txt")) == len(LOCK), "a package is pinned twice"
    for pinned in LOCK.values():
        # No local version (+cpu): no public registry has one.
        assert re.fullmatch(r"==[\w.]+", str(pinned.specifier)), f"{pinned} is not one version"
    assert str(LOCK["torch"].specifier) == str(DIRECT["torch"].specifier) == "==2.13.0"
    assert not {"torchvision", "torchaudio"} & LOCK.keys()


def test_clean_install() -> None:
    """This environment is what requirements.txt says, and that names all that its packages need."""
    for name, pinned in LOCK.items():
        if pinned.marker is not None and not pinned.marker.evaluate():
            continue
        installed = metadata.version(name)
        assert pinned.specifier.contains(installed, prereleases=True), (
            f"{pinned} is not what is installed ({installed}): run make environment"
        )
        if name == "torch":  # which packages of CUDA it brings depends on the build
            continue
        for text in metadata.requires(name) or []:
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                assert canonicalize_name(needed.name) in LOCK, f"{name} needs {needed}: not pinned"


# --- the package: what `pip install .` brings, and the extras -------------------------------------

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
# What nobody imports: dvc runs the stages.
RUNS = {"dvc"}
AREAS = {
    "": (
        "v3/base",
        "v3/fragments",
        "v3/model",
        "v3/splits.py",
        "v3/training",
        "v3/adaptation.py",
        "v3/api",
        "v3/sharing",
    ),
    "evaluation": ("v3/evaluation", "v3/plots"),
    "corpora": ("v3/corpora", "v3/standins", "v3/own", "v3/download"),
    "report": ("v3/report", "v3/sound"),
    "pipeline": ("stages", "v3/params.py", "v3/command"),
    "cluster": ("scripts/jobs.py", "scripts/study_runs.py"),
}


def declared(extra: str) -> set[str]:
    """Names of what the package asks for, or one of its extras and those that it takes in."""
    listed = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    found: set[str] = set()
    for needed in map(Requirement, listed):
        if needed.name == PROJECT["name"]:
            found |= {name for other in needed.extras for name in declared(other)}
        else:
            found.add(canonicalize_name(needed.name))
    return found


def test_every_module_is_of_the_package_or_of_an_extra() -> None:
    areas = [file for folders in AREAS.values() for file in code(*folders)]
    rest = set(code("v3", "stages")) - set(areas)
    assert {str(file.relative_to(ROOT)) for file in rest} <= {"v3/__init__.py"}


@pytest.mark.parametrize("extra", AREAS)
def test_the_package_asks_for_what_its_code_imports(extra: str) -> None:
    """No more, no less: by all that the area's modules import, directly or through others."""
    own = code(*AREAS[extra])
    files = {ROOT / file for one in own for file in closure(one.relative_to(ROOT))}
    owners = metadata.packages_distributions()
    imported = [  # by whichever distributions have the module: a namespace belongs to several
        {str(canonicalize_name(name)) for name in owners[module]}
        for module in third_party_imports(files)
    ]
    if not extra:  # the command `v3` comes with the package, what its commands need with an extra
        imported.append({"typer"})
    asked = declared(extra)
    assert not extra or asked & declared("") == set(), "in the package already"
    lacking = [names for names in imported if not names & (asked | declared(""))]
    assert lacking == [], "imported and not declared"
    assert asked - set().union(*imported) - RUNS == set(), "declared and never imported"


@cache
def with_all_it_needs(names: frozenset[str]) -> set[str]:
    """Distributions of these names and all that they need, as they are installed here."""
    todo, seen = set(names), set[str]()
    while todo:
        name = todo.pop()
        seen.add(name)
        try:
            listed = metadata.requires(name) or []
        except metadata.PackageNotFoundError:  # of another platform
            continue
        for needed in map(Requirement, listed):
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                todo |= {str(canonicalize_name(needed.name))} - seen
    return seen


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as `pip install .` unpacks it, without what it needs, outside the checkout."""
    folder = tmp_path_factory.mktemp("install")
    source, site = folder / "source", folder / "site"
    ignored = shutil.ignore_patterns("__pycache__")  # pip builds in the tree that it is given
    shutil.copytree(ROOT / "v3", source / "v3", ignore=ignored)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
    build = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    done = subprocess.run([*pip, *build, source], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(site)
    return site


def run_installed(site: Path, extra: str, program: str) -> str:
    """Run a program with the unpacked package, where only what it asks for can be imported."""
    allowed = with_all_it_needs(frozenset(declared("") | declared(extra)))
    refused = {
        module
        for module, owners in metadata.packages_distributions().items()
        if module != "v3" and not {canonicalize_name(owner) for owner in owners} & allowed
    }
    guard = f"""
        import sys
        sys.path.insert(0, {str(site)!r})

        class Refuse:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in {sorted(refused)!r}:
                    raise ModuleNotFoundError(f"{{name}} is not asked for", name=name)

        sys.meta_path.insert(0, Refuse())
    """
    text = textwrap.dedent(guard) + textwrap.dedent(program)
    command = [sys.executable, "-c", text]
    done = subprocess.run(command, cwd=site, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("extra", ["", "evaluation", "corpora"])
def test_an_installed_package_needs_no_more_than_it_asks_for(installed: Path, extra: str) -> None:
    names = [
        ".".join(file.relative_to(ROOT).with_suffix("").parts)
        for file in code(*AREAS[extra])
        if file.name != "__init__.py"
    ]
    program = f"""
        from importlib import import_module
        for name in {names!r}:
            import_module(name)
        import v3
        print(v3.__file__)
    """
    assert str(installed) in run_installed(installed, extra, program)


def test_the_command_comes_with_the_package(installed: Path) -> None:
    """Its help wants nothing else; a command that does says how to get it."""
    program = """
        from typer.testing import CliRunner
        from v3.command.app import app
        print(CliRunner().invoke(app, ["new", "--help"], terminal_width=200).output)
        print(CliRunner().invoke(app, ["new", "mine", "--images", "."]).exception)
    """
    said = run_installed(installed, "", program)
    assert "--images" in said
    assert "this needs the package" in said
    assert "pip install 'v3[pipeline]'" in said


def test_an_installed_package_has_its_assets(installed: Path) -> None:
    assets = ROOT / "v3" / "corpora" / "assets"
    for file in assets.iterdir():
        if file.is_file():
            twin = installed / file.relative_to(ROOT)
            assert twin.read_bytes() == file.read_bytes(), file.name
    assert (installed / "v3" / "py.typed").is_file()
    recipe = installed / "v3" / "params.yaml"  # a link in the checkout
    assert not recipe.is_symlink()
    assert recipe.read_bytes() == (ROOT / "params.yaml").read_bytes()


def test_v3_is_light_until_a_model_is_asked_for(installed: Path) -> None:
    """Neither PyTorch nor DVC nor anything else of others: a stage heeds Ctrl-C first."""
    program = """
        before = set(sys.modules)
        import v3
        new = {name.partition(".")[0] for name in set(sys.modules) - before}
        assert new == {"v3"}, new
        assert {"V3", "fit", "load"} <= set(dir(v3)) and set(v3.__all__) <= set(dir(v3))
        assert not hasattr(v3, "nothing")
        assert "torch" not in sys.modules
        from v3.model.v3 import V3
        assert v3.V3 is V3
        assert not {"dvc", "dvclive", "sklearn"} & set(sys.modules)
        try:
            v3.load("nowhere")
        except Exception as error:
            print(error)
    """
    said = run_installed(installed, "", program)
    assert "nowhere" in said
    assert "Traceback" not in said


# --- scripts and checkouts ------------------------------------------------------------------------


@pytest.mark.parametrize("script", SHELL, ids=lambda path: path.name)
def test_shell_scripts_parse_and_can_be_run(script: Path) -> None:
    subprocess.run(["bash", "-n", script], check=True)
    assert script.stat().st_mode & 0o111, f"{script} cannot be executed"
    assert "set -euo pipefail" in script.read_text(encoding="utf-8")


def test_a_checkout_has_the_same_bytes_whatever_git_is_set_to(tmp_path: Path) -> None:
    """With `core.autocrlf=true` scripts would not run, and every digest would be another."""
    git = ["git", "-C", str(ROOT), "-c", "core.autocrlf=true", "-c", "core.eol=crlf"]
    listed = subprocess.run([*git, "ls-files", "-s"], capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("no checkout of git's")
    subprocess.run([*git, "checkout-index", "--all", f"--prefix={tmp_path}/"], check=True)
    entries = [
        line.split(maxsplit=3)
        for line in listed.stdout.splitlines()
        if not line.startswith("120000")  # a link, of which git keeps where it leads
    ]
    names = "".join(f"{tmp_path / name}\n" for _, _, _, name in entries)
    hashed = subprocess.run(
        [*git, "hash-object", "--no-filters", "--stdin-paths"],
        input=names,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert [
        name for (_, blob, _, name), own in zip(entries, hashed, strict=True) if blob != own
    ] == []
