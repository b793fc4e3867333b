"""Write plots/index.html, which leads to the page of every dataset, and beside it what all load."""

from v3.base.cli import StagePaths, corpus_parser, run

from pathlib import Path

from v3.base.params_file import read_params_file
from v3.base.schema import SomeNames, read
from v3.report.figures import read_all_metrics
from v3.report.index import index_values
from v3.report.page import write_page, write_shared


def main() -> None:
    corpus_parser(__doc__ or "").parse_args()
    folder = Path("plots")
    datasets: tuple[str, ...] = read(SomeNames, read_params_file().get("datasets"), "datasets")
    metrics = {name: read_all_metrics(StagePaths(name)) for name in datasets}
    write_shared(folder)
    write_page(folder / "index.html", "index.html.j2", index_values(metrics))


if __name__ == "__main__":
    run(main)
