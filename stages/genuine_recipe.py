"""Write the params.yaml that the stages of a genuine corpus read: its recipe, and whose it is."""

from v3.base.cli import run

import argparse

from v3.base.files import write_json
from v3.base.params_file import read_params_file
from v3.corpora.genuine import CORPORA, material, material_of, params_of, recipe_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", choices=CORPORA)
    corpus = parser.parse_args().corpus
    recipe = recipe_of(corpus, read_params_file())
    write_json(material_of(corpus), material(recipe))  # JSON is YAML
    write_json(params_of(corpus), recipe)


if __name__ == "__main__":
    run(main)
