"""The widget of `tc.explore` in JupyterLab itself, where that is installed.

It is no requirement of the tests, since it brings a hundred packages: `pip install jupyterlab`.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.serve.serving import wait_until

pytest.importorskip("jupyterlab")
pytest.importorskip("ipykernel")
pytestmark = pytest.mark.slow

CELLS = [
    """import tilecppn as tc
scene = tc.Scene.of(cppn={"preset": "silk", "seed": 7}, canvas={"width": 300, "height": 200})
explorer = tc.explore(scene)
explorer""",
    "explorer.scene.save('found.toml')",
]


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """JupyterLab's page of a notebook with CELLS, in a folder of its own."""
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "execution_count": None,
            "id": f"cell{i}",
            "metadata": {},
            "outputs": [],
            "source": source,
        }
        for i, source in enumerate(CELLS)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook: dict[str, Any] = {"cells": cells, "metadata": {"kernelspec": kernel}}
    notebook |= {"nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "a.ipynb").write_text(json.dumps(notebook))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--allow-root", "--no-browser", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", "--IdentityProvider.token=t"]
    own = {name: str(tmp_path / name) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR")}
    with subprocess.Popen(command, cwd=tmp_path, env={**os.environ, **own}) as process:
        try:
            wait_until(lambda: answers(port))
            yield f"http://127.0.0.1:{port}/lab/tree/a.ipynb?token=t"
        finally:
            process.terminate()


def answers(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def test_sliders_and_the_wheel_change_the_scene_of_the_kernel(
    launch: Callable[[str], Browser], address: str, tmp_path: Path
) -> None:
    from tilecppn.scene.scene import Scene

    browser = launch("--disable-gpu")
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(60_000)
    page.goto(address)
    page.locator(".jp-Cell").first.click()
    page.keyboard.press("Shift+Enter")
    page.wait_for_selector(".tilecppn-controls input")
    assert page.locator(".tilecppn-view").bounding_box()["width"] > 200  # type: ignore[index]
    slider = page.locator(".tilecppn-controls label:has-text('z 0') input").bounding_box()
    assert slider is not None
    across = slider["y"] + slider["height"] / 2
    page.mouse.move(slider["x"] + slider["width"] / 2, across)
    page.mouse.down()
    page.mouse.move(slider["x"] + slider["width"] - 9, across, steps=5)
    page.mouse.up()
    page.fill(".tilecppn-controls label:has-text('seed') input", "12")
    page.hover(".tilecppn-view")
    page.mouse.wheel(0, -300)
    page.wait_for_timeout(2000)  # in which the kernel has its messages
    page.locator(".jp-Cell").nth(1).click()
    page.keyboard.press("Shift+Enter")
    wait_until(lambda: (tmp_path / "found.toml").exists())
    browser.close()
    found, begun = Scene.load(tmp_path / "found.toml"), Scene.of(cppn={"preset": "silk"})
    assert found.source.seed == 12
    assert found.z[0] > begun.z[0] + 1.0
    assert found.view.scale == pytest.approx(begun.view.scale / 2**0.8)
