"""Writes the tables of figures in README.md and docs/ anew, from metrics/, studies/ and
benchmarks/results/.

    python scripts/tables.py            write them (`make docs`)
    python scripts/tables.py --check    write nothing; exit code 1 if one is not what it should be

A table stands between `<!-- table: <name> -->` and `<!-- /table -->`; TABLES has the names. What
lies outside these marks is left alone. What was not measured is shown as a dash.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.tables import tables as benchmark_tables  # noqa: E402

MARKED = re.compile(r"(<!-- table: ([\w-]+) -->\n).*?(<!-- /table -->)", re.DOTALL)
NONE = "-"
Cells = Sequence[str]

# Of each corpus: its name in print, what a content is called, what a style is.
WORDS = {
    "phonenums": ("PhoneNums", "digits", "colours"),
    "insnotes": ("InsNotes", "pitches", "instruments"),
    "svhn": ("SVHN", "digits", "images"),
    "sprites": ("Sprites", "poses", "characters"),
    "librispeech": ("Librispeech", "phonemes", "speakers"),
}
# The same of those that only studies/genuine has.
GENUINE_WORDS = {
    "timit": ("TIMIT", "phones", "speakers"),
    "mnist_writers": ("MNIST", "digits", "writers"),
}
# What was aimed at before anything was trained, by corpus and figure.
TARGETS: dict[str, dict[str, float]] = {
    "phonenums": {
        "one_to_one": 0.99,
        "zero_shot": 0.85,
        "few_shot_10": 0.95,
        "leakage": 0.15,
        "pr_auc_content": 0.93,
        "pr_auc_style": 0.95,
        "pr_auc_content_crossed": 0.15,
        "pr_auc_style_crossed": 0.15,
    },
    "insnotes": {"one_to_one": 0.95},
    "svhn": {"purity": 0.80},
    "sprites": {"purity": 0.98, "zero_shot_purity": 0.97},
    "librispeech": {"zero_shot_purity": 0.50},
}
LOW = ("leakage", "pr_auc_content_crossed", "pr_auc_style_crossed")  # good where they are low
# Where the chance of a headline figure stands: metric file, keys down to it.
CHANCE = {
    "one_to_one": ("codebook", "chance_one_to_one"),
    "purity": ("codebook", "chance_purity"),
    "zero_shot": ("zero_shot", "chance"),
    "few_shot": ("zero_shot", "chance"),
    "zero_shot_purity": ("zero_shot", "chance_purity"),
    "leakage": ("leakage", "content_from_decoder_style", "chance"),
    "pr_auc_content": ("retrieval", "content_by_z_c", "chance_pr_auc"),
    "pr_auc_style": ("retrieval", "style_by_z_s", "chance_pr_auc"),
    "pr_auc_content_crossed": ("retrieval", "content_by_z_s", "chance_pr_auc"),
    "pr_auc_style_crossed": ("retrieval", "style_by_z_c", "chance_pr_auc"),
}


# --- what is read -------------------------------------------------------------------------------


@cache
def read(file: Path) -> Any:
    """A JSON file; an empty mapping if it is not there."""
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


@cache
def read_yaml(file: Path) -> Any:
    """A YAML file; an empty mapping if it is not there."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a lock has thousands of lines
    return yaml.load(file.read_bytes(), loader) if file.is_file() else {}


def params() -> Any:
    return read_yaml(ROOT / "params.yaml")


def datasets() -> list[str]:
    return list(params()["datasets"])


def metric(dataset: str, stage: str, *keys: str) -> Any:
    """What stands in metrics/<dataset>/<stage>.json under the keys; None if nothing does."""
    value = read(ROOT / "metrics" / dataset / f"{stage}.json")
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def summary(dataset: str, name: str) -> Any:
    return metric(dataset, "summary", name)


def figure_chance(dataset: str, name: str) -> Any:
    found = CHANCE.get("few_shot" if name.startswith("few_shot_") else name)
    return metric(dataset, *found) if found else None


# --- how it is written --------------------------------------------------------------------------


def number(value: Any, digits: int = 3) -> str:
    return NONE if value is None else f"{value:.{digits}f}"


def count(value: Any) -> str:
    return NONE if value is None else str(value)


def beside(value: Any, chance: Any) -> str:
    """A figure with its chance in brackets."""
    return NONE if value is None else f"{number(value)} ({number(chance)})"


def table(head: Cells, rows: Iterable[Cells]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def name_of(dataset: str) -> str:
    return (WORDS | GENUINE_WORDS).get(dataset, (dataset,))[0]


def words(dataset: str) -> tuple[str, str]:
    """What contents and styles are called."""
    found = (WORDS | GENUINE_WORDS).get(dataset, ("", "contents", "styles"))
    return found[1], found[2]


def kind_of(source: str | None) -> str:
    """The first words of a source: a stand-in, synthesised pages, ..."""
    return re.split(r"[:(,]", source)[0].strip() if source else NONE


# --- one seed -----------------------------------------------------------------------------------


def results() -> str:
    """A row a corpus; of the genuine ones, once they are measured, the seeds' median and worst."""
    rows = [result_of_one_seed(dataset) for dataset in datasets()]
    rows += [result_of_seeds(name, found) for name, found in genuine_measured().items()]
    head = ["corpus", "data", "purity: test / unseen", "k-means", "its best front end"]
    head += ["with labels", "zero-shot", "left in the style (chance)", "swap: content kept"]
    return table([*head, "style taken (chance)"], rows)


def result_of_one_seed(dataset: str) -> Cells:
    contents, _ = words(dataset)
    labels, codes = (metric(dataset, "codebook", key) for key in ("labels", "atoms"))
    raw, best = (metric(dataset, "baseline", "raw"), summary(dataset, "baseline_front_end"))
    return [
        f"{name_of(dataset)}: {labels or NONE} {contents}, {codes or NONE} codes",
        kind_of(summary(dataset, "source")),
        pair(read(ROOT / "metrics" / dataset / "summary.json"), ""),
        pair(raw or {}, ""),
        f"{pair(metric(dataset, 'baseline', best) or {}, '')} {best}" if best else NONE,
        pair(read(ROOT / "metrics" / dataset / "summary.json"), "bound_"),
        number(summary(dataset, "zero_shot")),
        beside(summary(dataset, "leakage"), figure_chance(dataset, "leakage")),
        number(summary(dataset, "swap_content_kept")),
        beside(summary(dataset, "swap_style_taken"), metric(dataset, "swap", "style_chance")),
    ]


def result_of_seeds(name: str, found: Any) -> Cells:
    """Median, and after it the worst seed where there are several, of what hangs on the seed."""
    middle, worst, chance = (found.get(key, {}) for key in ("median", "worst", "chance"))
    count = len(found["purity"])
    best = found.get("baseline_front_end")
    front_ends = found.get("front_ends", {})

    def seeds(figure: str) -> str:
        least = f", worst {number(worst.get(figure))}" if count > 1 else ""
        return number(middle.get(figure)) + least

    def with_chance(figure: str) -> str:
        return f"{seeds(figure)} ({number(chance.get(figure))})"

    return [
        f"{name_of(name)}: {found['labels']} {words(name)[0]}, {found['atoms']} codes",
        f"genuine, {count} seeds" if count > 1 else "genuine, one seed",
        pair(middle, "") + (f", worst {pair(worst, '')}" if count > 1 else ""),
        pair(front_ends.get("raw", {}), ""),
        f"{pair(front_ends.get(best, {}), '')} {best}" if best else NONE,
        pair(middle, "bound_"),
        seeds("zero_shot"),
        with_chance("leakage"),
        seeds("swap_content_kept"),
        with_chance("swap_style_taken"),
    ]


def pair(found: Any, kind: str) -> str:
    """Purity on the test split and on unseen styles, of those figures that `kind` begins."""
    values = [found.get(f"{kind}{name}") for name in ("purity", "zero_shot_purity")]
    return NONE if values == [None, None] else " / ".join(map(number, values))


def genuine_measured() -> dict[str, Any]:
    """Figures of the genuine corpora that there are, by name, in the order of the study."""
    stage = read_yaml(ROOT / "studies" / "genuine" / "dvc.yaml").get("stages", {}).get("corpus", {})
    found = {name: study("genuine", name) for name in stage.get("foreach", ())}
    return {name: figures for name, figures in found.items() if figures}


def codes() -> str:
    rows = []
    for dataset in datasets():
        found = metric(dataset, "codebook") or {}
        measured = (
            beside(found.get(name), found.get(f"chance_{name}"))
            for name in ("one_to_one", "purity", "macro_purity")
        )
        active = f"{found.get('active_codes', NONE)} of {found.get('atoms', NONE)}"
        perplexity = number(found.get("perplexity"), 1)
        fragments = count(found.get("fragments"))
        rows.append([name_of(dataset), fragments, *measured, active, perplexity])
    head = ["corpus", "fragments", "one-to-one (chance)", "purity (chance)"]
    return table([*head, "macro purity (chance)", "codes in use", "perplexity"], rows)


def unseen() -> str:
    rows = []
    for dataset in datasets():
        found = metric(dataset, "zero_shot") or {}
        rows.append(
            [
                f"{name_of(dataset)}: {words(dataset)[1]}",
                count(found.get("fragments")),
                beside(found.get("purity"), found.get("chance_purity")),
                beside(found.get("accuracy"), found.get("chance")),
                *(number(metric(dataset, "few_shot", f"samples_{k}", "accuracy")) for k in shots()),
                number(found.get("in_distribution")),
            ]
        )
    head = ["unseen styles", "fragments", "purity (chance)", "zero-shot (chance)"]
    head += [f"adapted to {k}" for k in shots()]
    return table([*head, "the same map on the test split"], rows)


def shots() -> list[int]:
    return [int(k) for k in listed(params()["defaults"]["split"]["few_shot"])]


def unseen_styles() -> str:
    rows = []
    for dataset in datasets():
        found = metric(dataset, "zero_shot") or {}
        if by_style := found.get("styles"):
            said = ", ".join(f"{name} {number(value, 2)}" for name, value in by_style.items())
        else:
            middle, worst = (number(found.get(f"style_{x}"), 2) for x in ("median", "worst"))
            said = f"{found.get('style_count', NONE)} styles: median {middle}, worst {worst}"
        rows.append([name_of(dataset), said])
    return table(["corpus", "zero-shot accuracy of each unseen style"], rows)


def baseline() -> str:
    rows = []
    for dataset in datasets():
        cells = [name_of(dataset)]
        for own, name in (
            (summary(dataset, "purity"), "purity"),
            (summary(dataset, "zero_shot_purity"), "zero_shot_purity"),
            (summary(dataset, "zero_shot"), "zero_shot"),
        ):
            raw, parts = (metric(dataset, "baseline", x, name) for x in ("raw", "components"))
            cells.append(f"{number(own)} / {number(raw)} / {number(parts)}")
        best = summary(dataset, "baseline_zero_shot_purity")
        own = summary(dataset, "zero_shot_purity")
        rows.append([*cells, number(own / best, 2) if own and best else NONE])
    head = ["corpus", "purity on test", "purity on unseen styles", "zero-shot"]
    return table([*head, "unseen purity, times the better k-means"], rows)


def retrieval() -> str:
    rows = []
    for dataset in datasets():
        contents, styles = words(dataset)
        cells = [f"{name_of(dataset)}: {contents}, {styles}"]
        for name in ("content_by_z_c", "style_by_z_s", "content_by_z_s", "style_by_z_c"):
            value, chance, perfect = (
                metric(dataset, "retrieval", name, key)
                for key in ("pr_auc", "chance_pr_auc", "perfect_pr_auc")
            )
            cells.append(f"{number(value)} ({number(chance)} to {number(perfect)})")
        rows.append(cells)
    head = ["PR-AUC (chance to faultless)", "content by `z_c`", "style by `z_s`"]
    return table([*head, "crossed: content by `z_s`", "crossed: style by `z_c`"], rows)


def leakage() -> str:
    probes = {
        "content_from_decoder_style": "content, from what the decoder reads",
        "content_from_z_s": "content, from `z_s`",
        "style_from_z_c": "style, from `z_c`",
        "content_from_z_c": "content, from `z_c`",
        "style_from_z_s": "style, from `z_s`",
    }
    rows = [
        [
            name_of(dataset),
            *(
                beside(*(metric(dataset, "leakage", probe, key) for key in ("accuracy", "chance")))
                for probe in probes
            ),
        ]
        for dataset in datasets()
    ]
    return table(["accuracy of a probe (chance)", *probes.values()], rows)


def swap() -> str:
    rows = []
    for dataset in datasets():
        cells = [name_of(dataset)]
        for kept, kind in (("content_kept", "content"), ("style_taken", "style")):
            cells.append(
                beside(metric(dataset, "swap", kept), metric(dataset, "swap", f"{kind}_chance"))
            )
            cells.append(number(metric(dataset, "swap", f"{kind}_ceiling")))
            cells.append(number(metric(dataset, "swap", f"{kind}_classifier_accuracy")))
        cells.append(number(metric(dataset, "swap", "style_taken_by_decoded")))
        rows.append(cells)
    judge = ["with the own style", "its judge on originals"]
    head = ["corpus", "content kept (chance)", *judge, "style taken (chance)", *judge]
    return table([*head, "style taken, by a judge taught on decodes"], rows)


def attributes() -> str:
    rows = []
    for dataset in datasets():
        for name, found in (metric(dataset, "swap", "attributes") or {}).items():
            taken = beside(found["taken"], found["chance"])
            rows.append([name_of(dataset), name, taken, number(found["classifier_accuracy"])])
    return table(["corpus", "attribute", "taken (chance)", "its judge on originals"], rows)


def verification() -> str:
    rows = [
        [
            name_of(dataset),
            number(summary(dataset, "style_rank"), 1),
            number(summary(dataset, "verification_style")),
            number(summary(dataset, "verification_content")),
            number(summary(dataset, "pnmi")),
        ]
        for dataset in datasets()
    ]
    head = ["corpus", "effective rank of `z_s`", "equal error rate by style"]
    return table([*head, "by content (chance 0.5)", "PNMI of codes"], rows)


def training() -> str:
    rows = [
        [
            name_of(dataset),
            count(metric(dataset, "train", "steps")),
            count(metric(dataset, "train", "best_step")),
            number(metric(dataset, "train", "validation_error"), 4),
            number(metric(dataset, "train", "validation_perplexity"), 1),
        ]
        for dataset in datasets()
    ]
    head = ["corpus", "updates", "kept is that of", "validation error", "perplexity of codes"]
    return table(head, rows)


# --- many seeds ---------------------------------------------------------------------------------


def study(name: str, dataset: str) -> Any:
    return read(ROOT / "studies" / name / "metrics" / f"{dataset}.json")


def seeds_table(dataset: str) -> str:
    found = study("seeds", dataset)
    if not found:
        return "Not measured yet: `make studies`.\n"
    seeds = [str(seed) for seed in found["one_to_one"]]
    targets, rows = TARGETS.get(dataset, {}), []
    for name, middle in found["median"].items():
        rows.append(
            [
                f"`{name}`",
                *(number(found[name].get(seed)) for seed in seeds),
                number(middle),
                number(found["worst"][name]),
                f"{'<=' if name in LOW else '>='} {targets[name]:.2f}" if name in targets else "",
                number(figure_chance(dataset, name)),
            ]
        )
    head = ["figure", *(f"seed {seed}" for seed in seeds), "median", "worst", "target", "chance"]
    return table(head, rows)


def published() -> str:
    rows = []
    for label, name in (("published", "published"), ("ours", "seeds")):
        found = study(name, "phonenums")
        seeds = list(study("published", "phonenums").get("one_to_one", {}))
        cells = [label]
        for figure in ("one_to_one", "zero_shot", "leakage"):
            values = [found.get(figure, {}).get(seed) for seed in seeds]
            cells.append(" ".join(number(value) for value in values) or NONE)
        rows.append(cells)
    chance = number(figure_chance("phonenums", "leakage"))
    head = ["choices", "one-to-one", "zero-shot", f"digit left in the style (chance {chance})"]
    return table(head, rows)


# Figures over K: what a column is called, its digits.
OVER_SIZES = {
    "macro_purity": ("macro purity", 3),
    "chance_macro_purity": ("by chance", 3),
    "purity": ("purity", 3),
    "one_to_one": ("one-to-one", 3),
    "zero_shot": ("zero-shot", 3),
    "active_codes": ("codes in use", 0),
    "perplexity": ("perplexity", 1),
    "swap_style_taken": ("style taken", 3),
    "swap_content_kept": ("content kept", 3),
    "leakage": ("left in the style", 3),
}


def sizes(dataset: str) -> str:
    """Figures of codebooks of several sizes: the median over the seeds, and the worst."""
    found = study("codes", dataset).get("by_atoms", {})
    if not found:
        return "Not measured yet: `make studies`.\n"
    rows = []
    for atoms, figures in found.items():
        row = [atoms, number(figures.get("published_macro_purity"))]
        for name, (_, digits) in OVER_SIZES.items():
            middle, worst = (
                number(figures[kind].get(name), digits) for kind in ("median", "worst")
            )
            alone = middle == NONE or name.startswith("chance")
            row.append(middle if alone else f"{middle} ({worst})")
        rows.append(row)
    head = ["K", "macro purity, published", *(label for label, _ in OVER_SIZES.values())]
    return table(head, rows)


def sweep() -> str:
    """What each figure of the sweep over K would have chosen, beside the number of contents."""
    names = ("between_seeds", "views", "agreement", "error", "perplexity")
    rows = []
    for dataset in studied("sweep"):
        if not (found := study("sweep", dataset)):
            continue
        choice = found["choice"]
        middle = found["by_atoms"][str(choice)]["middle"]
        others = [count(found["would_choose"][name]) for name in names]
        row = [name_of(dataset), count(found["contents"]), f"**{choice}**"]
        row += [number(middle["shared_codes"], 1), number(middle["between_seeds"], 2)]
        rows.append([*row, ", ".join(found["by_atoms"]), *others])
    if not rows:
        return "Not measured yet: `make studies`.\n"
    head = ["corpus", "contents", "chosen", "shared there", "AMI there", "out of", *names]
    return table(head, rows)


def study_code() -> str:
    """Whether the studies were trained by the code that the figures of one seed are of."""
    old = [
        name
        for name in params()["studies"]
        if any(study(name, dataset) and not same_code(name, dataset) for dataset in studied(name))
    ]
    if not old:
        return "The studies were trained by the same code as the models above.\n"
    which = " and ".join(f"`studies/{name}`" for name in old)
    return (
        f"**The figures of {which} are of an earlier version of the code** than the one that "
        "trained the models above; the next `make studies` makes them anew.\n"
    )


def studied(name: str) -> list[str]:
    found = params()["studies"][name]
    return [*listed(found["datasets"]), *listed(found.get("slow_datasets", []))]


def listed(value: Any) -> list[str]:
    """A list of params.yaml, which may be text with commas."""
    return [item.strip() for item in value.split(",")] if isinstance(value, str) else [*value]


def same_code(name: str, dataset: str) -> bool:
    """Whether a study's models are of the code of the main ones, as far as the locks tell."""
    code = trained_by(name, dataset)
    return bool(code) and code == main_code(dataset)


def trained_by(name: str, dataset: str) -> dict[str, str]:
    """Digests of the code that a study trained a dataset with, by file or folder."""
    folder = ROOT / "studies" / name
    below = folder / "corpora"  # of genuine corpora
    lock = (below if below.is_dir() else folder) / "dvc.lock"
    stages = read_yaml(lock).get("stages", {})
    for key, stage in stages.items():
        if re.match(rf"train\w*@{dataset}-", key):
            # paths of a study's lock are relative to its own folder, or to wdir, the project's
            return {dep["path"].removeprefix("../../"): dep["md5"] for dep in code_of(stage)}
    return {}


def main_code(dataset: str) -> dict[str, str]:
    stages = read_yaml(ROOT / "dvc.lock").get("stages", {})
    # a corpus that the main pipeline does not have is compared with any that it has
    trained = {name: stage for name, stage in stages.items() if name.startswith("train@")}
    stage: Any = trained.get(f"train@{dataset}") or next(iter(trained.values()), {})
    return {dep["path"]: dep["md5"] for dep in code_of(stage)}


def code_of(stage: Any) -> list[Any]:
    return [
        dep
        for dep in stage.get("deps", [])
        if dep["path"].removeprefix("../../").startswith(("v3/", "stages/"))
    ]


# --- the files ----------------------------------------------------------------------------------

TABLES: dict[str, Callable[[], str]] = {
    "results": results,
    "codes": codes,
    "unseen": unseen,
    "unseen-styles": unseen_styles,
    "baseline": baseline,
    "retrieval": retrieval,
    "leakage": leakage,
    "swap": swap,
    "attributes": attributes,
    "verification": verification,
    "training": training,
    "published": published,
    "study-code": study_code,
    "sizes-phonenums": lambda: sizes("phonenums"),
    "sizes-insnotes": lambda: sizes("insnotes"),
    "sweep": sweep,
    **{f"seeds-{name}": (lambda name=name: seeds_table(name)) for name in WORDS},
    **{name: (lambda text=text: text) for name, text in benchmark_tables().items()},
}


def documents() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def renewed(text: str) -> str:
    """A document with all its tables written anew; KeyError for a table that is not known."""
    return MARKED.sub(lambda found: f"{found[1]}{TABLES[found[2]]()}{found[3]}", text)


def main() -> int:
    parser = argparse.ArgumentParser(description="Write the tables of README.md and docs/ anew.")
    parser.add_argument("--check", action="store_true", help="write nothing, say what is stale")
    check = parser.parse_args().check
    stale = []
    for file in documents():
        before = file.read_text(encoding="utf-8")
        after = renewed(before)
        if after != before:
            stale.append(file.relative_to(ROOT).as_posix())
            if not check:
                file.write_text(after, encoding="utf-8")
    sources = "metrics/, studies/ and benchmarks/results/"
    said = f"its tables are not those of {sources}" if check else "renewed"
    for name in stale:
        print(f"{name}: {said}")
    if check and stale:
        print("error: run `make docs`.", file=sys.stderr)
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
