"""The command `v3`: own data without a line of code, and models that are shared.

What takes long to load, or is needed by one command alone, is imported by that command.
"""

from __future__ import annotations

from v3.base.cli import run

# isort: split
from pathlib import Path
from typing import Annotated, Any

import typer

from v3.base.errors import V3Error
from v3.sharing.command import push

PLAIN = "pip install 'v3[pipeline]'"
app = typer.Typer(
    name="v3",
    help="Content and style without labels. From a folder of yours to codes, figures and pictures.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
WHICH = "The data: one of these three"
PICTURES = "Of pictures and sounds"
SOUND = "Of sounds"

Name = Annotated[
    str, typer.Argument(help="What the dataset is to be called: letters, digits, _ and -.")
]


app.command()(push)


@app.callback()
def _commands() -> None:
    """Content and style without labels. From a folder of yours to codes, figures and pictures."""


@app.command()
def new(
    name: Name,
    images: Annotated[
        Path | None, typer.Option(help="Folder of pictures.", rich_help_panel=WHICH)
    ] = None,
    audio: Annotated[
        Path | None, typer.Option(help="Folder of recordings.", rich_help_panel=WHICH)
    ] = None,
    fragments: Annotated[
        Path | None, typer.Option(help="Fragment file (docs/new_corpus.md).", rich_help_panel=WHICH)
    ] = None,
    codes: Annotated[
        int | None,
        typer.Option(help="K: as many codes as there are contents, or up to twice that."),
    ] = None,
    pattern: Annotated[
        str, typer.Option(help="How files are called: '{sample}_{content}_{style}.png'.")
    ] = "",
    table: Annotated[
        Path | None, typer.Option(help="CSV file that lists them: path, sample, content, style.")
    ] = None,
    per_sample: Annotated[
        int, typer.Option(help="Samples of so many files of one style, where names tell no sample.")
    ] = 0,
    cells: Annotated[
        str, typer.Option(help="Wide pictures are samples: how many cells each has, or `auto`.")
    ] = "",
    size: Annotated[
        str, typer.Option(help="Height x width that pictures are resized to, as 32x48.")
    ] = "",
    paper: Annotated[
        str, typer.Option(help="What shows where pictures are transparent.")
    ] = "white",
    cut: Annotated[
        str,
        typer.Option(
            help="What a fragment is: file, length, onsets, table (a CSV beside each recording: "
            "start, end, label) or textgrid.",
            rich_help_panel=SOUND,
        ),
    ] = "",
    seconds: Annotated[
        float | None, typer.Option(help="Length of a fragment.", rich_help_panel=SOUND)
    ] = None,
    tier: Annotated[
        str, typer.Option(help="Of TextGrids with several.", rich_help_panel=SOUND)
    ] = "",
    rate: Annotated[
        int | None, typer.Option(help="Hz that recordings are brought to.", rich_help_panel=SOUND)
    ] = None,
    spectrum: Annotated[
        str, typer.Option(help="mel, or stft, which tells notes apart.", rich_help_panel=SOUND)
    ] = "mel",
    unseen: Annotated[
        str, typer.Option(help="Styles to keep out of training and measure on, as red,blue.")
    ] = "",
    pass_over: Annotated[
        bool, typer.Option("--pass-over", help="Go on without files that cannot be used.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print, and write nothing.")] = False,
    listed: Annotated[
        bool, typer.Option("--list", help="Also add the name to `datasets`, for plain `dvc repro`.")
    ] = False,
) -> None:
    """Make a dataset of your own: look at the data and append a section to params.yaml.

    A subfolder is a sample, and what is in it are its fragments: within a sample the content varies
    and the style stays. Names may tell instead (--pattern), or a list (--table), or a picture is a
    row of cells (--cells). Labels are for measuring alone and may be missing.

    Nothing before the section changes. The command to run next is printed at the end.

    \b
    v3 new letters --images ../letters --codes 26
    v3 new pages --images ../scans --cells 10
    v3 new notes --audio ../recordings --pattern '{content}_{style}_{take}.wav'
    v3 new tiles --fragments tiles.h5
    """
    with _packages():
        from v3.command import folders, sounds
        from v3.command.new import Choices, finish, open_project

        ways = {"--images": images, "--audio": audio, "--fragments": fragments}
        given = [option for option, path in ways.items() if path is not None]
        if len(given) != 1:
            raise V3Error(
                "say what the data is: one of --images FOLDER, --audio FOLDER, --fragments FILE.h5"
                + (f", not {' and '.join(given)}: two datasets take two names." if given else ".")
            )
        root, raw, workers = open_project(name)
        if images is not None:
            values: dict[str, Any] = {
                "pattern": pattern,
                "table": str(table) if table else "",
                "per_sample": per_sample,
                "cells": _cells(cells),
                "size": _size(size),
                "paper": "" if paper == "white" else paper,
                "pass_over": pass_over,
            }
            found = folders.images(root, raw, name, images, values, workers)
        elif fragments is not None:
            found = folders.fragments(root, name, fragments)
        else:
            assert audio is not None, "one of the three"
            values = {
                "pattern": pattern,
                "table": str(table) if table else "",
                "per_sample": per_sample,
                "cut": cut,
                "seconds": seconds,
                "tier": tier,
                "rate": rate,
                "spectrum": spectrum,
                "pass_over": pass_over,
            }
            found = sounds.audio(root, raw, name, audio, values, workers)
        styles = [style.strip() for style in unseen.split(",") if style.strip()]
        finish(root, raw, Choices(name, codes, styles, dry_run, listed), found)


@app.command()
def check(
    name: Annotated[str, typer.Argument(help="A dataset, or the path of a fragment file.")],
) -> None:
    """Say what is wrong with a fragment file, by dataset and row, or what is in it.

    \b
    v3 check letters
    v3 check ../tiles.h5
    """
    from v3.own.check import faults, notes

    path = Path(name)
    if not path.suffix:
        path = Path("data") / name / "fragments.h5"
        if not path.parent.is_dir():
            raise V3Error(
                f"{path} is not there, so {name} is no dataset of this project, or not imported "
                "yet: `v3 new` and the command it names make it; or give the path of a file."
            )
    found = faults(path)
    for line in found or notes(path):
        print(f"{path}: {line}")
    if found:
        raise V3Error(
            f"{path} has {len(found)} faults, listed above: mend what wrote it and run the same "
            "command again."
        )


def _cells(text: str) -> int | None:
    if text == "auto":
        return 0
    if text and not (text.isdecimal() and int(text) > 0):
        raise V3Error(f"--cells must be a number or auto, is {text!r}.")
    return int(text) if text else None


def _size(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    sides = text.lower().split("x")
    if len(sides) == 1:
        sides *= 2
    if len(sides) != 2 or not all(side.isdecimal() and int(side) > 0 for side in sides):
        raise V3Error(f"--size must be height x width, as 32x48, is {text!r}.")
    return int(sides[0]), int(sides[1])


class _packages:
    """`V3Error` where a package is missing that plain V3 does not bring."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("v3"):
            raise V3Error(
                f"this needs the package {error.name}, which plain V3 does not bring: {PLAIN} does."
            ) from None


def main() -> None:
    """Start the command; what a user can mend ends as one sentence and exit code 1."""
    run(app)


if __name__ == "__main__":
    main()
