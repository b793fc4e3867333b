"""What the evaluations read of params.yaml, where each name is explained: types and bounds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from v3.base.errors import V3Error
from v3.base.params_file import PARAMS, read_params_file
from v3.base.schema import Count, Names, Section, Seed, Share, read, share_nothing

Seeds = Annotated[tuple[Seed, ...], Field(min_length=1)]


class RetrievalParams(Section):
    points: Annotated[int, Field(ge=2, le=1000)]  # of a curve; no picture shows more
    queries: Annotated[int, Field(ge=0)]


class TsneParams(Section):
    seed: Seed
    fragments: Annotated[int, Field(ge=10)]
    perplexity: Annotated[float, Field(ge=1)]

    @model_validator(mode="after")
    def _fewer_neighbours_than_fragments(self) -> TsneParams:
        if self.perplexity >= self.fragments:
            raise ValueError(
                f"perplexity must be < fragments ({self.fragments}), is {self.perplexity:g}"
            )
        return self


class FewShotParams(Section):
    seed: Seed
    passes: Count
    learning_rate: Annotated[float, Field(gt=0, le=1000)]


class LeakageParams(Section):
    seed: Seed


class SwapParams(Section):
    seed: Seed
    swaps: Annotated[int, Field(ge=1, le=100_000)]  # all are held in memory


class BaselineParams(Section):
    seed: Seed
    fragments: Count


class BoundParams(Section):
    seed: Seed
    steps: Count
    batch_fragments: Annotated[int, Field(ge=2, le=100_000)]  # all are held in memory


def _rising(value: tuple[int, ...]) -> tuple[int, ...]:
    if list(value) != sorted(set(value)):
        raise ValueError(f" must rise, is {list(value)}")
    return value


Sizes = Annotated[tuple[Annotated[int, Field(ge=2)], ...], AfterValidator(_rising)]  # K, rising


class CodebookSizes(Section):
    """The K that a study trains one dataset with, and the published method's macro purity there."""

    atoms: Annotated[Sizes, Field(min_length=1)]
    published: tuple[Share, ...] = ()

    @model_validator(mode="after")
    def _one_each(self) -> CodebookSizes:
        if self.published and len(self.published) != len(self.atoms):
            raise ValueError(
                f"published must have one figure for each of {len(self.atoms)} atoms, "
                f"has {len(self.published)}"
            )
        return self


class StudyParams(Section):
    """A pipeline below studies/: each of `datasets` with each of `seeds`, the slow ones with
    theirs; `train` and `spec` say what is trained otherwise. With `codebooks` a dataset is trained
    with each K that it has there, and with `atoms` any dataset that has none there with those, for
    `part` of its steps."""

    datasets: Names
    seeds: Seeds
    slow_datasets: Names = ()
    slow_seeds: tuple[Seed, ...] = ()
    train: dict[str, Any] = Field(default_factory=dict)
    spec: dict[str, Any] = Field(default_factory=dict)
    atoms: Sizes = ()
    codebooks: dict[str, CodebookSizes] = Field(default_factory=dict)
    part: Annotated[float, Field(gt=0, le=1)] = 1.0

    @model_validator(mode="after")
    def _fields_agree(self) -> StudyParams:
        share_nothing("slow_datasets", self.slow_datasets, "datasets", self.datasets)
        for dataset in (*self.datasets, *self.slow_datasets):
            if self.codebooks and not self.atoms_of(dataset):
                raise ValueError(f"codebooks must have {dataset}, which is among the datasets")
        return self

    def seeds_of(self, dataset: str) -> tuple[int, ...]:
        """The seeds that the study trains `dataset` with; V3Error if it lists it nowhere and is
        not for any dataset, as one with `atoms` is."""
        if dataset in self.slow_datasets:
            return self.slow_seeds
        if dataset in self.datasets or self.atoms:
            return self.seeds
        raise V3Error(f"no study of params.yaml lists {dataset}: add it to its datasets")

    def atoms_of(self, dataset: str) -> tuple[int, ...]:
        """Every K that the study trains `dataset` with; none: that of the spec."""
        return self.codebooks[dataset].atoms if dataset in self.codebooks else self.atoms

    def published_at(self, dataset: str) -> dict[int, float]:
        """Macro purity of the published method by K, where it is known."""
        found = self.codebooks.get(dataset)
        return dict(zip(found.atoms, found.published, strict=False)) if found else {}

    def runs_of(self, dataset: str) -> dict[str, dict[str, Any]]:
        """The trainings of `dataset` by name, each as its pipeline reads it."""
        seeds = self.seeds_of(dataset)
        if not (sizes := self.atoms_of(dataset)):
            return {f"{dataset}-{seed}": {"dataset": dataset, "seed": seed} for seed in seeds}
        return {
            f"{dataset}-{atoms}-{seed}": {
                "dataset": dataset,
                "atoms": atoms,
                "seed": seed,
                "part": self.part,
            }
            for atoms in sizes
            for seed in seeds
        }


def load_study(name: str, path: Path = PARAMS) -> StudyParams:
    """`studies.<name>` of the file: the study in the folder of that name below studies/."""
    studies = read_studies(read_params_file(path))
    if name not in studies:
        raise V3Error(f"studies.{name} is missing: params.yaml has {', '.join(studies)}")
    return studies[name]


def read_studies(raw: Mapping[str, Any]) -> dict[str, StudyParams]:
    """All studies of the plain values of params.yaml, by name."""
    studies: dict[str, StudyParams] = read(dict[str, StudyParams], raw.get("studies"), "studies")
    return studies
