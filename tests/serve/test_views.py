"""A zoom into a network with detail goes on beyond the canvas, in views of the plane."""

import itertools
import tomllib
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from tests.serve.serving import ask, running, wait_until
from tests.serve.test_browser import opened, screen, settle
from tests.serve.test_live_page import copied_view, keep
from tilecppn.kernels import create
from tilecppn.pixels.preview import preview
from tilecppn.pixels.renderer import render_window
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene
from tilecppn.serve import serve
from tilecppn.serve.views import SIDE, contrast_scale, drawn_view, place_of

SCENE = Scene.of(
    cppn={"preset": "jupiter", "seed": 3, "width": 9},
    canvas={"width": 900, "height": 700},
    view={"rotation": 30.0},
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("views") / "a.toml"
    path.write_text(SCENE.to_toml())
    return path


def test_a_view_is_named_by_numbers_within_bounds() -> None:
    place = place_of(SCENE, "views/0.25_-1e-7_1.5e-3")
    assert place is not None
    view = place.view
    assert (view.center, view.scale, view.rotation) == ((0.25, -1e-7), 1.5e-3, 30.0)
    assert place.measured == view.center
    later = place_of(SCENE, "views/0.25_0_1.5e-3_0.26_0.01_1e-6")
    assert later is not None
    assert later[1:] == ((0.26, 0.01), 1e-6)
    for name in (
        "0_0_0",
        "0_0_-1",
        "0_0_1e9",
        "1e300_0_1",
        "0_0_1e-300",
        "0.5_0.5_1e-13",
        "nan_0_1",
        "0_0",
        "0_0_1_1",
        "0_0_1_1_1",
        "0_0_1_1e300_0_1",
        "0_0_1_0_0_0",
        "0_0_1_0_0_1_1",
        "0_0_1e-9999",
        f"0_0_0.{'1' * 40}",
        "0x1_0_1",
        " 0_0_1",
        "٣_0_1",
    ):
        assert place_of(SCENE, f"views/{name}") is None, name


@pytest.mark.parametrize(
    "scene",
    [
        Scene.of(cppn={"preset": "hardmaru"}),
        SCENE.replace(view={"mirror": "x"}),
        SCENE.replace(view={"aspect": "stretch"}),
    ],
)
def test_other_scenes_have_none(scene: Scene) -> None:
    assert place_of(scene, "views/0_0_0.1") is None


def test_contrast_changes_with_the_pixels_and_never_jumps() -> None:
    for side in (64, 1024, 16384):
        scene = SCENE.replace(canvas={"width": side, "height": side})
        own = scene.grid.step[0]
        steps = [own * 2.0 ** (-k / 8) for k in range(-40, 200)]
        scales = [contrast_scale(scene, step) for step in steps]
        assert scales[0] == scene.view.scale
        assert scales[-1] == pytest.approx(384 * steps[-1])
        ratios = [a / b for a, b in itertools.pairwise(scales)]
        assert min(ratios) >= 1.0 - 1e-9
        assert max(ratios) <= 2.0**0.25 + 1e-9  # two octaves each octave


@pytest.mark.parametrize("halvings", [3, 30])
def test_the_next_view_has_the_same_pixels_where_both_are_seen(halvings: int) -> None:
    step = SCENE.grid.step[0] * 2.0**-halvings  # of the first view's finest level
    moved, side = 1500, SIDE // 4  # of the second's level with the same pixels
    scene = SCENE.replace(view={"rotation": 0.0})
    first = f"0.25_-0.1_{step * SIDE / 2!r}"
    second = f"{0.25 + moved * step!r}_-0.1_{step * side / 2!r}_0.25_-0.1_{step!r}"
    drawn = []
    for name, size, left in ((first, SIDE, moved), (second, side, 0)):
        place = place_of(scene, f"views/{name}")
        assert place is not None
        level, context = drawn_view(scene, place, size).moments[0]
        at = (size // 2, size // 2 + left)
        window = Window(*at, at[0] + 64, at[1] + 64)
        drawn.append(render_window(create("auto", context), level, window).astype(int))
    # Nodes of the local fineness lie elsewhere on the plane.
    differences = np.abs(drawn[0] - drawn[1])
    assert differences.max() <= 3
    assert differences.mean() < 0.2


def test_a_view_has_the_pixels_of_its_scene(file: Path) -> None:
    with running(serve(file)) as server:
        finest = SIDE.bit_length() - 1
        response, _ = ask(server, f"/views/0.1_0.2_1e-3/picture_files/{finest}/3_4.png")
        assert response.status == 200
        dzi = ask(server, "/views/0.1_0.2_1e-3/picture.dzi")[1]
        assert f'Width="{SIDE}" Height="{SIDE}"'.encode() in dzi
        for path in (f"{finest}/{SIDE // 512}_0", f"{finest + 1}/0_0"):
            assert ask(server, f"/views/0.1_0.2_1e-3/picture_files/{path}.png")[0].status == 404
        for name in ("0.1_0.2_-1", "nan_0_1", "0_0_1e-300"):
            assert ask(server, f"/views/{name}/picture_files/13/3_4.png")[0].status == 404


def expected(view: str, height: int, width: int) -> np.ndarray:
    """The scene of a copied view, drawn in the size of the window."""
    return preview(Scene.parse(view).replace(canvas={"width": width, "height": height}), width)


def beyond(page: Page) -> bool:
    """Whether a view has taken the place of the scene, and all of it is loaded."""
    return bool(page.evaluate("viewer.world.getItemCount() === 1 && !map.checkVisibility()"))


@pytest.mark.slow
@pytest.mark.parametrize("scale", [1e-2, 1e-9])
def test_the_page_shows_the_view_of_its_address(browser: Browser, file: Path, scale: float) -> None:
    place = f"#center=0.4321,-0.1234&scale={scale}&rotation=30"
    with running(serve(file)) as server, opened(browser, server.url + place) as page:
        page.set_default_timeout(60_000)
        wait_until(lambda: beyond(page))
        settle(page)
        keep(page, f"view {scale}")
        shot = screen(page).astype(int)
        view = tomllib.loads(copied_view(page))["view"]
        assert view["center"] == pytest.approx([0.4321, -0.1234], abs=1e-3 * scale)
        assert view["scale"] == pytest.approx(scale)
        height, width = shot.shape[:2]
        off = np.abs(shot - expected(copied_view(page), height, width))[100:-100, 100:-100]
        assert off.mean() < 12.0  # the contrast is that of a window a little larger


# Of one frame: each level's opacity, and the part of the window that its tiles cover.
DRAWN = """() => new Promise((resolve) => {
    const levels = {}, seen = viewer.viewport.getBounds(true);
    const note = ({ tile: { level, opacity, bounds } }) => {
        const part = bounds.intersection(seen);
        const area = part ? part.width * part.height / (seen.width * seen.height) : 0;
        levels[level] = [opacity, (levels[level]?.[1] ?? 0) + area];
    };
    viewer.addHandler("tile-drawing", note);
    viewer.addOnceHandler("update-viewport", () => {
        viewer.removeHandler("tile-drawing", note);
        resolve(Object.values(levels));
    });
    viewer.forceRedraw();
})"""


@pytest.mark.slow
def test_in_views_a_level_appears_over_all_of_the_next_coarser_one(
    browser: Browser, file: Path
) -> None:
    place = "#center=0.4321,-0.1234&scale=0.015&rotation=30"
    with running(serve(file)) as server, opened(browser, server.url + place) as page:
        for factor in (1.0, 5.1, 1.6, 0.3, 0.1):
            page.evaluate(f"viewer.viewport.zoomBy({factor}); 0")
            settle(page)
            assert beyond(page)
            coarse, fine = page.evaluate(DRAWN)
            assert coarse == pytest.approx([1.0, 1.0], abs=1e-3)
            assert 0.0 < fine[0] < 1.0
            assert fine[1] == pytest.approx(1.0, abs=1e-3)


@pytest.mark.slow
def test_zooming_in_and_out_again(browser: Browser, file: Path) -> None:
    with running(serve(file)) as server, opened(browser, server.url) as page:
        start = screen(page)
        page.mouse.move(600, 300)
        for _ in range(16):
            page.mouse.wheel(0, -300)
            page.wait_for_timeout(50)
        wait_until(lambda: beyond(page))
        settle(page)
        keep(page, "zoomed")
        height, width = start.shape[:2]
        shot = screen(page).astype(int)
        off = np.abs(shot - expected(copied_view(page), height, width))[100:-100, 100:-100]
        assert off.mean() < 12.0
        page.click("#info")
        page.click("#home")
        settle(page)
        assert np.abs(screen(page).astype(int) - start).max() <= 1
        assert page.evaluate("location.hash") == ""
