"""The model card: what people should know of a model before they use it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from v3.base.errors import V3Error
from v3.report.figures import Figure, figures

# The metric files that a card is written of: the figures, and where their chances stand.
STAGES = ("summary", "codebook", "zero_shot", "leakage", "retrieval", "swap")


@dataclass(frozen=True)
class Shared:
    """What a card says besides: where the model is had from, under which terms, its picture."""

    model: str  # what v3.load takes
    desc: str = ""
    terms: str = ""
    picture: str = ""  # file of the swap grid, beside the card


def card(
    about: Mapping[str, Any], metrics: Mapping[str, Mapping[str, Any]], shared: Shared | None = None
) -> str:
    """Markdown from the contents of model.json and of the metric files, by the names in STAGES.

    Without metrics it has what training measured alone. `V3Error` if the contents are not what they
    should be.
    """
    try:
        own = shared or Shared(f"models/{about['info']['dataset']}")
        return "\n".join(_parts(about, metrics.get("summary", {}), figures(metrics), own))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise V3Error(
            f"the model's model.json or the metric file summary.json is not whole ({error!r}): run "
            "`dvc repro`, which makes anew what is not as it made it."
        ) from None


def _parts(
    about: Mapping[str, Any], headline: Mapping[str, Any], beside: list[Figure], shared: Shared
) -> Iterable[str]:
    info, style, spec = about["info"], about["style_channel"], about["spec"]
    yield f"# V3 model of {info['dataset']}\n"
    if shared.desc:
        yield f"{shared.desc}.\n"
    yield (
        "Content and style of single fragments, learnt without labels (variance versus "
        "invariance,\nWu et al., ICLR 2025, arXiv 2407.03824).\n"
    )
    if shared.picture:
        yield f"![Each row one content, each column one style]({shared.picture})\n"
        yield "The content of the row's original, decoded in the style of the column's.\n"
    yield f"- Trained on: {' '.join(info['source'].split())}"
    if shared.terms:
        yield f"- Terms of the data: {' '.join(shared.terms.split())}"
    yield (
        f"- Fragments: {' x '.join(map(str, info['fragment_shape']))}; network input = (value - "
        f"{info['offset']:g}) x {info['scale']:g}"
    )
    yield (
        f"- Network: {spec['network']}, {spec['atoms']} atoms, content {spec['content_dim']} and "
        f"style {spec['style_dim']} dimensions"
    )
    yield (
        f"- Style channel: {style['pooling']} pooling, noise {style['noise']:g}, "
        f"{'standardised' if style['standardise'] else 'as it is'}\n"
    )
    if beside:
        yield from _beside(beside)
    learnt = [(name, f"{value:.6g}") for name, value in about["figures"].items()]
    yield from _table("figure of training (no label was used)", learnt)
    measured = [(name, f"{value:.3f}") for name, value in headline.items() if _is_figure(value)]
    if measured:
        yield from _table("figure on samples that trained nothing (with labels)", measured)
    yield f"""```python
import v3  # `pip install .` in a checkout of V3

model = v3.load("{shared.model}")
found = model.encode(fragments, sample)  # .codes, .z_c, .z_s, .style
again = model.decode(found.codes, found.style)
swapped = model.swap(fragments, others)  # content of the one, style of the other
```
"""


def _beside(rows: list[Figure]) -> Iterable[str]:
    yield "| on samples that trained nothing | value | chance | k-means | what it is |"
    yield "|---|---|---|---|---|"
    for row in rows:
        means = f"{row.means} (low is good)" if row.low_is_good else row.means
        numbers = " | ".join(_number(x) for x in (row.value, row.chance, row.baseline))
        yield f"| {row.name} | {numbers} | {means} |"
    yield ""


def _table(head: str, rows: Iterable[tuple[str, str]]) -> Iterable[str]:
    yield f"| {head} | value |"
    yield "|---|---|"
    yield from (f"| {name} | {value} |" for name, value in rows)
    yield ""


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _is_figure(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
