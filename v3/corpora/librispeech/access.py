"""Access to the Hugging Face Hub: by which token, and what a refusal means."""

from __future__ import annotations

import os
from pathlib import Path

from huggingface_hub import constants
from huggingface_hub.errors import GatedRepoError

from v3.base.errors import V3Error

FORBIDDEN = (401, 403)  # statuses
TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")  # variables, by rank
OFFLINE = "set V3_MIRROR to a mirror of this corpus, or librispeech.source to standin"
LOG_IN = f"see in a browser whether the network wants a log-in, or {OFFLINE}"


def status_of(error: BaseException) -> int | None:
    """HTTP status that an error, or what led to it, is about."""
    response = getattr(error.__cause__, "response", None) or getattr(error, "response", None)
    return getattr(response, "status_code", None)


def forbidden(address: str, error: BaseException) -> V3Error:
    """The error for what is there, perhaps, but not for us: by the token, or for want of one."""
    status, token = status_of(error), _token()
    gated = any(isinstance(one, GatedRepoError) for one in (error, error.__cause__))
    if gated:
        terms = f"accept its terms at {address} in a browser"
        mend = f"{terms} with the account of {token}" if token else f"{terms} and set HF_TOKEN"
        return V3Error(f"{address} is for those alone who accept its terms ({status}): {mend}.")
    if token and status == 401:
        return V3Error(
            f"{address} refuses the token in {token} ({status}), which has expired or is wrong: "
            f"{_without_token()}, for the published corpus needs none, or renew it."
        )
    if token:
        return V3Error(
            f"{address} refuses access with the token in {token} ({status}): "
            f"{_without_token()}, for the published corpus needs none, or take one that may read "
            "there."
        )
    if status == 401:
        return V3Error(
            f"{address} does not exist or is private ({status}): mend librispeech.download, or set "
            "HF_TOKEN to a token that may read there."
        )
    return V3Error(
        f"{address} refuses access ({status}, {brief(error.__cause__ or error)}): {LOG_IN}."
    )


def _token() -> str | None:
    """Where `huggingface_hub` has its token from; None if it has none."""
    for name in TOKENS:
        if os.environ.get(name, "").strip():
            return name
    file = Path(constants.HF_TOKEN_PATH)
    return str(file) if file.is_file() else None


def _without_token() -> str:
    named = _token()
    return f"unset {named}" if named in TOKENS else f"delete {named} (`hf auth logout`)"


def check_token() -> None:
    """`V3Error` for a token that no request can carry."""
    for name in TOKENS:
        if not (token := os.environ.get(name, "").strip()).isascii() or not token.isprintable():
            raise V3Error(
                f"{name} holds what no token has (letters beyond ASCII): mend or unset it."
            )


def brief(error: BaseException) -> str:
    """What an error says, short enough for a part of a sentence."""
    return " ".join(str(error).split())[:200].rstrip(". ")
