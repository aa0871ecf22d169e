"""Which Chromium, and how it is started."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from playwright.sync_api import Browser, Playwright

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""The first is Chromium without the window around the page, which takes a quarter of the time to open one."""

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

FOR_PICTURES = "--font-render-hinting=none"
"""Letters stand where the font wants them, not where pixels are: without a window Chromium does otherwise."""

NONE_FOUND = "No Chromium here: set CHROMIUM=/path/to/chromium, or install chromium-headless-shell."


def find(playwright: Playwright) -> str | None:
    """The path of a Chromium: the one named by CHROMIUM, one on the PATH, or Playwright's own."""
    named = os.environ.get("CHROMIUM", "")
    for name in (named,) if named else NAMES:
        if path := shutil.which(name):
            return path
    own = playwright.chromium.executable_path
    return own if Path(own).exists() else None


def launch(playwright: Playwright, path: str, *flags: str) -> Browser:
    return playwright.chromium.launch(executable_path=path, args=[*FLAGS, *flags])
