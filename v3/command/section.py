"""The section of an own dataset in params.yaml, and the pipeline that imports it, as text.

Facts of the data alone: what it is, K, n. All else is the recipe in `defaults`.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from v3.base.errors import V3Error
from v3.base.files import atomic_file
from v3.base.params_file import DEFAULTS
from v3.model.spec import Spec
from v3.own.recipe import fragments_per_sample, network_facts, training_facts
from v3.params import SHARED, parse_params

COMMENT = 31  # column at which what a line means begins
STAGE = "own_import"
EACH = "${datasets}"
HEAD = (
    "# Own data -> data/{name}/fragments.h5, as `v3 new` wrote it. House rules: ../../dvc.yaml.\n"
)
WHOLE = """\
# Then what dvc.yaml and evaluation/ do for every listed dataset, for this one alone:
#   dvc repro corpora/{name}/dvc.yaml          all of it
#   dvc repro corpora/{name}/dvc.yaml:train    one stage, with what it needs
"""


@dataclass(frozen=True)
class Facts:
    """What the recipe has to be told of a dataset."""

    about: str  # in words
    kind: str  # images or spectrograms
    codes: int  # K
    fragments: int  # of a typical sample
    training: int  # samples that train
    groups: tuple[str, ...]  # styles that are kept out of training
    layers: tuple[str, ...] = ()  # of the network, where the one of `defaults` does not fit
    channels: int = 3  # of a fragment: pictures are imported in colour


def section_of(name: str, key: str, source: Mapping[str, Any], facts: Facts) -> str:
    """The section `name` as DVC itself would write it; its part `key` says what is imported."""
    section: CommentedMap = CommentedMap()
    section[key] = CommentedMap(source)
    split = CommentedMap({"validation": 0.1, "test": 0.1})
    if facts.groups:
        split["unseen_styles"] = _in_line(facts.groups)
    section["split"] = _flow(split)
    section["spec"] = "laptop"
    network = CommentedMap({"atoms": facts.codes} | network_facts(facts.kind, facts.channels))
    if facts.layers:
        network["layers"] = CommentedSeq(facts.layers)
        section["specs"] = CommentedMap({"laptop": network})
    else:
        section["specs"] = _flow(CommentedMap({"laptop": network}))
    n = fragments_per_sample(facts.fragments)
    train = CommentedMap(training_facts(facts.kind, n, facts.training))
    if "view" in train:
        train["view"] = _flow(CommentedMap(train["view"]))
    section["train"] = train
    for other in SHARED:
        if other not in section:
            section[other] = _flow(CommentedMap())
    whole = CommentedMap({name: section})
    whole.yaml_add_eol_comment(facts.about, name, column=COMMENT)
    section.yaml_add_eol_comment("what `v3 new` found; a change imports it anew", key, COMMENT)
    section.yaml_add_eol_comment("K: as many as contents, or up to twice that", "specs", COMMENT)
    section.yaml_add_eol_comment("facts of the data; all else is the recipe", "train", COMMENT)
    return _as_dvc_writes(whole)


def pipeline_of(
    name: str, key: str, deps: list[str], folders: tuple[str, ...], shared: Mapping[str, Any] | None
) -> str:
    """corpora/<name>/dvc.yaml: a stage that imports what `deps` name, if there are any; and of the
    stages in `shared`, by name, those that are there for each dataset."""
    stages: dict[str, Any] = {}
    if deps:
        code = ["data/params.ok", "stages/own_import.py", *folders]
        stages[STAGE] = {
            "desc": f"Import the own data of {name}",
            "wdir": "../..",
            "cmd": f"python -m stages.own_import {name}",
            "deps": [*(dep.replace("${", "\\${") for dep in deps), *code],
            "params": [f"{name}.{key}"],
            "outs": [f"data/{name}/fragments.h5"],
        }
    for stage, what in (shared or {}).items():
        if what.get("foreach") == EACH:
            stages[stage] = {**_filled(what["do"], name), "wdir": "../.."}
    head = HEAD if shared is None else HEAD + WHOLE
    return head.format(name=name) + _as_dvc_writes({"stages": stages})


def _filled(value: Any, name: str) -> Any:
    """Plain values with the dataset's name in place of DVC's `${item}`."""
    if isinstance(value, str):
        return value.replace("${item}", name)
    if isinstance(value, Mapping):
        return {_filled(key, name): _filled(item, name) for key, item in value.items()}
    return [_filled(item, name) for item in value] if isinstance(value, list) else value


def append_section(file: Path, text: str) -> None:
    """Put a section at the end of params.yaml, every byte before it as it is, if the whole fits."""
    file = file.resolve()
    before = file.read_bytes()
    after = appended(before, text)
    parse_params(YAML(typ="safe", pure=True).load(after.decode()))
    with atomic_file(file) as beside:
        beside.write_bytes(after)


def appended(before: bytes, text: str) -> bytes:
    """The bytes of params.yaml with a section after an empty line."""
    gap = b"" if before.endswith(b"\n\n") else b"\n" if before.endswith(b"\n") else b"\n\n"
    return before + gap + text.encode()


def list_dataset(file: Path, name: str) -> None:
    """Add `- name` at the end of `datasets`, no other byte changed; `V3Error` if that list is not
    written with a line for each name."""
    file = file.resolve()
    lines = file.read_bytes().splitlines(keepends=True)
    start = next((row for row, line in enumerate(lines) if line.startswith(b"datasets:")), None)
    end = start
    for row in range(start + 1 if start is not None else 0, len(lines)):
        if not lines[row].lstrip().startswith(b"- "):
            break
        end = row
    if start is None or end is None or end == start:
        raise V3Error(f"{file}: datasets is no list of lines `- name`: add {name} there by hand.")
    indent = lines[end][: lines[end].index(b"-")]
    changed = b"".join([*lines[: end + 1], indent + f"- {name}\n".encode(), *lines[end + 1 :]])
    parse_params(YAML(typ="safe", pure=True).load(changed.decode()))
    with atomic_file(file) as beside:
        beside.write_bytes(changed)


def strides_of(raw: Mapping[str, Any]) -> tuple[int, int]:
    """What divides the height and the width of fragments: strides of the network in `defaults`."""
    spec = Spec.from_dict(raw[DEFAULTS]["specs"]["laptop"], f"{DEFAULTS}.specs.laptop")
    return math.prod(step[0] for step in spec.strides), math.prod(step[1] for step in spec.strides)


def _in_line(names: tuple[str, ...]) -> CommentedSeq:
    listed = CommentedSeq(names)
    listed.fa.set_flow_style()
    return listed


def _flow(section: CommentedMap) -> CommentedMap:
    section.fa.set_flow_style()
    return section


def _as_dvc_writes(content: Any) -> str:
    """YAML in the very form in which DVC leaves it when it writes the file."""
    yaml = YAML()
    yaml.default_flow_style = False
    text = ""
    for _ in range(3):  # what ruamel wraps once it may wrap otherwise the next time
        out = io.StringIO()
        yaml.dump(content, out)
        if out.getvalue() == text:
            break
        text = out.getvalue()
        content = yaml.load(text)
    return text
