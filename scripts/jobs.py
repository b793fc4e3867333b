"""Runs a study as jobs, each in a clone of its own: on this machine or on a Slurm cluster.

    python scripts/jobs.py seeds --jobs 2                    two at a time, here
    python scripts/jobs.py seeds --executor slurm --cpus 2 --memory-gb 8 --minutes 240
    python scripts/jobs.py seeds --runs phonenums-3          one alone
    python scripts/jobs.py seeds --failed                    those that failed, again
    python scripts/jobs.py seeds --collect                   bring home what is done, submit nothing

A job trains and measures one run of studies/<name>/: one dataset with one seed, or one K and one
seed. It works in a clone of the commit below scratch/jobs/, which shares this checkout's DVC cache
and run cache. When it has succeeded, its figures, its part of the study's dvc.lock and its models
come here; of one that fails nothing does, and its clone stays, so that a training goes on where it
was. docs/cluster.md says more.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import submitit

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from study_runs import (  # noqa: E402
    EACH_RUN,
    Study,
    bring,
    changed,
    commit,
    environment,
    require_committed,
    summarise,
    work,
)

from v3.base.errors import V3Error  # noqa: E402

WAIT = {"local": 0.5, "slurm": 10.0}  # seconds between two looks


def main() -> None:
    args = parsed()
    try:
        study = Study(ROOT, args.study)
        if args.here:
            work(study, args.here, args.commit or commit(ROOT))
        else:
            sys.exit(run_all(study, args))
    except V3Error as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(
            "error: interrupted. Jobs on this machine have ended with it; those of Slurm go on: "
            f"`python scripts/jobs.py {args.study} --collect` brings home what is done."
        )


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("study", help="a folder below studies/")
    parser.add_argument("--runs", nargs="+", default=[], help="these alone, as phonenums-3")
    parser.add_argument("--failed", action="store_true", help="those alone that failed last time")
    parser.add_argument("--datasets", nargs="+", default=[], help="in place of the study's list")
    parser.add_argument("--collect", action="store_true", help="bring home what is done, no more")
    parser.add_argument("--executor", choices=("local", "slurm"), default="local")
    parser.add_argument("--jobs", type=int, default=1, help="at the same time (default: 1)")
    parser.add_argument("--cpus", type=int, default=1, help="of each job (Slurm)")
    parser.add_argument("--gpus", type=int, default=0, help="of each job")
    parser.add_argument("--memory-gb", type=int, default=8, help="of each job (Slurm)")
    parser.add_argument("--minutes", type=int, default=24 * 60, help="after which a job is ended")
    parser.add_argument("--partition", help="of Slurm")
    parser.add_argument(
        "--slurm", nargs="+", default=[], metavar="NAME=VALUE", help="of sbatch, as account=lab"
    )
    parser.add_argument("--here", metavar="RUN", help="what a job does: this run, in its clone")
    parser.add_argument("--commit", help="with --here: the commit that it clones")
    args = parser.parse_args()
    if args.jobs < 1:
        parser.error("--jobs must be 1 or more")
    return args


# --- the jobs, from outside ----------------------------------------------------------------------


def run_all(study: Study, args: argparse.Namespace) -> int:
    """Submit, wait, bring home; the exit code."""
    list_runs(study, args.datasets)
    runs = chosen(study, args)
    for run in runs:
        bring(study, run)  # what was done and not waited for
    if args.collect:
        left = [run for run in runs if study.clone(run).exists()]
        if left:
            print(f"Not done, or still at work: {', '.join(left)}")
    else:
        require_committed(ROOT)
        stale = changed(study, runs)
        todo = [run for run in runs if run in stale]
        for run in runs:
            if run not in todo:
                print(f"{run}: is there already")
        failed = submit(study, todo, args)
        if failed:
            names = " ".join(failed)
            print(
                f"error: {len(failed)} of {len(todo)} jobs failed: {', '.join(failed)}. What the "
                "others found is here. Again: "
                f"`python scripts/jobs.py {study.name} --runs {names}`",
                file=sys.stderr,
            )
            return 1
    summarise(study)
    return 0


def list_runs(study: Study, datasets: Sequence[str]) -> None:
    """Have scripts/studies.py write which runs there are, so that DVC sees them."""
    command = [sys.executable, str(ROOT / "scripts" / "studies.py"), study.name]
    command += ["--datasets", *datasets] if datasets else []
    done = subprocess.run(command, cwd=ROOT, env=environment(ROOT), check=False)
    if done.returncode:
        raise V3Error(f"the runs of studies/{study.name} cannot be listed, see above.")
    if not study.stages(EACH_RUN):
        raise V3Error(f"{study.pipeline} has no stage for each of its runs: `dvc repro` runs it.")


def chosen(study: Study, args: argparse.Namespace) -> list[str]:
    """All runs, or those that were asked for."""
    runs = study.keys("runs")
    for run in args.runs:
        if run not in runs:
            raise V3Error(f"--runs: {study.name} has no run {run}: {', '.join(runs)} are.")
    return [
        run
        for run in runs
        if (not args.runs or run in args.runs) and (not args.failed or note(study, run).is_file())
    ]


def submit(study: Study, runs: Sequence[str], args: argparse.Namespace) -> list[str]:
    """Run these as jobs and bring each home when it is done; the names of those that failed."""
    if not runs:
        return []
    executor = executor_of(study, args)
    here = commit(study.root)
    failed = []
    for run, job in at_work(executor, study, runs, here, args):
        error = job.exception()
        if error is None and bring(study, run):
            note(study, run).unlink(missing_ok=True)
            print(f"{run}: done", flush=True)
            continue
        failed.append(run)
        said = reason(job, error)
        note(study, run).write_text(said + "\n", encoding="utf-8")
        print(f"{run}: failed: {said} (log: {job.paths.stderr})", flush=True)
    return failed


def executor_of(study: Study, args: argparse.Namespace) -> submitit.Executor:
    """Of submitit, with what each job may use."""
    logs = study.work / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    try:
        executor = submitit.AutoExecutor(folder=logs, cluster=args.executor)
    except RuntimeError as error:
        raise V3Error(f"--executor {args.executor}: {error}") from None
    extra = dict(one.split("=", 1) for one in args.slurm if "=" in one)
    if len(extra) < len(args.slurm):
        raise V3Error("--slurm takes NAME=VALUE, as account=lab.")
    executor.update_parameters(
        name=f"v3-{study.name}",
        timeout_min=args.minutes,
        cpus_per_task=args.cpus,
        gpus_per_node=args.gpus,
        mem_gb=args.memory_gb,
        slurm_array_parallelism=args.jobs,
        **({"slurm_partition": args.partition} if args.partition else {}),
        **({"slurm_additional_parameters": extra} if extra else {}),
    )
    return executor


def at_work(
    executor: submitit.Executor,
    study: Study,
    runs: Sequence[str],
    here: str,
    args: argparse.Namespace,
) -> Iterator[tuple[str, submitit.Job]]:
    """The jobs as they end. Slurm is told how many at the same time; here we see to that."""

    def start(run: str) -> submitit.Job:
        command = [sys.executable, str(ROOT / "scripts" / "jobs.py"), study.name]
        command += ["--here", run, "--commit", here]
        (study.work / run).mkdir(parents=True, exist_ok=True)
        return executor.submit(submitit.helpers.CommandFunction(command, cwd=study.root))

    waiting, running = list(runs), {}
    if args.executor == "slurm":
        with executor.batch():
            running = {run: start(run) for run in waiting}
        waiting = []
    while waiting or running:
        while waiting and len(running) < args.jobs:
            run = waiting.pop(0)
            running[run] = start(run)
            print(f"{run}: begun", flush=True)
        ended = [run for run, job in running.items() if job.done()]
        for run in ended:
            yield run, running.pop(run)
        if not ended:
            time.sleep(WAIT[args.executor])


def reason(job: submitit.Job, error: BaseException | None) -> str:
    """Why a job failed, in a line: the stage's own sentence, if it said one."""
    log = job.paths.stderr
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    said = [line.strip() for line in lines if line.lower().startswith("error: ")]
    if said:
        return said[0]
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0]}" if error else "no result"


def note(study: Study, run: str) -> Path:
    """Where it stands that a run failed, and why."""
    return study.work / run / "failed.txt"


if __name__ == "__main__":
    main()
