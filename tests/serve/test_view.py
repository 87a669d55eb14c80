"""A scene and a store in work, served: what is answered, under load and to hostile requests."""

import asyncio
import contextlib
import random
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.serve.serving import ask, run_async, running, status
from tilecppn.errors import InvalidRequestError
from tilecppn.plan import Shard
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene
from tilecppn.serve import serve
from tilecppn.serve.pictures import ScenePicture
from tilecppn.serve.pyramids import Tile
from tilecppn.serve.server import Server, find
from tilecppn.storage.store import Store

SCENE = Scene.of(canvas={"width": 700, "height": 500}, output={"tile": 64, "shard": 256})
TILE = "/picture_files/10/3_2.png"


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scene") / "my scene.toml"
    path.write_text(SCENE.to_toml())
    return path


@pytest.fixture(scope="module")
def server(file: Path) -> Iterator[Server]:
    with running(serve(file)) as server:
        yield server


@pytest.fixture(scope="module")
def tile() -> bytes:
    return ScenePicture(SCENE, "").painter().paint(Tile(0, 2, 3), lambda: None).data


def test_a_scene_is_a_page_and_a_pyramid(server: Server, tile: bytes) -> None:
    response, page = ask(server, "/")
    assert (response.status, response.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]
    assert b"<title>my scene</title>" in page
    assert b'Width="700" Height="500"' in ask(server, "/picture.dzi")[1]
    assert b'TileSize="64"' in ask(server, "/picture.dzi")[1]
    assert ask(server, "/picture_files/openseadragon.min.js")[0].status == 200
    assert status(server) == {"finished": True}
    response, body = ask(server, TILE)
    assert (response.status, response.headers["Content-Type"], body) == (200, "image/png", tile)
    head, nothing = ask(server, TILE, "HEAD")
    assert (head.headers["Content-Length"], nothing) == (str(len(tile)), b"")


def test_tiles_are_kept_by_browsers(server: Server, file: Path) -> None:
    version = find(file).version  # type: ignore[union-attr]
    plain = ask(server, TILE)[0]
    assert plain.headers["Cache-Control"] == "no-cache"  # another picture may come to this port
    versioned = ask(server, f"{TILE}?v={version}")[0]
    assert "immutable" in versioned.headers["Cache-Control"]
    tag = plain.headers["ETag"]
    for path in (TILE, f"{TILE}?v={version}"):
        assert ask(server, path, If_None_Match=tag)[0].status == 304
    assert ask(server, TILE, If_None_Match='"other"')[0].status == 200
    assert ask(server, "/picture_files/10/3_3.png")[0].headers["ETag"] != tag
    assert f"?v={version}".encode() in ask(server, "/")[1]


@pytest.mark.parametrize(
    "path",
    [
        "10/11_0.png",
        "10/0_8.png",
        "11/0_0.png",
        "-1/0_0.png",
        "10/-1_0.png",
        "10/03_2.png",
        "010/3_2.png",
        "10/3_2.jpg",
        "10/3_2.png/",
        "10/3_2",
        f"10/{10**300}_0.png",
        f"{10**300}/0_0.png",
        "10/1e1_0.png",
        "10/٣_2.png",
        "10/%2e%2e/3_2.png",
        "../picture.dzi",
        "..%2fpage.py",
        "nothing.js",
    ],
)
def test_there_are_no_other_tiles(server: Server, path: str) -> None:
    assert ask(server, f"/picture_files/{quote(path, safe='/%')}")[0].status == 404


def test_a_store_in_work_is_shown_as_it_comes(tmp_path: Path) -> None:
    store = render(SCENE, tmp_path / "a.zarr", executor="local", workers=1)
    gone = Shard(0, 0, 0)
    for shard in (gone, *store.plan.ancestors(gone)):
        store.delete(shard)
    with running(serve(store.path)) as server:
        assert b'"status":"status.json"' in ask(server, "/")[1]
        assert status(server) == {"finished": False, "done": 6, "shards": 11}
        response, draft = ask(server, TILE)
        assert (response.status, response.headers["Cache-Control"]) == (200, "no-store")
        assert "ETag" not in response.headers
        there = ask(server, "/picture_files/10/7_5.png")[0]
        assert there.headers["Cache-Control"] == "no-cache"
        render(SCENE, store.path, executor="local", workers=1)
        response, final = ask(server, TILE)
        assert response.headers["Cache-Control"] == "no-cache"
        assert final != draft
    with running(serve(store.path)) as server:
        assert status(server) == {"finished": True, "done": 11, "shards": 11}
        assert b'"status":' not in ask(server, "/")[1]
        assert ask(server, TILE)[1] == final


def test_a_damaged_tile_is_an_error(tmp_path: Path) -> None:
    store = render(SCENE, tmp_path / "a.zarr", executor="local", workers=1)
    shard = store.file(Shard(0, 0, 0))
    shard.write_bytes(b"x" * shard.stat().st_size)
    with running(serve(store.path)) as server:
        response, body = ask(server, TILE)
        assert response.status == 500
        assert str(tmp_path).encode() not in body
        assert ask(server, "/picture_files/10/7_5.png")[0].status == 200


def test_with_other_values_the_scene_of_a_store_is_drawn(tmp_path: Path) -> None:
    store = render(SCENE, tmp_path / "a.zarr", executor="local", workers=1)
    picture = find(store.path, ["output.invert=true"])
    assert isinstance(picture, ScenePicture)
    assert picture.scene.output.invert
    assert Store(store.path).scene.cppn.sha256 == picture.scene.cppn.sha256


def test_what_cannot_be_drawn_here_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("[canvas]\nwidht = 3\n")
    with pytest.raises(InvalidRequestError, match="width"):
        serve(bad)
    with pytest.raises(InvalidRequestError, match="nothing"):
        serve(tmp_path / "nothing.toml")


HOSTILE = [
    b"GET /picture_files/10/99_0.png HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"GET /picture_files/../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: evil\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"GET http://evil/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\nx",
    b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 50_000,
    bytes(range(256)),
]


def test_many_at_once_all_get_their_answer(server: Server, tile: bytes) -> None:
    """500 connections: tiles, hostile requests, and clients that leave."""
    choose = random.Random(1)
    valid = f"GET {TILE} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    other = b"GET /picture_files/10/%d_%d.png HTTP/1.1\r\nHost: localhost\r\n\r\n"
    kinds = Counter[str]()

    async def one(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            if number % 5 == 4:  # asks for a tile and goes
                writer.write(other % (choose.randrange(11), choose.randrange(8)))
                await writer.drain()
                return
            expected = number % 5 < 2
            writer.write(valid if expected else HOSTILE[number % len(HOSTILE)])
            answer = await asyncio.wait_for(reader.read(), 60)
            code = answer[9:12]
            if expected:
                assert code in (b"200", b"503"), answer[:100]
                assert code == b"503" or answer.endswith(tile)
            else:
                assert code[:1] == b"4", answer[:100]
            kinds[code.decode()] += 1
        except ConnectionResetError:  # what it still sent was not read
            assert number % 5 in (2, 3)
        finally:
            writer.close()

    async def all_() -> None:
        await asyncio.gather(*(one(number) for number in range(500)))

    run_async(all_())
    assert kinds["200"] == 200  # the queue holds them: one tile is drawn once
    assert ask(server, TILE)[1] == tile


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_the_midst_of_work(file: Path, number: int) -> None:
    """Also SIGINT where the shell had it ignored, as for a command that ends with &."""
    command = [sys.executable, "-m", "tilecppn", "view", str(file), "--no-open"]
    slow = ["--set", "output.supersample=16", "--set", "output.tile=4096"]
    slow += ["--set", "output.tolerance=0", "--set", "canvas.width=4096"]
    process = subprocess.Popen(
        [*command, *slow, "--set", "output.shard=4096", "--set", "canvas.height=4096"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN) and None,
    )
    assert process.stdout is not None
    port = int(process.stdout.readline().rstrip("/\n").rpartition(":")[2])

    with contextlib.ExitStack() as stack:
        for request in [b"GET /picture_files/12/0_0.png"] * 4 + [b"HEAD /"]:
            client = stack.enter_context(socket.create_connection(("127.0.0.1", port), 30))
            client.sendall(request + b" HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200")
        process.send_signal(number)
        _, said = process.communicate(timeout=20)
    assert "Traceback" not in said
    assert process.returncode == 130


def test_a_scene_has_a_page_that_draws_itself(server: Server) -> None:
    assert 'href="live.html"' in ask(server, "/")[1].decode()
    response, page = ask(server, "/live.html")
    assert response.status == 200
    assert b"<title>my scene</title>" in page


@pytest.mark.parametrize("change", [{"about": {"share_scene": False}}, {"cppn": {"width": 200}}])
def test_what_no_page_can_draw_has_none(change: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(SCENE.replace(**change).to_toml())
    with running(serve(path)) as server:
        assert 'href="live.html"' not in ask(server, "/")[1].decode()
        assert ask(server, "/live.html")[0].status == 404
