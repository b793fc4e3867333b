#!/usr/bin/env bash
# Sees to Chromium, in which the page of plots is tested: installs it where that can be done unasked.
# Without one these tests are skipped, all others run.
set -euo pipefail

found() {
    command -v chromium || command -v google-chrome || command -v google-chrome-stable ||
        command -v chrome || [ -x "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" ]
}

if found >/dev/null; then
    exit 0
fi

# Ubuntu has it as a snap alone, which cannot read the folders of tests, and no such package.
"$(dirname "${BASH_SOURCE[0]}")/apt.sh" chromium Chromium || true

if ! found >/dev/null; then
    echo "note: there is no Chromium or Chrome and none could be installed from here, so the page" \
        "of plots is not tested (Debian: sudo apt install chromium; else Google Chrome)." >&2
fi
