#!/bin/sh
# Makes or refreshes .venv from a hash-locked file:  sh portal/run/venv.sh run|dev
# With uv when it is there, else with pip. A copy of the lock file in .venv tells what is installed; an
# environment made for the tests also runs the portal, so `make run` never takes anything out of it.
set -eu

want=$1
log=.venv/install.log

sorry() {
    echo "portal: $*" >&2
    exit 1
}

# Of our own kind and age?
works() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

if [ -e .venv/bin/python ] && works .venv/bin/python; then
    [ ! -e .venv/lock-dev.txt ] || want=dev
    cmp -s "requirements/$want.txt" ".venv/lock-$want.txt" && exit 0
else
    python=
    for candidate in ${PYTHON:-python3.13 python3.14 python3.12 python3.11 python3 python}; do
        if works "$candidate"; then
            python=$candidate
            break
        fi
    done
    [ -n "$python" ] || sorry "needs Python 3.11 or newer, and finds none (PYTHON=/path/to/python make run)."
    rm -rf .venv
    if command -v uv >/dev/null 2>&1; then
        uv venv --quiet --no-project --python "$(command -v "$python")" .venv || sorry "uv could not make .venv."
    else
        "$python" -m venv .venv >/dev/null 2>&1 ||
            sorry "$python cannot make an environment; on Debian: apt-get install python3-venv."
    fi
fi

rm -f .venv/lock-*.txt
if command -v uv >/dev/null 2>&1; then
    echo "Installing requirements/$want.txt with uv"
    uv pip install --quiet --python .venv/bin/python --require-hashes \
        -r "requirements/$want.txt" >"$log" 2>&1 && done=yes || done=
else
    echo "Installing requirements/$want.txt with pip"
    .venv/bin/python -m pip --version >/dev/null 2>&1 || .venv/bin/python -m ensurepip >/dev/null 2>&1 ||
        sorry ".venv has no pip, and there is no uv; remove .venv and start again."
    .venv/bin/python -m pip install --quiet --no-input --disable-pip-version-check --no-compile \
        --require-hashes -r "requirements/$want.txt" >"$log" 2>&1 && done=yes || done=
fi
if [ -z "$done" ]; then
    tail -n 15 "$log" | sed 's/^/  | /' >&2
    sorry "installing requirements/$want.txt failed; all of it is in $log."
fi
cp "requirements/$want.txt" ".venv/lock-$want.txt"
