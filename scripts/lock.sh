#!/bin/sh
# Write requirements.txt anew from requirements.in, in a clean environment: `make lock`.
set -eu
python=${PYTHON:-python3.11}
clean=$(mktemp -d)
trap 'rm -rf "$clean"' EXIT
"$python" -m venv "$clean"
"$clean/bin/pip" install --quiet -r requirements.in
{
    echo "# Every package that was tested together: made by \`make lock\` from requirements.in, which says"
    echo "# what each is for. On Linux, PyTorch of PyPI brings its own CUDA packages, which it pins itself."
    # pip belongs to the environment; a local label (+cpu) is one index's and not everybody's.
    "$clean/bin/pip" freeze --all | grep -v '^pip==' | sed 's/+[^ ]*$//'
} > requirements.txt
