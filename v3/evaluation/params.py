"""What the evaluations read of params.yaml, where each name is explained: types and bounds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from v3.base.errors import V3Error
from v3.base.params_file import PARAMS, read_params_file
from v3.base.schema import Count, Names, Section, Seed, read, share_nothing

Seeds = Annotated[tuple[Seed, ...], Field(min_length=1)]


class RetrievalParams(Section):
    points: Annotated[int, Field(ge=2, le=1000)]  # of a curve; no picture shows more


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


class StudyParams(Section):
    """A pipeline below studies/: each of `datasets` with each of `seeds`, the slow ones with
    theirs; `train` and `spec` say what is trained otherwise."""

    datasets: Names
    seeds: Seeds
    slow_datasets: Names = ()
    slow_seeds: tuple[Seed, ...] = ()
    train: dict[str, Any] = Field(default_factory=dict)
    spec: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _datasets_once(self) -> StudyParams:
        share_nothing("slow_datasets", self.slow_datasets, "datasets", self.datasets)
        return self

    def seeds_of(self, dataset: str) -> tuple[int, ...]:
        """The seeds that the study trains `dataset` with; V3Error if it lists it nowhere."""
        if dataset in self.datasets:
            return self.seeds
        if dataset in self.slow_datasets:
            return self.slow_seeds
        raise V3Error(f"no study of params.yaml lists {dataset}: add it to its datasets")


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
