"""Debian's Chromium, where there is one: what a person would open."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
SANDLESS = ["--no-sandbox", "--disable-dev-shm-usage"]  # as root, and with a small /dev/shm
needs_chromium = pytest.mark.skipif(
    not CHROMIUM, reason="there is no Chromium (apt-get install chromium)"
)


@contextmanager
def chromium() -> Iterator[Any]:
    """A running browser, as Playwright has it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=SANDLESS)
        yield browser
        browser.close()
