#!/usr/bin/env bash
# Installs a Debian package where that can be done without asking anybody; exit code 1 elsewhere.
#   scripts/apt.sh <package> <its name in print>
set -euo pipefail

as_root=()
command -v apt-get >/dev/null || exit 1
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null && sudo -n true 2>/dev/null || exit 1
    as_root=(sudo -n)
fi

# ${...[@]+...}: an empty array counts as unset in older versions of bash
${as_root[@]+"${as_root[@]}"} apt-get update -q >/dev/null || true # an old list often suffices
apt-cache show "$1" >/dev/null 2>&1 || exit 1
echo "Installing $2 with apt-get"
${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "$1" >/dev/null
