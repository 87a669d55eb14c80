"""The widget of `tc.explore`: what the kernel answers, and the page without Jupyter."""

import base64
import io
import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

import tilecppn as tc
from tests.serve.serving import wait_until
from tilecppn.notebook.explorer import Explorer
from tilecppn.serve.studio.drawing import small_picture

SCENE = tc.Scene.of(cppn={"preset": "silk", "seed": 7}, canvas={"width": 300, "height": 200})


class Told(list[tuple[Any, list[bytes]]]):
    """What a widget has sent to its views."""

    def __init__(self, widget: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.widget = widget
        monkeypatch.setattr(
            widget, "send", lambda content, buffers=(): self.append((content, list(buffers)))
        )

    def ask(self, **asked: Any) -> tuple[Any, list[bytes]]:
        """The answer to a message from a view."""
        self.widget._handle_custom_msg({"view": "a", "changes": {}, "side": 64, **asked}, [])
        return self[-1]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    return Told(tc.explore(SCENE), monkeypatch)


def test_a_view_gets_the_picture_that_it_asks_for(told: Told) -> None:
    content, (png,) = told.ask(side=120)
    assert content["scene"]["values"]["cppn"]["seed"] == 7
    found = np.moveaxis(np.asarray(Image.open(io.BytesIO(png))), -1, 0)
    np.testing.assert_array_equal(found, small_picture(SCENE, 120))
    assert told.widget.scene == SCENE


def test_a_change_becomes_the_scene(told: Told) -> None:
    seen: list[tc.Scene] = []
    told.widget.observe(lambda change: seen.append(change["new"]), "scene")
    told.ask(changes={"cppn": {"seed": 8}, "view": {"scale": 0.5}})
    assert told.widget.scene == SCENE.replace(cppn={"seed": 8}, view={"scale": 0.5})
    assert seen == [told.widget.scene]
    assert {"changed_by": "a"} in [content for content, _ in told]  # for other views


def test_a_scene_can_be_set(told: Told) -> None:
    told.widget.scene = SCENE.replace(cppn={"seed": 9})
    assert told == [({"changed_by": ""}, [])]
    assert told.ask()[0]["scene"]["values"]["cppn"]["seed"] == 9


@pytest.mark.parametrize(
    "changes",
    [{"cppn": {"sed": 1}}, {"view": {"scale": -1.0}}, {"cppn": {"weights": "/etc/passwd"}}, 3],
)
def test_what_is_no_change_is_said_in_a_line(told: Told, changes: Any) -> None:
    content, pictures = told.ask(changes=changes)
    assert content["error"]
    assert "\n" not in content["error"]
    assert pictures == []
    assert told.widget.scene == SCENE


def test_networks_and_paths_are_explored(tmp_path: Path) -> None:
    assert tc.explore(SCENE.cppn).scene.cppn == SCENE.cppn
    SCENE.save(tmp_path / "a.toml")
    assert tc.explore(tmp_path / "a.toml").scene == SCENE


def test_without_anywidget_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anywidget", None)
    monkeypatch.delitem(sys.modules, "tilecppn.notebook.explorer")
    with pytest.raises(tc.InvalidRequestError, match="notebook"):
        tc.explore(SCENE)


# ---- the page ------------------------------------------------------------------------------------

HOST = """<!DOCTYPE html><body style="margin: 0"><div id="cell"></div><script type="module">
const heard = [];
const model = {
  on: (name, run) => heard.push(run),
  off: () => {},
  send: async (content) => {
    for (const [answer, buffers] of JSON.parse(await window.ask(JSON.stringify(content)))) {
      const bytes = buffers.map((text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0)));
      const views = bytes.map(({ buffer }) => new DataView(buffer));
      for (const run of heard) run(answer, views);
    }
  },
};
window.changed = () => heard.forEach((run) => run({ changed_by: "" }, []));
const url = URL.createObjectURL(new Blob([SOURCE], { type: "text/javascript" }));
(await import(url)).default.render({ model, el: document.getElementById("cell") });
</script>"""


@pytest.fixture
def page(launch: Callable[[str], Browser], told: Told) -> Iterator[Page]:
    """The widget on a page, which asks `told`'s."""
    said: list[str] = []
    browser = launch("--disable-gpu")
    page = browser.new_page(viewport={"width": 1000, "height": 700})
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))

    def ask(text: str) -> str:
        first = len(told)
        told.ask(**json.loads(text))
        return json.dumps(
            [(c, [base64.b64encode(b).decode() for b in buffers]) for c, buffers in told[first:]]
        )

    page.expose_function("ask", ask)
    page.set_content(HOST.replace("SOURCE", json.dumps(str(told.widget._esm))))
    page.add_style_tag(content=str(told.widget._css))
    page.wait_for_selector(".tilecppn-controls input")
    if folder := os.environ.get("SCREENSHOTS"):
        page.wait_for_timeout(1000)
        page.screenshot(path=Path(folder, "explore.png"))
    yield page
    browser.close()
    assert said == []


def test_the_page_moves_and_changes_the_scene(page: Page, told: Told) -> None:
    widget = told.widget

    def wait(holds: Callable[[], bool]) -> None:
        def answered() -> bool:
            page.wait_for_timeout(20)  # in which the page has its answers
            return holds()

        wait_until(answered)

    assert page.locator("canvas").bounding_box()["width"] == 640  # type: ignore[index]
    page.fill("label:has-text('seed') input", "12")
    wait(lambda: widget.scene.source.seed == 12)
    view = widget.scene.view
    page.focus("canvas")
    page.keyboard.press("+")
    wait(lambda: widget.scene.view.scale < view.scale)
    assert widget.scene.view.scale == pytest.approx(view.scale / 1.25)
    assert widget.scene.view.center == pytest.approx(view.center, abs=1e-9)
    # Dragged by a quarter of its width: the point at the left quarter is in the middle.
    quarter = widget.scene.grid.points(np.array([[99.5]]), np.array([[74.5]]))
    page.mouse.move(160, 200)
    page.mouse.down()
    page.mouse.move(320, 200, steps=3)
    page.mouse.up()
    wait(lambda: np.allclose(widget.scene.view.center, [v.item() for v in quarter], atol=0.02))
    page.locator("label:has-text('z 0') input").evaluate(
        "field => { field.value = 0.5; field.dispatchEvent(new Event('input')); }"
    )
    wait(lambda: widget.scene.z[0] == 0.5)
    # At rest the picture is a full one, of the scene that the kernel has.
    wait(lambda: Image.open(io.BytesIO(told[-1][1][0])).size == (640, 427))
    assert widget.scene.source.seed == 12
    page.click("text=Back to the first view")
    wait(lambda: widget.scene.view == SCENE.view)
