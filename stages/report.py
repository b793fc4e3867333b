"""Write the page of a dataset's results, plots/<dataset>/report.html, and what it shows.

The page is text and links to the pictures of other stages; what its script draws lies in
plots/<dataset>/report. It opens from disk; what all pages load lies beside the index of them.
"""

from v3.base.cli import run

from v3.base.files import atomic_folder
from v3.evaluation.opened import open_model_and_data, stage_paths
from v3.report.dataset import page_values
from v3.report.page import write_page


def main() -> None:
    paths = stage_paths(__doc__)
    with open_model_and_data(paths) as opened, atomic_folder(paths.plots("report")) as folder:
        values = page_values(opened, folder)
    write_page(paths.plots("report.html"), "report.html.j2", values, root="../")


if __name__ == "__main__":
    run(main)
