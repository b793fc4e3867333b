"""Import own data, as `v3 new` wrote it down: a folder of pictures or sounds, a fragment file."""

from v3.base.cli import run, stage_parser

from pathlib import Path

from v3.base.errors import V3Error
from v3.base.files import atomic_file, link_or_copy
from v3.base.params_file import load_machine, load_section, read_params_file
from v3.fragments.labels import validate
from v3.own.audio import write_audio
from v3.own.images import write_images
from v3.own.params import SECTIONS, AudioParams, FileParams, ImagesParams, own_sections


def main() -> None:
    dataset = stage_parser(__doc__).parse_args().dataset
    path, root = Path("data") / dataset / "fragments.h5", Path()
    sections = own_sections(read_params_file().get(dataset, {}))
    if len(sections) != 1:
        raise V3Error(
            f"{dataset} must have one of the sections {', '.join(SECTIONS)}, which say what is "
            "imported: `v3 new` writes it."
        )
    workers = load_machine().workers
    if "images" in sections:
        images = load_section(dataset, "images", ImagesParams)
        write_images(root, images, dataset, path, workers)
    elif "audio" in sections:
        audio = load_section(dataset, "audio", AudioParams)
        write_audio(root, audio, dataset, path, workers)
    else:
        file = Path(load_section(dataset, "fragments", FileParams).file)
        validate(file)
        with atomic_file(path) as beside:
            beside.unlink()
            link_or_copy(file, beside, link=False)


if __name__ == "__main__":
    run(main)
