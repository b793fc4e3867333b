"""params.yaml as typed, validated dataclasses: the one place that knows its names.

What every parameter means stands beside it in params.yaml; here stand its type and its bounds.
Datasets are not known by name: a section with the key `train` is one. What only one corpus has is
known to its own module in `v3/corpora` (`v3/params_check.py` looks there), so that a new corpus
changes nothing that training depends on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from v3.errors import V3Error
from v3.params_file import PARAMS, read_params_file
from v3.schema import (
    Count,
    Items,
    Names,
    Natural,
    NonNegative,
    OneOf,
    Positive,
    Within,
    disjoint,
    mapping,
    read,
    unknown,
)
from v3.spec import Spec

Share = Annotated[float, Within(least=0, most=1)]
OpenShare = Annotated[float, Within(over=0, under=1)]
ABSENT = -1.0  # stands for a share that is not in the file: no share can be it
Decay = Annotated[float, Within(least=0, under=1)]


@dataclass(frozen=True)
class SplitParams:
    """Parts by style (`validation`, `test`, `unseen_styles`), or by the samples' `groups`."""

    seed: Natural
    few_shot: Annotated[tuple[Count, ...], Items()]
    validation: OpenShare = ABSENT
    test: OpenShare = ABSENT
    unseen_styles: Names = ()
    groups: dict[str, tuple[Share, Share, Share, Share]] = field(default_factory=dict)

    def check(self, name: str) -> None:
        by_style = (self.validation, self.test) != (ABSENT, ABSENT) or self.unseen_styles
        if self.groups and by_style:
            raise V3Error(
                f"{name}.groups must stand alone: it takes the place of {name}.validation, "
                f"{name}.test and {name}.unseen_styles"
            )
        for group, shares in self.groups.items():
            if abs(sum(shares) - 1) > 1e-9:
                raise V3Error(
                    f"{name}.groups.{group} must be shares of train, validation, test and unseen "
                    f"that add up to 1, is {list(shares)}"
                )
        for key in () if self.groups else ("validation", "test"):
            if getattr(self, key) == ABSENT:
                raise V3Error(f"{name}.{key} is missing")
        if self.validation + self.test >= 1:
            raise V3Error(
                f"{name}.validation + {name}.test must be < 1, is {self.validation + self.test:g}"
            )
        if list(self.few_shot) != sorted(self.few_shot):
            raise V3Error(f"{name}.few_shot must rise, is {list(self.few_shot)}")


@dataclass(frozen=True)
class Weights:
    reconstruction: NonNegative
    content: NonNegative
    style: NonNegative
    sample: NonNegative
    fragment: NonNegative
    commitment: NonNegative
    decorrelation: NonNegative
    agreement: NonNegative
    discrimination: NonNegative


@dataclass(frozen=True)
class AugmentParams:
    brightness: Share
    contrast: Share
    saturation: Share
    hue: Annotated[float, Within(least=0, most=0.5)]
    gamma: Annotated[float, Within(least=0, most=3)]
    invert: Share
    frequency_mask: Natural


@dataclass(frozen=True)
class ViewParams:
    shift: Annotated[float, Within(least=0, most=0.5)]
    zoom: Share
    blur: Share
    noise: NonNegative
    temperature: Positive
    evenness: Annotated[float, Within(least=1)]
    discrimination: Positive


@dataclass(frozen=True)
class TrainParams:
    seed: Natural
    steps: Count
    batch_samples: Annotated[int, Within(least=2)]
    fragments_per_sample: Annotated[int, Within(least=2)]
    optimiser: Annotated[str, OneOf(("adamw", "adam"))]
    learning_rate: Positive
    weight_decay: NonNegative
    betas: tuple[Decay, Decay]
    schedule: Annotated[str, OneOf(("constant", "cosine", "step"))]
    final_factor: Share
    step_factor: Annotated[float, Within(over=0, most=1)]
    step_epochs: Count
    warmup_steps: Natural
    clip_norm: NonNegative
    precision: Annotated[str, OneOf(("float32", "bfloat16"))]
    relativity: Annotated[float, Within(over=1)]
    weights: Weights
    supersampling: bool
    style_window: Count
    style_pooling: Annotated[str, OneOf(("fragment", "sample", "neighbour"))]
    style_standardise: bool
    style_noise: NonNegative
    codebook_decay: Decay
    dead_atom_threshold: NonNegative
    late_threshold: NonNegative
    late_after: Share
    relative_error: bool
    augment: AugmentParams
    view: ViewParams
    validate_every: Count
    patience: Natural
    min_improvement: NonNegative
    checkpoint_every: Count
    memory_gb: NonNegative
    workers: Natural
    threads: Natural
    device: Annotated[str, OneOf(("auto", "cpu", "cuda", "mps"))]

    def check(self, name: str) -> None:
        if self.style_window % 2 == 0:
            raise V3Error(f"{name}.style_window must be odd, is {self.style_window}")
        for lower, upper, sign in (
            ("late_threshold", "dead_atom_threshold", "<="),
            ("style_window", "fragments_per_sample", "<="),
            ("warmup_steps", "steps", "<"),
        ):
            below, above = getattr(self, lower), getattr(self, upper)
            if below > above or (sign == "<" and below == above):
                raise V3Error(
                    f"{name}.{lower} must be {sign} {name}.{upper} ({above:g}), is {below:g}"
                )


@dataclass(frozen=True)
class RetrievalParams:
    points: Annotated[int, Within(least=2)]


@dataclass(frozen=True)
class TsneParams:
    seed: Natural
    fragments: Annotated[int, Within(least=10)]
    perplexity: Annotated[float, Within(least=1)]

    def check(self, name: str) -> None:
        if self.perplexity >= self.fragments:
            raise V3Error(
                f"{name}.perplexity must be < {name}.fragments ({self.fragments}), "
                f"is {self.perplexity:g}"
            )


@dataclass(frozen=True)
class FewShotParams:
    seed: Natural
    passes: Count
    learning_rate: Positive


@dataclass(frozen=True)
class LeakageParams:
    seed: Natural


@dataclass(frozen=True)
class SwapParams:
    seed: Natural
    swaps: Count


@dataclass(frozen=True)
class BaselineParams:
    seed: Natural
    fragments: Count


@dataclass(frozen=True)
class VariantParams:
    """A way to train otherwise, beside the default: `train` holds what is changed."""

    datasets: Names
    seeds: Annotated[tuple[Natural, ...], Items(least=1)]
    train: dict[str, Any]


@dataclass(frozen=True)
class StudiesParams:
    datasets: Names
    seeds: Annotated[tuple[Natural, ...], Items(least=1)]
    slow_datasets: Names
    slow_seeds: Annotated[tuple[Natural, ...], Items(least=1)]
    variants: dict[str, VariantParams]

    def check(self, name: str) -> None:
        disjoint(f"{name}.slow_datasets", self.slow_datasets, f"{name}.datasets", self.datasets)

    def seeds_of(self, dataset: str, variant: str | None = None) -> tuple[int, ...]:
        """The seeds that a study trains `dataset` with; V3Error if it is in no list of its."""
        if variant is not None:
            return self.variants[variant].seeds
        if dataset not in (*self.datasets, *self.slow_datasets):
            raise V3Error(f"{dataset} is neither in studies.datasets nor in studies.slow_datasets")
        return self.seeds if dataset in self.datasets else self.slow_seeds


@dataclass(frozen=True)
class DatasetParams:
    """What every dataset's section holds; those of its corpus are read by the corpus's stages."""

    name: str
    split: SplitParams
    spec_name: str
    spec: Spec
    specs: dict[str, Spec]
    train: TrainParams
    retrieval: RetrievalParams
    tsne: TsneParams
    few_shot: FewShotParams
    leakage: LeakageParams
    swap: SwapParams
    baseline: BaselineParams
    variants: dict[str, TrainParams] = field(default_factory=dict)

    def variant(self, name: str | None) -> TrainParams:
        """How the study of that name trains this dataset; None: as `train` says."""
        if name is None:
            return self.train
        if name not in self.variants:
            raise V3Error(f"studies.variants.{name} is missing or does not list {self.name}")
        return self.variants[name]


# What every dataset has, apart from the spec, which is chosen by name.
SHARED: dict[str, type] = {
    "split": SplitParams,
    "train": TrainParams,
    "retrieval": RetrievalParams,
    "tsne": TsneParams,
    "few_shot": FewShotParams,
    "leakage": LeakageParams,
    "swap": SwapParams,
    "baseline": BaselineParams,
}


@dataclass(frozen=True)
class Params:
    """The whole of params.yaml: `datasets` run in the main pipeline, `sections` are all there."""

    datasets: tuple[str, ...]
    sections: dict[str, DatasetParams]
    studies: StudiesParams

    def dataset(self, name: str) -> DatasetParams:
        """The section of a dataset; V3Error if there is none of that name."""
        if name not in self.sections:
            raise V3Error(f"{name} is no dataset of params.yaml: {', '.join(self.sections)} are")
        return self.sections[name]


def load_params(path: Path = PARAMS) -> Params:
    """Read and check what every dataset has; V3Error names the first parameter that is wrong."""
    return parse_params(read_params_file(path))


def parse_params(raw: Any) -> Params:
    """Params from the plain values of params.yaml."""
    raw = mapping(raw, "params.yaml")
    for key in ("datasets", "studies"):
        if key not in raw:
            raise V3Error(f"{key} is missing")
    datasets = read(tuple[str, ...], raw["datasets"], "datasets")
    Items(least=1).check(datasets, "datasets")
    studies = read(StudiesParams, raw["studies"], "studies")
    sections: dict[str, DatasetParams] = {}
    for key, value in raw.items():
        if key in ("datasets", "studies"):
            continue
        if key not in datasets and not (isinstance(value, dict) and "train" in value):
            raise unknown("", key, ["datasets", "studies", *datasets])
        sections[key] = _read_dataset(key, value, studies)
    varied = (name for variant in studies.variants.values() for name in variant.datasets)
    for name in (*datasets, *studies.datasets, *studies.slow_datasets, *varied):
        if name not in sections:
            raise V3Error(f"{name} is missing: it is listed as a dataset and has no section")
    return Params(datasets, sections, studies)


def _read_dataset(name: str, raw: Any, studies: StudiesParams) -> DatasetParams:
    raw = mapping(raw, name)
    for key in (*SHARED, "spec", "specs"):
        if key not in raw:
            raise V3Error(f"{name}.{key} is missing")
    shared: dict[str, Any] = {
        key: read(kind, raw[key], f"{name}.{key}") for key, kind in SHARED.items()
    }
    specs = read(dict[str, Spec], raw["specs"], f"{name}.specs")
    chosen = read(str, raw["spec"], f"{name}.spec")
    OneOf(tuple(specs)).check(chosen, f"{name}.spec")
    variants: dict[str, TrainParams] = {}
    for key, variant in studies.variants.items():
        if name in variant.datasets:
            full = f"studies.variants.{key}.train"
            variants[key] = read(TrainParams, _changed(raw["train"], variant.train, full), full)
    return DatasetParams(
        name=name, spec_name=chosen, spec=specs[chosen], specs=specs, variants=variants, **shared
    )


def _changed(values: Mapping[str, Any], changes: Mapping[str, Any], name: str) -> dict[str, Any]:
    """`values` with what `changes` (named `name`) says otherwise, sections within it likewise."""
    result = dict(values)
    for key, value in changes.items():
        if key not in values:
            raise unknown(name, key, values)
        if isinstance(values[key], Mapping):
            value = _changed(values[key], mapping(value, f"{name}.{key}"), f"{name}.{key}")
        result[key] = value
    return result
