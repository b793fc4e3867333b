"""The tables of the studies: many seeds, the published choices, codebooks of several sizes."""

from __future__ import annotations

from scripts.figures.cells import NONE, count, name_of, number, table
from scripts.figures.sources import figure_chance, params, same_code, studied, study

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
