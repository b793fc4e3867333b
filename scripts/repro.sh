#!/usr/bin/env bash
# Runs the whole pipeline. The datasets of params.yaml run one after another in sight, and where
# there are more cores, others beside them from the end of the list: each trains on one thread.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PWD/.venv/bin:$PATH"
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"

dvc repro check_params
names=$(python -c 'from v3.params import load_params; print(*load_params().datasets)')
read -r -a datasets <<<"$names"
cores=$(python -c 'import os; print(os.cpu_count() or 1)')
claims=$(mktemp -d)
trap 'rm -rf "$claims"; kill $(jobs -p) 2>/dev/null || true' EXIT
logs=scratch/logs
mkdir -p "$logs"

# Each dataset is run by whoever makes its folder in $claims first.
for ((worker = 1; worker < cores && worker < ${#datasets[@]}; worker++)); do
    (
        for ((i = ${#datasets[@]} - 1; i > 0; i--)); do
            dataset=${datasets[$i]}
            mkdir "$claims/$dataset" 2>/dev/null || continue
            log=$logs/$dataset.log
            echo "Beside this: $dataset (what it says goes to $log)"
            if dvc --wait-for-lock repro "summary@$dataset" >"$log" 2>&1; then
                echo "Beside this: $dataset is done: metrics/$dataset/summary.json"
            else
                echo "error: $dataset failed; the end of $log:" >&2
                tail -n 5 "$log" >&2
                exit 1
            fi
        done
    ) &
done
for dataset in "${datasets[@]}"; do
    mkdir "$claims/$dataset" 2>/dev/null || continue
    dvc --wait-for-lock repro "summary@$dataset"
done
failed=0
for job in $(jobs -p); do
    wait "$job" || failed=1
done
[ "$failed" -eq 0 ] || exit 1
dvc repro

echo
echo "Done. The figures of each dataset:"
for dataset in "${datasets[@]}"; do
    echo "  metrics/$dataset/summary.json"
done
echo "Pictures lie in plots/<dataset>/, models in models/<dataset>/. Go on with (after"
echo "\`source .venv/bin/activate\`): dvc metrics show, dvc plots show, dvc exp show."
