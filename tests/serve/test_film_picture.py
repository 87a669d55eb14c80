"""A film: its frames are pyramids with the pixels of its store, and the page has a slider."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from tests.decoding import by_pillow
from tests.serve.serving import ask, running, wait_until
from tests.serve.test_browser import beside, opened, settle, show
from tests.serve.test_live_page import keep
from tilecppn.film.animate import animate
from tilecppn.film.store import FilmStore
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.plan import Window
from tilecppn.scene.scene import Scene
from tilecppn.serve import serve
from tilecppn.serve.film_picture import FilmPicture
from tilecppn.serve.server import Server, find

SCENE = Scene.of(canvas={"width": 300, "height": 200}, output={"tile": 64, "shard": 128})
FILM = (
    SCENE.to_toml()
    + """
[film]
seconds = 2
fps = 4
samples = 2
[[keyframe]]
time = 0
latent = { seed = 1 }
[[keyframe]]
time = 2
latent = { seed = 2 }
view = { scale = 3.0 }
"""
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.toml"
    path.write_text(FILM)
    return path


@pytest.fixture(scope="module")
def store(file: Path) -> FilmStore:
    animate(Timeline.load(file), file.with_name("film.zarr"), executor="local", workers=1)
    return FilmStore(file.with_name("film.zarr"))


@pytest.fixture(scope="module")
def server(file: Path) -> Iterator[Server]:
    with running(serve(file)) as server:
        yield server


def test_frames_have_the_pixels_of_the_store(server: Server, store: FilmStore) -> None:
    for frame in (0, 3, 7):
        expected = np.moveaxis(store.read(frame, Window(64, 128, 128, 192)), 0, -1)
        response, body = ask(server, f"/frames/{frame}/picture_files/9/2_1.png")
        assert (response.status, response.headers["Content-Type"]) == (200, "image/png")
        np.testing.assert_array_equal(by_pillow(body), expected)
    first = ask(server, "/frames/0/picture_files/9/2_1.png")[1]
    assert ask(server, "/picture_files/9/2_1.png")[1] == first
    for path in ("/picture.dzi", "/frames/7/picture.dzi"):
        assert b'Width="300" Height="200"' in ask(server, path)[1]


@pytest.mark.parametrize("name", ["8", "-1", "01", "1e0", "9" * 300, "%31", "0/../1", "0%2f1", ""])
def test_there_are_no_other_frames(server: Server, name: str) -> None:
    expected = 200 if name == "%31" else 404  # an encoded 1
    assert ask(server, f"/frames/{name}/picture_files/9/2_1.png")[0].status == expected
    assert ask(server, f"/frames/{name}/picture.dzi")[0].status == expected


def test_only_films_have_frames(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(SCENE.to_toml())
    with running(serve(path)) as server:
        assert ask(server, "/frames/0/picture_files/9/2_1.png")[0].status == 404
        assert ask(server, "/frames/0/picture.dzi")[0].status == 404


def test_a_store_gives_its_frames_and_the_lost_ones_are_drawn(
    server: Server, store: FilmStore
) -> None:
    lost, changed = next(store.plan.frame_shards(1)), next(store.plan.frame_shards(2))
    data = {shard: store.file(shard).read_bytes() for shard in (lost, changed)}
    tile = "/frames/{}/picture_files/9/1_1.png"
    other = np.full((3, 128, 128), 9, np.uint8)
    try:
        store.delete(lost)
        store.write(changed, other)
        with running(serve(store.path)) as of_store:
            assert ask(of_store, tile.format(1))[1] == ask(server, tile.format(1))[1]
            np.testing.assert_array_equal(
                by_pillow(ask(of_store, tile.format(2))[1]), np.full((64, 64, 3), 9)
            )
    finally:
        for shard, content in data.items():
            store.file(shard).write_bytes(content)


def test_a_film_can_be_looked_at_by_its_file(file: Path, tmp_path: Path) -> None:
    animate(Timeline.load(file, fps=2), tmp_path / "a.gif", executor="local", workers=1)
    picture = find(tmp_path / "a.gif")
    assert isinstance(picture, FilmPicture)
    assert picture.frames == (4, 2.0)
    other = find(file, ["film.fps=1", "canvas.width=100"])
    assert isinstance(other, FilmPicture)
    assert (other.frames, other.scene.canvas.width) == ((2, 1.0), 100)
    assert isinstance(find(file), FilmPicture)
    assert Timeline.parse(picture.source).frames == 4


def shown_frame(page: Page) -> int:
    """The frame on the screen, once it is the one that the slider says."""
    script = """() => {
        const { source } = viewer.world.getItemAt(viewer.world.getItemCount() - 1);
        return source.tilesUrl.match(/frames.(\\d+)/)?.[1] ?? "0";
    }"""
    wait_until(lambda: page.evaluate(script) == page.input_value("#frame"))
    return int(page.input_value("#frame"))


def test_the_slider_and_playing(browser: Browser, file: Path, store: FilmStore) -> None:
    with running(serve(file)) as server, opened(browser, server.url) as page:
        assert page.text_content("#time") == "0:00.00 / 0:02.00"
        page.fill("#frame", "5")
        assert shown_frame(page) == 5
        wait_until(lambda: page.evaluate("location.hash") == "#frame=5")
        show(page, 1.0)
        keep(page, "film")
        whole = np.moveaxis(store.read(5, Window(0, 0, 200, 300)), 0, -1)
        np.testing.assert_array_equal(*beside(page, whole))
        page.keyboard.press(",")
        assert shown_frame(page) == 4
        page.keyboard.press("Space")
        wait_until(lambda: page.input_value("#frame") != "4")
        page.click("#play")
        assert page.get_attribute("#play", "aria-pressed") == "false"
        frame = shown_frame(page)
        wait_until(lambda: address(page) == frame)
        page.reload()
        settle(page)
        assert shown_frame(page) == address(page) == int(page.input_value("#frame")) == frame
        page.keyboard.press("?")
        assert "Play or pause" in page.inner_text("#keys")


def address(page: Page) -> int:
    """The frame in the page's address, which does not name the first."""
    _, _, number = page.evaluate("location.hash").partition("frame=")
    return int(number or 0)


def test_the_address_keeps_a_frame_that_is_still_loading(browser: Browser, file: Path) -> None:
    with running(serve(file)) as server, opened(browser, server.url) as page:
        page.route("**/frames/5/**", lambda route: None)  # no answer
        page.fill("#frame", "5")
        page.evaluate("viewer.viewport.zoomBy(2, null, true)")
        wait_until(lambda: page.evaluate("location.hash") != "")
        assert address(page) == 5
        page.unroute("**/frames/5/**")  # lets them go on
        assert shown_frame(page) == 5
