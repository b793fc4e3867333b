"""Write down the network that is trained, chosen by <dataset>.spec among <dataset>.specs.

Training depends on this file, so that an edit of a spec that is not used trains nothing.
"""

from v3.base.cli import StagePaths, run, stage_parser

from v3.base.files import write_json
from v3.base.params_file import load_section
from v3.model.spec import Specs, chosen_spec


def main() -> None:
    dataset = stage_parser(__doc__).parse_args().dataset
    specs = load_section(dataset, "specs", Specs)
    spec = chosen_spec(load_section(dataset, "spec", str), specs, dataset)
    write_json(StagePaths(dataset).spec, spec.to_dict())


if __name__ == "__main__":
    run(main)
