"""The model card: what people should know of a model before they use it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from v3.base.errors import V3Error


def card(about: Mapping[str, Any], headline: Mapping[str, Any]) -> str:
    """Markdown from the contents of model.json and of metrics/<dataset>/summary.json.

    `V3Error` if they do not hold what they should.
    """
    try:
        return _markdown(about, headline)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise V3Error(
            f"the model's model.json or the metric file summary.json is not whole ({error!r}): run "
            "`dvc repro`, which makes anew what is not as it made it."
        ) from None


def _markdown(about: Mapping[str, Any], headline: Mapping[str, Any]) -> str:
    info, style, spec = about["info"], about["style_channel"], about["spec"]
    learnt = "\n".join(f"| {name} | {value:.6g} |" for name, value in about["figures"].items())
    measured = "\n".join(
        f"| {name} | {value:.3f} |" for name, value in headline.items() if _is_figure(value)
    )
    return f"""# V3 model of {info["dataset"]}

Content and style of single fragments, learnt without labels (variance versus invariance,
Wu et al., ICLR 2025, arXiv 2407.03824).

- Trained on: {" ".join(info["source"].split())}
- Fragments: {" x ".join(map(str, info["fragment_shape"]))}; network input = (value - \
{info["offset"]:g}) x {info["scale"]:g}
- Network: {spec["network"]}, {spec["atoms"]} atoms, content {spec["content_dim"]} and style \
{spec["style_dim"]} dimensions
- Style channel: {style["pooling"]} pooling, noise {style["noise"]:g}, \
{"standardised" if style["standardise"] else "as it is"}

| figure of training (no label was used) | value |
|---|---|
{learnt}

| figure on samples that trained nothing (with labels) | value |
|---|---|
{measured}

```python
from v3.model.v3 import V3
model = V3.load("models/{info["dataset"]}")
encoding = model.encode(fragments, sample)  # .codes, .z_c, .z_s, .style
swapped = model.decode(encoding.codes, other.style)
```
"""


def _is_figure(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
