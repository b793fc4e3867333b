"""The sections of params.yaml that only SVHN has."""

from __future__ import annotations

from typing import Any, Literal

from v3.base.schema import Count, Names, Natural, Section

ARCHIVES = ("train", "test", "extra")  # also the groups of the fragment file, in this order
Source = Literal["standin", "real"]


class Archive(Section):
    """What is known of a published archive: its digest and its bytes."""

    sha256: str
    size: Count


class Archives(Section):
    """The three archives of format 1."""

    train: Archive
    test: Archive
    extra: Archive


class DownloadParams(Section):
    """Where the real archives are: `<address>/<archive>.tar.gz`."""

    address: str
    archives: Archives


class StandInParams(Section):
    """The stand-in: images in each archive."""

    seed: Natural
    train: Count
    test: Count
    extra: Count


class AnnotationsParams(Section):
    """Which images are left out, as `train/12.png`."""

    leave_out: Names


class CropParams(Section):
    """Which numbers become samples."""

    min_digits: Count


SECTIONS: dict[str, Any] = {
    "source": Source,
    "download": DownloadParams,
    "standin": StandInParams,
    "annotations": AnnotationsParams,
    "crop": CropParams,
}
