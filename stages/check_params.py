"""Read the whole of params.yaml before any other stage runs; refuse what makes no sense.

DVC deletes a stage's outputs before it runs the stage. Every other stage comes after this one, so
a mistake in params.yaml ends here, with nothing else touched. The output never changes: a changed
parameter runs what depends on it and no more.
"""

from v3.base.cli import run

import argparse

from v3.base.errors import V3Error
from v3.base.files import atomic_file
from v3.base.params_file import PARAMS
from v3.base.pipelines import check_hidden
from v3.params import load_params

# Of what `-S` wrote into the file, too: DVC leaves it there, and nobody else may change the file.
MEND = (
    "mend it in params.yaml (`git diff params.yaml` shows what was changed there), or give -S "
    "again with a value that fits."
)


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    with atomic_file("data/params.ok") as beside:  # first: DVC has just deleted it
        beside.write_text("params.yaml is read before anything runs\n", encoding="utf-8")
    try:
        datasets = load_params().datasets
    except V3Error as error:
        if not PARAMS.is_file():
            raise
        raise V3Error(f"{error}; {MEND}") from None
    advice = check_hidden(datasets)
    if advice:
        print(f"note: {advice}")


if __name__ == "__main__":
    run(main)
