#!/usr/bin/env bash
# Sees to FluidSynth, which renders the scores to sound: installs it where that can be done unasked.
set -euo pipefail

if command -v fluidsynth >/dev/null; then
    exit 0
fi

as_root=()
can_apt=no
if command -v apt-get >/dev/null; then
    if [ "$(id -u)" -eq 0 ]; then
        can_apt=yes
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        can_apt=yes
        as_root=(sudo -n)
    fi
fi

if [ "$can_apt" = yes ]; then
    echo "Installing FluidSynth with apt-get"
    # ${...[@]+...}: an empty array counts as unset in the bash of macOS
    ${as_root[@]+"${as_root[@]}"} apt-get update -q >/dev/null || true # an old list often suffices
    ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends fluidsynth >/dev/null || true
elif command -v brew >/dev/null; then
    echo "Installing FluidSynth with brew"
    brew install --quiet fluid-synth || true
fi

if ! command -v fluidsynth >/dev/null; then
    echo "error: FluidSynth is missing and could not be installed from here: install it" \
        "(Debian, Ubuntu: sudo apt install fluidsynth; Fedora: sudo dnf install fluidsynth;" \
        "macOS: brew install fluid-synth) and run make again." >&2
    exit 1
fi
