"""`v3 new` of folders and files: each kind of own data looked at in its own way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from v3.base.errors import V3Error
from v3.base.schema import read
from v3.command.new import Found, from_root, sample_rows
from v3.command.section import strides_of
from v3.fragments.labels import LabelledFragments, validate
from v3.own.images import fitting_size, look, require_images, wide_ones
from v3.own.params import FROM_WIDTH, ImagesParams
from v3.own.samples import Sample

UNUSED = 3  # files that are named of those that cannot be used


def images(
    root: Path,
    raw: Mapping[str, Any],
    name: str,
    folder: Path,
    given: Mapping[str, Any],
    workers: int,
) -> Found:
    """A folder of pictures. `given`: what was said of cells, size, pattern, table and the like."""
    values, deps = source_of(root, name, folder, given)
    steps = strides_of(raw)
    said = []
    if (
        "cells" not in values
        and not {"pattern", "table"} & set(values)
        and wide_ones(root, values["folder"])
    ):
        values["cells"] = FROM_WIDTH
    size = values.pop("size", None)
    found = look(root, read(ImagesParams, values | {"size": steps}, "images"), workers)
    refuse_unusable(root, values, found.unusable, len(found.unusable) + sum(found.counts))
    require_images(found)
    chosen = fitting_size(found.sizes, steps) if size is None else size
    if chosen[0] % steps[0] or chosen[1] % steps[1]:
        up = [max(1, -(-side // step)) * step for side, step in zip(chosen, steps, strict=True)]
        raise V3Error(
            f"--size {chosen[0]}x{chosen[1]} does not fit the network, whose strides divide by "
            f"{steps[0]} and {steps[1]}: --size {up[0]}x{up[1]} does."
        )
    values["size"] = f"{chosen[0]}x{chosen[1]}"
    said.append(sizes_said(found.sizes, chosen))
    said += [f"left out: {line}" for line in found.listing.left_out]
    if found.unusable:
        said.append(
            f"left out: {len(found.unusable)} files that cannot be used: {_some(found.unusable)}"
        )
    samples = found.listing.samples
    return Found(
        key="images",
        source=values,
        about=about_pictures(values, folder),
        kind="images",
        samples=sample_rows(samples, found.counts),
        contents=contents_of(samples),
        deps=deps,
        said=said,
    )


def source_of(
    root: Path, name: str, folder: Path, given: Mapping[str, Any]
) -> tuple[dict[str, Any], list[str]]:
    """Folder, table and what else was said, paths as found from `root`; and what DVC watches."""
    values: dict[str, Any] = {"folder": from_root(root, folder, name)}
    if not (root / values["folder"]).is_dir():
        raise V3Error(f"{folder} is a file: give the folder that it lies in, {folder.parent}.")
    # 0 equals False, so it says nothing either.
    values |= {key: value for key, value in given.items() if value not in (None, "", False)}
    deps = [values["folder"]]
    if "table" in values:
        values["table"] = from_root(root, Path(values["table"]), name)
        deps += [] if is_below(root, values["table"], values["folder"]) else [values["table"]]
    return values, deps


def about_pictures(values: Mapping[str, Any], folder: Path) -> str:
    """What a sample is, in words."""
    if values.get("cells", 1) != 1:
        each = "the cells of a wide picture are a sample"
    elif "table" in values:
        each = f"samples as {Path(values['table']).name} lists them"
    elif "pattern" in values:
        by_names = "{sample}" in values["pattern"] or values.get("per_sample")
        each = "samples by" if by_names else "a subfolder is a sample, labels by"
        each += f" names as {values['pattern']}"
    else:
        each = "a subfolder is a sample"
    return f"pictures in {folder.name or folder}, {each}"


def sizes_said(sizes: Counter[tuple[int, int]], chosen: tuple[int, int]) -> str:
    """Which sizes there are and which one fragments get."""
    heights, widths = zip(*sizes, strict=True)
    if len(sizes) == 1:
        there = f"all {heights[0]} x {widths[0]} (height x width)"
    else:
        there = (
            f"{len(sizes)} sizes, {min(heights)} to {max(heights)} high and {min(widths)} to "
            f"{max(widths)} wide"
        )
    if set(sizes) == {chosen}:
        return f"{there}, as the network takes them"
    return f"{there}, resized to {chosen[0]} x {chosen[1]} (--size takes another one)"


def refuse_unusable(
    root: Path, values: Mapping[str, Any], unusable: Mapping[str, str], total: int
) -> None:
    """`V3Error` with the names of files that cannot be used, unless they are to be passed over."""
    if not unusable or (values.get("pass_over") and len(unusable) < total):
        return
    said = "; ".join(f"{file} ({why})" for file, why in list(unusable.items())[:UNUSED])
    more = "" if len(unusable) <= UNUSED else f"; and {len(unusable) - UNUSED} more"
    raise V3Error(
        f"{root / values['folder']}: {len(unusable)} of {total} files cannot be used: "
        f"{said}{more}: mend or remove them, or go on without them with --pass-over."
    )


def fragments(root: Path, name: str, file: Path) -> Found:
    """A fragment file that somebody else wrote; it is read to its last value."""
    path = from_root(root, file, name)
    if (root / path).is_dir():
        raise V3Error(
            f"{file} is a folder: give the path of a fragment file, or the folder as --images or "
            "--audio if it holds pictures or recordings."
        )
    info = validate(root / path)
    with LabelledFragments(root / path) as opened:
        counts = (opened.starts[1:] - opened.starts[:-1]).tolist()
        styles = [info.style_names[row] if row >= 0 else None for row in opened.style.tolist()]
        samples = list(zip(opened.sample_id, styles, counts, strict=True))
        shape = opened.shape
        known = sorted({info.content_names[row] for row in opened.content.tolist() if row >= 0})
    kind = "spectrograms" if opened.dtype.kind == "f" and shape[0] == 1 else "images"
    return Found(
        key="fragments",
        source={"file": path},
        about=f"the fragment file {file.name}: {' '.join(info.source.split())[:60]}",
        kind=kind,
        samples=samples,
        contents=known,
        deps=[path],
        channels=shape[0],
        said=[f"fragments of {' x '.join(map(str, shape))} {opened.dtype}, taken as {kind}"],
    )


def contents_of(samples: list[Sample]) -> list[str]:
    """The contents that are known, by name."""
    return sorted({p.content for one in samples for p in one.pieces if p.content is not None})


def is_below(root: Path, file: str, folder: str) -> bool:
    """Whether a file lies in a folder, both as found from `root`."""
    return (root / file).resolve().is_relative_to((root / folder).resolve())


def _some(names: Mapping[str, str]) -> str:
    listed = list(names)
    return ", ".join(listed[:UNUSED]) + (", ..." if len(listed) > UNUSED else "")
