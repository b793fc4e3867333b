"""Models of the Hugging Face Hub: access, what a refusal means, and opening one by its id.

The Hub's address (`HF_ENDPOINT`), cache (`HF_HOME`), token (`HF_TOKEN`, or the file that `hf auth
login` writes) and offline mode (`HF_HUB_OFFLINE=1`) are those of huggingface_hub.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2  # what huggingface_hub speaks HTTP with, and whose errors it lets through
from huggingface_hub import constants, snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RevisionNotFoundError,
)

from v3.base.disk import disk_full
from v3.base.errors import V3Error
from v3.model.stored import ABOUT, WEIGHTS, mend
from v3.model.v3 import V3

TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")  # variables, by rank
PARTS = 2  # of an id: user (or organisation) and name


def address(repo: str) -> str:
    """Where people see a model."""
    return f"{constants.ENDPOINT}/{repo}"


def open_model(repo: str, revision: str | None = None) -> V3:
    """A model of the Hub, downloaded into the Hub's cache unless it is there; on the CPU.

    `V3Error` says what is wrong with id, revision, token, network or files.
    """
    check_id(repo)
    with explained(repo, "read", revision):
        folder = Path(snapshot_download(repo, revision=revision, allow_patterns=[ABOUT, WEIGHTS]))
    if not (folder / ABOUT).is_file():
        raise V3Error(f"{address(repo)} has no {ABOUT}, so it is no model of V3: mend the id.")
    try:
        return V3.load(folder)
    except V3Error as error:
        said = str(error).replace(
            mend(folder), f"delete {folder.parents[1]} and load it again, or ask who shared it"
        )
        raise V3Error(said) from None


def check_id(repo: str) -> None:
    """`V3Error` if a text is not `user/name` as the Hub has it."""
    parts = repo.split("/")
    if len(parts) != PARTS or not all(parts):
        raise V3Error(
            f"{repo!r} is no id of the Hub: give USER/NAME, your user name (or an organisation) "
            "there and a name for the model."
        )


def token_place() -> str | None:
    """Where huggingface_hub has its token from; None if it has none.

    `V3Error` for one that no request can carry.
    """
    for name in TOKENS:
        if token := os.environ.get(name, "").strip():
            if not (token.isascii() and token.isprintable()):
                raise V3Error(
                    f"{name} holds what no token has (letters beyond ASCII): mend or unset it."
                )
            return name
    file = Path(constants.HF_TOKEN_PATH)
    return str(file) if file.is_file() else None


def new_token(right: str) -> str:
    """How to get a token with a right (`read`, `write`)."""
    return (
        f"make one that may {right} at {constants.ENDPOINT}/settings/tokens and give it to "
        "`hf auth login` or as HF_TOKEN"
    )


@contextmanager
def explained(repo: str, right: str, revision: str | None = None) -> Iterator[None]:
    """What the Hub, or the way to it, refuses within the block, as one sentence with its mend."""
    try:
        token_place()
        yield
    except HFValidationError as error:
        raise V3Error(f"{repo!r} is no id of the Hub ({brief(error)}): mend it.") from None
    except OfflineModeIsEnabled:
        raise V3Error(
            f"{address(repo)} is not asked, for HF_HUB_OFFLINE is set: unset it."
        ) from None
    except RevisionNotFoundError:
        raise V3Error(
            f"{address(repo)} has no revision {revision!r}: mend it, or leave it out for the "
            "newest."
        ) from None
    except (HfHubHTTPError, httpx2.HTTPError, httpx2.InvalidURL, OSError, RuntimeError) as error:
        if disk_full(error) or (isinstance(error, OSError) and error.filename is not None):
            raise  # of a file here
        raise _refused(repo, right, error) from None
    except (ValueError, KeyError, TypeError) as error:  # of answers that are no JSON, or another
        raise V3Error(
            f"{constants.ENDPOINT} answers, but not as the Hub does ({brief(error)}): see in a "
            "browser whether the network wants a log-in, and mend or unset HF_ENDPOINT."
        ) from None


def _refused(repo: str, right: str, error: BaseException) -> V3Error:
    status, where = status_of(error), address(repo)
    token = token_place()
    if any(isinstance(one, GatedRepoError) for one in (error, error.__cause__)):
        return V3Error(
            f"{where} is for those alone who accept its terms ({status}): accept them there in a "
            f"browser, then {new_token(right)}."
        )
    if status == 401 and token:
        return V3Error(
            f"{constants.ENDPOINT} refuses the token in {token} (401), which has expired or is "
            f"wrong: {new_token(right)}."
        )
    if status == 403 and token:
        return V3Error(
            f"the token in {token} has no right to {right} {where} (403): {new_token(right)}"
            + (", or give an id that begins with your own user name." if right == "write" else ".")
        )
    if status in (401, 404):
        return V3Error(
            f"{where} does not exist or is private ({status}): mend the id, or {new_token(right)}."
        )
    if isinstance(error, LocalEntryNotFoundError):
        if constants.HF_HUB_OFFLINE:
            return V3Error(
                f"{where} is not in the cache {constants.HF_HUB_CACHE}, and HF_HUB_OFFLINE is set: "
                "unset it."
            )
        return V3Error(
            f"{where} cannot be reached, and the cache {constants.HF_HUB_CACHE} lacks it "
            f"({brief(error.__cause__ or error)}): see to the network and run it again, or give "
            "the path of a folder that is there."
        )
    if status is not None:
        return V3Error(f"{where} refuses ({brief(error)}): try again later.")
    if isinstance(error, RuntimeError):  # of huggingface_hub, about a file on its way
        said = f"{brief(error)}: {brief(error.__cause__ or error)}"
        return V3Error(f"{where}: {said}: see to the network and run it again.")
    return V3Error(
        f"{where} cannot be reached ({brief(error)}): see to the network, or to HF_ENDPOINT, and "
        "run it again."
    )


def status_of(error: BaseException) -> int | None:
    """HTTP status that an error, or what led to it, is about."""
    for one in (error, error.__cause__):
        status = getattr(getattr(one, "response", None), "status_code", None)
        if isinstance(status, int):
            return status
    return None


def brief(error: BaseException) -> str:
    """What an error says, short enough for a part of a sentence."""
    return (" ".join(str(error).split()) or type(error).__name__)[:200].rstrip(". ")
