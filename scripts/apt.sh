# For scripts to source: Debian's packages, where they can be installed without asking anybody.

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

apt() { # apt-get "$@", unasked and silent
    # ${...[@]+...}: an empty array counts as unset in the bash of macOS
    ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive apt-get -q "$@" >/dev/null
}
