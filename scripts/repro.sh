#!/usr/bin/env bash
# Runs the whole pipeline, the datasets of params.yaml one after another: each has its figures
# before the next one starts.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export PATH="$PWD/.venv/bin:$PATH"

dvc repro check_params
datasets=$(python -c 'from v3.params import load_params; print(*load_params().datasets)')
for dataset in $datasets; do
    dvc repro "summary@$dataset"
done
dvc repro

echo
echo "Done. The figures of each dataset:"
for dataset in $datasets; do
    echo "  metrics/$dataset/summary.json"
done
echo "Pictures lie in plots/<dataset>/, models in models/<dataset>/. Go on with (after"
echo "\`source .venv/bin/activate\`): dvc metrics show, dvc plots show, dvc exp show."
