#!/usr/bin/env bash
# Runs the whole pipeline. Every dataset trains on one thread, so as many run side by side as there
# are cores: the first one in sight, what runs beside it says what it has to say in scratch/logs, and
# here how far it is, once a minute.
#
# DVC locks what a stage reads and writes while it looks at it, even if nothing is to be done, and
# refuses what another process holds. So everything beside the first dataset's data is run stage by
# stage (--single-item), which looks at nothing that another dataset writes: check_params above all,
# which all data comes after. Only one process at a time makes data, on all cores. The last line looks
# at everything once more.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PWD/.venv/bin:$PATH"
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"

python scripts/corpora.py
dvc repro --quiet check_params
dvc repro --quiet --single-item report_shared # what all pages load is no dataset's
names=$(python -c 'from v3.params import load_params; print(*load_params().datasets)')
read -r -a datasets <<<"$names"
listed=$(dvc stage list --name-only)
stages=$(
    sed '/^summary@/,$d' <<<"$listed"
    dvc stage list --name-only evaluation/dvc.yaml
    sed -n '/^summary@/,$p' <<<"$listed" # what reads the evaluations
)
cores=$(python -c 'import os; print(os.cpu_count() or 1)')
logs=scratch/logs
claims=$(mktemp -d)
trap 'rm -rf "$claims"; kill $(jobs -p) 2>/dev/null || true' EXIT

# The stages that make a dataset's data and its split, in their order.
data_of() {
    local file=corpora/$1/dvc.yaml
    if [ -f "$file" ]; then dvc stage list --name-only "$file"; fi
    echo "split@$1"
}

# All stages of a dataset after its split, each after what it reads.
follow() {
    local targets
    targets=$(grep "@$1\$" <<<"$stages" | grep -v '^split@')
    # shellcheck disable=SC2086 # one word a stage
    dvc --wait-for-lock repro --single-item $targets
}

# "$@" with its output in a log; how far it is is said here too, and the end of the log if it fails.
aside() {
    local log=$logs/$1.log
    shift
    # grep finds nothing in short work, and fails then
    if "$@" 2>&1 | tee "$log" | { grep --line-buffered ' to go' || true; }; then return; fi
    echo "error: that failed; the end of $log:" >&2
    tail -n 5 "$log" >&2
    return 1
}

work() { # datasets that nobody has claimed, one after another; $1: how each is run
    for dataset in "${datasets[@]}"; do
        mkdir "$claims/$dataset" 2>/dev/null || continue
        if [ "$1" = aside ]; then
            echo "Beside this: $dataset"
            aside "$dataset" follow "$dataset" || return 1
            echo "Beside this: $dataset is done: metrics/$dataset/summary.json"
        else
            follow "$dataset"
        fi
    done
}

everything() {
    local first=${datasets[0]} others=() data= workers=()
    mkdir -p "$logs"
    dvc repro "split@$first"
    for dataset in "${datasets[@]:1}"; do
        while read -r stage; do others+=("$stage"); done < <(data_of "$dataset")
    done
    if [ ${#others[@]} -gt 0 ]; then
        echo "Beside this: the data of the other datasets"
        # nice: it works on all cores, and the first figures should not wait for it
        aside data nice -n 15 dvc --wait-for-lock repro --single-item "${others[@]}" &
        data=$!
    fi
    mkdir "$claims/$first"
    follow "$first"
    [ -z "$data" ] || wait "$data"

    for ((worker = 1; worker < cores && worker + 1 < ${#datasets[@]}; worker++)); do
        work aside &
        workers+=($!)
    done
    work here
    for worker in ${workers[@]+"${workers[@]}"}; do wait "$worker"; done
    dvc repro
}

# Asking takes seconds; going through every dataset takes a minute, even if there is nothing to do.
plan=$(dvc repro --dry 2>&1 || true) # what is wrong says itself when it runs
case $plan in
*"Data and pipelines are up to date."*) echo "Nothing has changed: nothing to do." ;;
*) everything ;;
esac

echo
echo "Done. The figures of each dataset:"
for dataset in "${datasets[@]}"; do
    echo "  metrics/$dataset/summary.json"
done
echo "A page of each is linked from plots/index.html, which opens in a browser. Pictures lie in"
echo "plots/<dataset>/, models in models/<dataset>/, sounds in sounds/<dataset>/. Go on with (after"
echo "\`source .venv/bin/activate\`): dvc metrics show, dvc plots show, dvc exp show."
