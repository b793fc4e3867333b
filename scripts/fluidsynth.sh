#!/usr/bin/env bash
# Sees to FluidSynth, which renders the scores to sound: installs it where that can be done unasked.
set -euo pipefail

if command -v fluidsynth >/dev/null; then
    exit 0
fi

if ! "$(dirname "${BASH_SOURCE[0]}")/apt.sh" fluidsynth FluidSynth && command -v brew >/dev/null; then
    echo "Installing FluidSynth with brew"
    brew install --quiet fluid-synth || true
fi

if ! command -v fluidsynth >/dev/null; then
    echo "error: FluidSynth is missing and could not be installed from here: install it" \
        "(Debian, Ubuntu: sudo apt install fluidsynth; Fedora: sudo dnf install fluidsynth;" \
        "macOS: brew install fluid-synth) and run make again." >&2
    exit 1
fi
