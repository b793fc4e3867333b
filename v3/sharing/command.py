"""The command `v3 push`. What takes long to load is loaded when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def push(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="The model's, as models/digits.")
    ],
    repo: Annotated[
        str, typer.Argument(metavar="USER/NAME", help="Where to: your user name there, and a name.")
    ],
    private: Annotated[
        bool, typer.Option("--private", help="Only you, or your organisation, may see it.")
    ] = False,
    licence: Annotated[
        str | None,
        typer.Option("--licence", help="Of the data, as the Hub calls it: mit, cc-by-4.0, ..."),
    ] = None,
    terms: Annotated[
        str | None, typer.Option("--terms", help="What the data may be used for, in words.")
    ] = None,
    message: Annotated[str, typer.Option("--message", help="Of the commit.")] = "V3 model",
) -> None:
    """Put a trained model on the Hugging Face Hub, where v3.load("USER/NAME") opens it.

    With weights and network goes a card: what the data is and under which terms, the figures beside
    chance and k-means, the swap grid, how to load it. All is one commit, there whole or not at all.
    It wants a token that may write: `hf auth login`, or HF_TOKEN.

    \b
    v3 push models/digits ann/digits
    v3 push models/letters ann/letters --private --terms "scans of my own"
    """
    from v3.sharing.push import push as upload

    where = upload(folder, repo, private=private, licence=licence, terms=terms, message=message)
    typer.echo(f"{where}\nTo use it: import v3; model = v3.load({repo!r})")
