"""The sections of params.yaml that only SVHN has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from v3.base.schema import Count, Names, Natural, OneOf

ARCHIVES = ("train", "test", "extra")  # also the groups of the fragment file, in this order
Source = Annotated[str, OneOf(("sample", "real"))]


@dataclass(frozen=True)
class Archive:
    """What is known of a published archive; an empty digest is not known."""

    sha256: str
    size: Count


@dataclass(frozen=True)
class Archives:
    """The three archives of format 1."""

    train: Archive
    test: Archive
    extra: Archive


@dataclass(frozen=True)
class DownloadParams:
    """Where the real archives are: `<address>/<archive>.tar.gz`."""

    address: str
    archives: Archives


@dataclass(frozen=True)
class SampleParams:
    """The stand-in: images in each archive."""

    seed: Natural
    train: Count
    test: Count
    extra: Count
    workers: Natural


@dataclass(frozen=True)
class AnnotationsParams:
    """Which images are left out, as `train/12.png`."""

    leave_out: Names


@dataclass(frozen=True)
class CropParams:
    """Which numbers become samples, and how many processes cut them."""

    min_digits: Count
    workers: Natural


SECTIONS: dict[str, Any] = {
    "source": Source,
    "download": DownloadParams,
    "sample": SampleParams,
    "annotations": AnnotationsParams,
    "crop": CropParams,
}
