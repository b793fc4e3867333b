"""Put the figures that matter, from the other metric files of a dataset, into one flat file."""

from v3.cli import StagePaths, run, stage_parser
from v3.files import read_json, write_json

FIGURES = {  # name: the stage, and where in its metric file
    "one_to_one": ("codebook", "one_to_one"),
    "purity": ("codebook", "purity"),
    "zero_shot": ("zero_shot", "accuracy"),
    "leakage": ("leakage", "content_from_decoder_style", "accuracy"),
    "pr_auc_content": ("retrieval", "content_by_z_c", "pr_auc"),
    "pr_auc_style": ("retrieval", "style_by_z_s", "pr_auc"),
    "pr_auc_content_crossed": ("retrieval", "content_by_z_s", "pr_auc"),
    "pr_auc_style_crossed": ("retrieval", "style_by_z_c", "pr_auc"),
    "swap_content_kept": ("swap", "content_kept"),
    "swap_style_taken": ("swap", "style_taken"),
}
STAGES = ("codebook", "zero_shot", "few_shot", "leakage", "retrieval", "swap")


def main() -> None:
    args = stage_parser(__doc__).parse_args()
    paths = StagePaths(args.dataset, args.run)
    metrics = {stage: read_json(paths.metrics(stage)) for stage in STAGES}
    summary = {"source": metrics["codebook"]["source"]}
    for name, place in FIGURES.items():
        value = metrics
        for key in place:
            value = value[key]
        summary[name] = value
        if name == "zero_shot":  # what adapting makes of it belongs beside it
            summary |= few_shot(metrics["few_shot"])
    write_json(paths.metrics("summary"), summary)


def few_shot(metrics: dict) -> dict[str, float]:
    """few_shot_<k> for every number of samples adapted to."""
    counts = [key for key in metrics if key.startswith("samples_") and key != "samples_0"]
    return {key.replace("samples", "few_shot"): metrics[key]["accuracy"] for key in counts}


if __name__ == "__main__":
    run(main)
