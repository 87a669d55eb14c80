"""The browser to look at pages with."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def browser(launch: Callable[[str], Browser]) -> Iterator[Browser]:
    """Headless Chromium, without a GPU."""
    chromium = launch("--disable-gpu")
    yield chromium
    chromium.close()


@pytest.fixture(scope="session")
def gpu_browser(launch: Callable[[str], Browser]) -> Iterator[Browser]:
    """Headless Chromium that draws, also on 2D canvases, as on a GPU, in software."""
    chromium = launch("--use-angle=swiftshader --enable-unsafe-swiftshader --disable-gpu-watchdog")
    yield chromium
    chromium.close()
