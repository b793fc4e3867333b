"""The tables of the main pipeline, of one seed: codes, unseen styles, retrieval, swaps, ..."""

from __future__ import annotations

from scripts.figures.cells import NONE, beside, count, name_of, number, table, words
from scripts.figures.sources import datasets, listed, metric, params, summary


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
