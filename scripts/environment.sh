#!/usr/bin/env bash
# Makes .venv with the pinned packages and this project's own, so that any script can import v3: once,
# and again when requirements.txt has changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=.venv
stamp=$venv/.installed # a copy of what it was made from: survives clocks and checkouts
made_from() { cat requirements.txt pyproject.toml; }

imports_v3() { # from elsewhere: here it could be imported anyway
    (cd / && "$OLDPWD/$venv/bin/python" -c 'import v3' 2>/dev/null)
}

if [ -f "$stamp" ] && made_from | cmp -s - "$stamp" && imports_v3; then
    exit 0
fi

if ! "$venv/bin/python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
    python=
    for candidate in "${PYTHON:-python3.11}" python3; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
            python=$candidate
            break
        fi
    done
    if [ -z "$python" ]; then
        echo "error: Python 3.11 is needed and neither python3.11 nor python3 is that version:" \
            "install it (Debian: sudo apt install python3.11 python3.11-venv," \
            "macOS: brew install python@3.11, anywhere: uv python install 3.11)" \
            "and run make again, with PYTHON=/path/to/it if it is not on PATH." >&2
        exit 1
    fi
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "error: this Python 3.11 cannot make virtual environments:" \
            "install python3-venv (Debian, Ubuntu: sudo apt install python3-venv" \
            "python3.11-venv) and run make again." >&2
        exit 1
    fi
    echo "Making $venv with $("$python" --version)"
    "$python" -m venv --clear "$venv"
fi

echo "Installing the pinned packages of requirements.txt into $venv (once, some minutes)"
pip() { "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }
if ! { pip -r requirements.txt && pip --no-deps --editable .; }; then
    echo "error: pip could not install requirements.txt, see above: mend that (often the network" \
        "or a full disk) and run make again, it goes on from there." >&2
    exit 1
fi
made_from >"$stamp"
