"""Write plots/index.html, which leads to the page of every dataset."""

from v3.base.cli import StagePaths, corpus_parser, run

from v3.base.params_file import read_params_file
from v3.base.schema import SomeNames, read
from v3.report.figures import read_all_metrics
from v3.report.index import index_values
from v3.report.page import write_page


def main() -> None:
    corpus_parser(__doc__ or "").parse_args()
    datasets: tuple[str, ...] = read(SomeNames, read_params_file().get("datasets"), "datasets")
    metrics = {name: read_all_metrics(StagePaths(name)) for name in datasets}
    write_page("plots/index.html", "index.html.j2", index_values(metrics))


if __name__ == "__main__":
    run(main)
