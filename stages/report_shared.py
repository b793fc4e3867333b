"""Write what all pages load, style and scripts, into plots/."""

from v3.base.cli import corpus_parser, run

from v3.report.page import write_shared


def main() -> None:
    corpus_parser(__doc__ or "").parse_args()
    write_shared("plots")


if __name__ == "__main__":
    run(main)
