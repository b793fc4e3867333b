"""Content and style without labels, by variance versus invariance.

    import v3

    model = v3.load("models/<dataset>")
    found = model.encode(fragments)  # found.codes, found.z_c, found.z_s, found.style
    swapped = model.swap(fragments, others)  # content of the one, style of the other

PyTorch is loaded when a model is asked for, not before: every module of this package imports this
one first, and a stage has to heed Ctrl-C from its first moment.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as typing has it, which takes longer to load than all of this
if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from v3.model.v3 import V3

__all__ = ["V3", "load"]


def load(folder: str | Path, device: str | torch.device = "cpu") -> V3:
    """Open a model folder, ready for use; nothing else is needed. `V3Error` names what is wrong."""
    from v3.model.v3 import V3

    return V3.load(folder, device)


def __getattr__(name: str) -> object:
    if name == "V3":
        from v3.model.v3 import V3

        return V3
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
