"""What every stage's command line shares: arguments, folders, and errors as one sentence."""

from __future__ import annotations

import argparse
import errno
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from v3.base.errors import V3Error


@dataclass(frozen=True)
class StagePaths:
    """Where a stage reads and writes: data is shared, results lie below `run`."""

    dataset: str
    run: Path = Path()

    @property
    def data(self) -> Path:
        return Path("data") / self.dataset

    @property
    def fragments(self) -> Path:
        return self.data / "fragments.h5"

    @property
    def split(self) -> Path:
        return self.data / "split.json"

    @property
    def model(self) -> Path:
        return self.run / "models" / self.dataset

    def metrics(self, stage: str) -> Path:
        return self.run / "metrics" / self.dataset / f"{stage}.json"

    def plots(self, stage: str) -> Path:
        return self.run / "plots" / self.dataset / stage


def stage_parser(description: str) -> argparse.ArgumentParser:
    """Arguments that every stage takes: the dataset, and the folder that results go below."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("dataset", help="a section of params.yaml")
    parser.add_argument(
        "--run",
        type=Path,
        default=Path(),
        help="folder that models/, metrics/ and plots/ are written below (default: here)",
    )
    return parser


def corpus_parser(description: str) -> argparse.ArgumentParser:
    """Arguments of a stage that only one corpus has: none but --help."""
    return argparse.ArgumentParser(description=description)


def run(main: Callable[[], None]) -> None:
    """Run a stage; what a user can mend ends as one sentence on stderr and exit code 1."""
    try:
        main()
    except V3Error as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        print("interrupted: run the same command again to go on.", file=sys.stderr)
        sys.exit(130)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        sys.exit(
            f"error: the disk is full while writing {error.filename or 'an output'}: "
            "make room (`dvc gc -w` drops unused results) and run the same command again."
        )
