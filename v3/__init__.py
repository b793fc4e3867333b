"""Content and style without labels, by variance versus invariance.

    import v3

    model = v3.load("models/<dataset>")  # a folder, or a model of the Hugging Face Hub: user/name
    found = model.encode(fragments)  # found.codes, found.z_c, found.z_s, found.style
    swapped = model.swap(fragments, others)  # content of the one, style of the other
    mine = v3.fit(fragments, sample, codes=10)  # train on arrays

PyTorch is loaded when a model is asked for, not before: every module of this package imports this
one first, and a stage has to heed Ctrl-C from its first moment.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as typing has it, which takes longer to load than all of this
if TYPE_CHECKING:
    from v3.api.fit import fit
    from v3.api.model import Encoding, Model, load
    from v3.base.errors import V3Error
    from v3.model.v3 import V3
    from v3.sharing.push import push

__all__ = ["V3", "Encoding", "Model", "V3Error", "fit", "load", "push"]


def __getattr__(name: str) -> object:
    if name in ("Encoding", "Model", "load"):
        from v3.api import model

        return getattr(model, name)
    if name == "fit":
        from v3.api.fit import fit

        return fit
    if name == "push":
        from v3.sharing.push import push

        return push
    if name == "V3":
        from v3.model.v3 import V3

        return V3
    if name == "V3Error":
        from v3.base.errors import V3Error

        return V3Error
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
