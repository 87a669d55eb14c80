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
