#!/bin/sh
# Prints the path of a Chromium for the browser tests; installs one when there is none. Fails when it cannot.
set -u

find_one() {
    for name in ${CHROMIUM:-} chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable; do
        command -v "$name" && return 0
    done
    [ -x .venv/bin/python ] || return 1
    path=$(.venv/bin/python -c '
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)' 2>/dev/null)
    [ -x "$path" ] && echo "$path"
}

find_one && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing Chromium with apt-get" >&2
    apt-get update -qq >/dev/null 2>&1
    export DEBIAN_FRONTEND=noninteractive
    for name in chromium-headless-shell chromium; do  # older releases have only the latter
        apt-get install -qq --no-install-recommends "$name" >/dev/null 2>&1 && break
    done
    find_one && exit 0
fi
echo "Installing Chromium with playwright" >&2
.venv/bin/python -m playwright install chromium >/dev/null 2>&1
find_one
