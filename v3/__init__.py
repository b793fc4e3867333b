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

_HOMES = {
    "V3": "v3.model.v3",
    "Encoding": "v3.api.model",
    "Model": "v3.api.model",
    "V3Error": "v3.base.errors",
    "fit": "v3.api.fit",
    "load": "v3.api.model",
    "push": "v3.sharing.push",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
