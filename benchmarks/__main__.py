"""How fast everything is, and how far from what the machine could do.

    python -m benchmarks                             all, some minutes (`make bench`)
    python -m benchmarks --only train/svhn embed     some; * stands for anything
    python -m benchmarks --list                      their names
    python -m benchmarks --device cuda --bf16 --length short --only train
    python -m benchmarks --repro                     `dvc repro` by stage, too, from nothing: hours
    python -m benchmarks --before v1.0.0             another commit first, then this one

The results go into benchmarks/results/<label>.json; `make docs` writes the tables of
docs/performance.md from those. Measure on a machine that does nothing else.
"""

from __future__ import annotations

from v3.base.cli import run

import argparse
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from threadpoolctl import threadpool_limits

from benchmarks import data, evaluation, machine, results, stages, training
from benchmarks.clock import LENGTHS, Length
from benchmarks.rows import Bench, Row, scratch
from v3.base.errors import V3Error
from v3.base.params_file import merge, read_params_file
from v3.params import parse_params
from v3.training.loop import choose_device, use_threads

ON_DEVICE = (training.measure, evaluation.embeddings)
ON_CPU = (evaluation.searches, evaluation.figures, data.measure)


def main() -> None:
    args = parsed()
    bench = begun(args)
    if args.list:
        print("\n".join(names(bench)))
        return
    if args.only and not any(map(bench.wants, names(bench))) and not args.repro:
        raise V3Error(
            f"--only {' '.join(args.only)} names no benchmark: `--list` prints what there is."
        )
    if args.before:
        measure_before(args)
    label = args.label or bench.device.type
    path = (args.out or results.FOLDER) / f"{label}.json"
    found = results.begin_or_go_on(path, about(args, bench, label), bool(args.only))
    with threadpool_limits(args.threads):
        found["peaks"] = machine.peaks(bench.device, precision(bench), bench.length)
        for name, value in found["peaks"].items():
            print(f"{name}: {value / 1e9:.1f} G/s", flush=True)
        bench.peaks.update(found["peaks"])
        for row in rows(bench):
            say(row)
            results.put(found["measured"], row)
            results.save(path, found)
        for name, profile in training.profiles(bench):
            print(f"profile of {name}: {profile['milliseconds']:.0f} ms", flush=True)
            found["profiles"][name] = profile
            results.save(path, found)
    if args.repro:
        with scratch() as folder:
            clone = stages.clone(machine.ROOT, folder / "v3")
            for row in stages.measure(clone, args.stages, args.threads):
                print(f"{row['name']}: {row['seconds']:.1f} s", flush=True)
                results.put(found["stages"], row)
                results.save(path, found)
    results.save(path, found)
    print(f"Written: {path}; `make docs` puts it into docs/performance.md.")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="measure these alone")
    parser.add_argument("--list", action="store_true", help="print the names and end")
    parser.add_argument("--length", choices=LENGTHS, default="usual", help="of each measurement")
    parser.add_argument("--threads", type=int, default=1, help="of the CPU (default: 1)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--bf16", action="store_true", help="as --set precision=bfloat16")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a parameter of training, as weights.agreement=0, in place of what params.yaml says",
    )
    parser.add_argument("--label", help="name of the results (default: the device's)")
    parser.add_argument("--out", type=Path, help="folder of the results")
    parser.add_argument("--repro", action="store_true", help="measure `dvc repro` by stage, too")
    parser.add_argument("--stages", nargs="+", default=[], help="what of it (default: all)")
    parser.add_argument("--before", metavar="REV", help="measure this commit first, as `before`")
    args = parser.parse_args()
    if args.threads < 1:
        parser.error("--threads must be 1 or more")
    return args


def begun(args: argparse.Namespace) -> Bench:
    """What all benchmarks are given; the threads are set."""
    params = parse_params(read_params_file(machine.ROOT / "params.yaml"))
    device = choose_device(args.device)
    use_threads(params.machine.model_copy(update={"threads": args.threads}))
    train: dict[str, Any] = {}
    for setting in args.set:
        name, _, value = setting.partition("=")
        said: Any = YAML(typ="safe").load(value)
        for part in reversed(name.split(".")):
            said = {part: said}
        train = merge(train, said)
    if args.bf16:
        train["precision"] = "bfloat16"
    length: Length = LENGTHS[args.length]
    return Bench(params, length, device, train, {}, args.only)


def names(bench: Bench) -> list[str]:
    """All benchmarks of the device by name."""
    found = [*training.names(bench), *(f"embed/{corpus}" for corpus in data.CORPORA)]
    if bench.device.type == "cpu":
        found += [f"retrieval/{count}x{size}" for count, size in evaluation.SIZES]
        found += [f"evaluate/{name}" for name in ("codebook", "leakage", "swap", "kmeans", "tsne")]
        found += [f"data/{name}/{step}" for name, steps in data.STEPS.items() for step in steps]
    return found


def rows(bench: Bench) -> Iterator[Row]:
    """Everything that was asked for, one after another."""
    for measure in (*ON_DEVICE, *(ON_CPU if bench.device.type == "cpu" else ())):
        yield from measure(bench)


def precision(bench: Bench) -> str:
    return str(bench.train.get("precision", "float32"))


def about(args: argparse.Namespace, bench: Bench, label: str) -> dict[str, Any]:
    return {
        "label": label,
        "commit": machine.commit(),
        "length": args.length,
        "train": dict(bench.train),
        "machine": machine.describe(bench.device, args.threads),
        "versions": machine.versions(),
    }


def say(row: Row) -> None:
    shares = ", ".join(f"{share:.2g} of {peak}" for peak, share in row["shares"].items())
    said = f"{row['name']}: {row['per_second']:,.1f} {row['unit']}/s"
    print(f"{said} ({shares})" if shares else said, flush=True)


def measure_before(args: argparse.Namespace) -> None:
    """The same of another commit, by these benchmarks, in a copy of it."""
    own = ["--before", args.before]
    rest = [word for word in sys.argv[1:] if word not in own and word != f"--before={args.before}"]
    with scratch() as folder:
        clone = stages.clone(machine.ROOT, folder / "v3")
        command = ["git", "-C", str(clone), "checkout", "--quiet", args.before]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise V3Error(f"--before {args.before} is no commit: {done.stderr.strip()}")
        shutil.rmtree(clone / "benchmarks", ignore_errors=True)
        shutil.copytree(machine.ROOT / "benchmarks", clone / "benchmarks")
        out = (args.out or results.FOLDER).resolve()
        command = [sys.executable, "-m", "benchmarks", *rest]
        command += ["--label", "before", "--out", str(out)]
        if subprocess.run(command, cwd=clone, check=False).returncode:
            raise V3Error(f"--before {args.before} could not be measured, see above.")


if __name__ == "__main__":
    run(main)
