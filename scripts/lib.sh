# Read by the scripts beside it: where the project is, and the virtual environment that they share.
# shellcheck shell=sh

project=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd)
venv=$project/.venv

die() {
    echo "$(basename -- "$0"): $*" >&2
    exit 1
}

have() {
    command -v "$1" >/dev/null 2>&1
}

is_root() {
    [ "$(id -u)" = 0 ]
}

# apt_install PACKAGE…: what is lacking only, without questions; waits for another apt-get to end.
apt_install() {
    lacking=
    for package in "$@"; do
        dpkg-query --show --showformat '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            lacking="$lacking $package"
    done
    [ -n "$lacking" ] || return 0
    is_root && have apt-get || return 1
    echo "installing$lacking" >&2
    # shellcheck disable=SC2086 # a list of words
    apt_get install --no-install-recommends $lacking 2>/dev/null ||
        { apt_get update && apt_get install --no-install-recommends $lacking; }
}

# What it prints is of interest only when it fails.
apt_get() (
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 "$@" </dev/null >"$log" 2>&1 && exit 0
    tail -n 20 "$log" >&2
    exit 1
)

# The first Python that is new enough.
find_python() {
    for python in "${PYTHON:-python3}" python3 python3.14 python3.13 python3.12 python3.11; do
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && return 0
    done
    die "needs Python 3.11 or newer as python3 (or name one: PYTHON=/path/to/python3 $0)"
}

# Debian and Ubuntu keep the venv module's other half in a package of its own.
create_venv() {
    find_python
    "$python" -m venv --clear "$venv" >/dev/null 2>&1 && return 0
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if apt_install "python$version-venv" && "$python" -m venv --clear "$venv" >&2; then return 0; fi
    if "$python" -m pip --version >/dev/null 2>&1; then
        echo "no python$version-venv here: making .venv by virtualenv" >&2
        tools=$(mktemp -d)
        if "$python" -m pip install -q --target "$tools" virtualenv >&2 &&
            PYTHONPATH=$tools "$python" -m virtualenv -q --clear "$venv" >&2; then
            rm -rf "$tools"
            return 0
        fi
        rm -rf "$tools"
    fi
    rm -rf "$venv"
    die "cannot make a virtual environment: run 'sudo apt-get install python$version-venv', then this again"
}

# prepare_venv [EXTRA]: a .venv with the project (editable) and its EXTRA; does nothing, and says nothing, when that is so already.
# The stamp holds what was installed: pyproject.toml, and the place, since an environment cannot be moved.
prepare_venv() (
    if have flock; then # two scripts started at once
        exec 9<"$project/pyproject.toml"
        flock 9
    fi
    stamp=$venv/.installed${1:+-$1}
    wanted="$venv $(cksum <"$project/pyproject.toml")"
    [ -x "$venv/bin/python" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return 0
    "$venv/bin/python" -m pip --version >/dev/null 2>&1 || create_venv
    echo "installing logagent's Python packages into $venv" >&2
    "$venv/bin/python" -m pip install -q --disable-pip-version-check --editable "$project${1:+[$1]}" >&2 ||
        die "pip could not install the packages (see above): is a package index reachable?"
    for done in "$stamp" "$venv/.installed"; do # every extra includes what running needs
        echo "$wanted" >"$done"
    done
)
