#!/bin/sh
# Make sure that FluidSynth, which renders InsNotes, can be called; install it where that is allowed.
if command -v fluidsynth > /dev/null; then
    exit 0
fi
echo "FluidSynth is not installed: installing it."
if command -v apt-get > /dev/null; then
    if [ "$(id -u)" = 0 ]; then
        as_root=
    elif sudo -n true 2> /dev/null; then
        as_root=sudo
    else
        as_root=false # asks for no password: the sentence below says what to do
    fi
    $as_root apt-get update -qq && $as_root apt-get install -y -qq --no-install-recommends fluidsynth
elif command -v brew > /dev/null; then
    brew install fluid-synth
fi
if ! command -v fluidsynth > /dev/null; then
    echo "error: FluidSynth is missing and could not be installed from here: install it" \
        "(Debian, Ubuntu: sudo apt-get install fluidsynth; macOS: brew install fluid-synth;" \
        "conda: conda install -c conda-forge fluidsynth) and run the same command again." >&2
    exit 1
fi
