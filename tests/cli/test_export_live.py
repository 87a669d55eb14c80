"""`tilecppn export --live`: the page that draws itself, beside the tiles."""

from pathlib import Path

from tests.cli.conftest import Cli
from tests.cli.results import ok, record
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store

LINK = '<a id="live" href="b%20c.live.html"'


def test_the_page_of_tiles_links_to_the_one_that_draws_itself(
    copied: Store, cli: Cli, tmp_path: Path
) -> None:
    made = record(cli("export", "a.zarr", "b c.dzi", "--live", "--json"))
    assert made["files"] == ["b c.dzi", "b c.html", "b c_files", "b c.live.html"]
    assert LINK in (tmp_path / "b c.html").read_text()
    live = tmp_path / "b c.live.html"
    assert "<title>b c</title>" in live.read_text()
    assert Scene.load(live) == copied.scene
    ok(cli("verify", "b c.dzi"))
    (tmp_path / "b c.html").write_text("damaged")
    ok(cli("verify", "b c.dzi", "--repair", "--store", "a.zarr"))
    assert LINK in (tmp_path / "b c.html").read_text()
    ok(cli("export", "a.zarr", "plain.dzi"))
    assert 'id="live"' not in (tmp_path / "plain.html").read_text()


def test_nothing_is_written_where_the_page_cannot_be(
    copied: Store, cli: Cli, tmp_path: Path
) -> None:
    (tmp_path / "b.live.html").write_text("mine")
    for arguments in (
        ("b.dzi",),
        ("b.szi",),
        ("c", "--layout", "iiif"),
        ("c.dzi", "--no-scene"),
        ("s3://bucket/c.dzi",),
    ):
        done = cli("export", "a.zarr", *arguments, "--live")
        assert done.exit_code == 2, arguments
        assert len(done.output.splitlines()) == 1, done.output
    assert (tmp_path / "b.live.html").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zarr", "b.live.html"]


def test_render_writes_it_too_and_keeps_it_when_it_is_resumed(
    scene: Scene, cli: Cli, tmp_path: Path
) -> None:
    render = ("render", "a.toml", "-o", "a.zarr", "--export", "b c.dzi", "--live", "--json")
    files = ["b c.dzi", "b c.html", "b c_files", "b c.live.html"]
    live, store = tmp_path / "b c.live.html", tmp_path / "a.zarr"
    live.write_text("mine")
    assert cli(*render).exit_code == 2
    assert not store.exists()
    live.unlink()
    assert record(cli(*render))["export"] == files
    assert LINK in (tmp_path / "b c.html").read_text()
    made = live.read_bytes()
    live.unlink()
    for _ in range(2):
        assert record(cli(*render))["export"] == files
        assert live.read_bytes() == made
    again = cli(*render, "--set", "cppn.seed=5", "--overwrite")
    assert record(again)["export"] == files
    assert live.read_bytes() != made
    assert Scene.load(live) == Scene.load(store)
