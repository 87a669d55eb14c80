"""The server gives one export and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from tilecppn.errors import ExportError
from tilecppn.serve import serve
from tilecppn.serve.server import ExportServer

NAME = "my #1 poster"
PAGE = "/my%20%231%20poster.html"
FILES = "/my%20%231%20poster_files"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A folder with an export's files, and with some that are none of it."""
    folder = tmp_path / "out"
    tiles = folder / f"{NAME}_files" / "0"
    tiles.mkdir(parents=True)
    (tiles / "0_0.png").write_bytes(b"tile")
    (tiles.parent / "openseadragon.min.js").write_text("1;")
    (folder / f"{NAME}.html").write_text("<p>page")
    (folder / f"{NAME}.dzi").write_text("<Image/>")
    (folder / "secret.txt").write_text("secret")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


@pytest.fixture
def server(export: Path) -> Iterator[ExportServer]:
    with serve(export) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def ask(
    server: ExportServer, path: str, method: str = "GET", **headers: str
) -> tuple[HTTPResponse, bytes]:
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, headers=named)
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("path", "kind", "body"),
    [
        (PAGE, "text/html; charset=utf-8", b"<p>page"),
        ("/my%20%231%20poster.dzi", "application/xml", b"<Image/>"),
        (f"{FILES}/0/0_0.png", "image/png", b"tile"),
        (f"{FILES}/0/0_0.png?v=1", "image/png", b"tile"),
        (f"{FILES}/openseadragon.min.js", "text/javascript; charset=utf-8", b"1;"),
    ],
)
def test_gives_the_export(server: ExportServer, path: str, kind: str, body: bytes) -> None:
    response, got = ask(server, path)
    assert (response.status, response.headers["Content-Type"], got) == (200, kind, body)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    head, nothing = ask(server, path, "HEAD")
    assert (head.status, head.headers["Content-Length"], nothing) == (200, str(len(body)), b"")


def test_root_leads_to_the_page(server: ExportServer) -> None:
    response, _ = ask(server, "/")
    assert (response.status, response.headers["Location"]) == (302, PAGE)
    assert server.url == f"http://127.0.0.1:{server.server_port}{PAGE}"


def test_unchanged_file_is_not_sent_again(server: ExportServer, export: Path) -> None:
    tag = ask(server, PAGE)[0].headers["ETag"]
    assert ask(server, PAGE, If_None_Match=tag)[0].status == 304
    (export / f"{NAME}.html").write_text("<p>a new page")
    response, body = ask(server, PAGE, If_None_Match=tag)
    assert (response.status, body) == (200, b"<p>a new page")


@pytest.mark.parametrize(
    "path",
    [
        "/secret.txt",
        "/../secret.txt",
        f"{FILES}/../secret.txt",
        f"{FILES}/%2e%2e/secret.txt",
        f"{FILES}/..%2fsecret.txt",
        f"{FILES}/0/../../secret.txt",
        f"{FILES}/..\\secret.txt",
        f"{FILES}//0/0_0.png",
        f"{FILES}/./0/0_0.png",
        f"{FILES}/0%2f0_0.png",
        f"{FILES}/0/0_0.png%00",
        f"{FILES}/0/0_0.png/",
        f"{FILES}/0/0_1.png",
        f"{FILES}/0/",
        f"{FILES}/0",
        f"{FILES}/",
        FILES,
        f"/x{FILES}/0/0_0.png",
        "//secret.txt",
        "/favicon.ico",
        "/%ff",
        "*",
    ],
)
def test_gives_nothing_else(server: ExportServer, path: str) -> None:
    response, body = ask(server, path)
    assert response.status == 404
    assert b"secret\n" not in body


def test_follows_no_link_that_leads_out(server: ExportServer, export: Path) -> None:
    files = export / f"{NAME}_files"
    (files / "out.txt").symlink_to(export / "secret.txt")
    (files / "up").symlink_to(export.parent)
    (files / "round").symlink_to(files / "round")
    (files / "in.png").symlink_to(files / "0" / "0_0.png")
    for path in ("out.txt", "up/secret.txt", "round"):
        assert ask(server, f"{FILES}/{path}")[0].status == 404
    assert ask(server, f"{FILES}/in.png")[1] == b"tile"
    (export / f"{NAME}.html").unlink()
    (export / f"{NAME}.html").symlink_to(export / "secret.txt")
    assert ask(server, PAGE)[0].status == 404


@pytest.mark.parametrize("host", ["example.org", "example.org:80", "127.0.0.1.example.org", ""])
def test_refuses_foreign_hosts(server: ExportServer, host: str) -> None:
    assert ask(server, PAGE, Host=host)[0].status == 421


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1", "LOCALHOST:1"])
def test_takes_this_machine(server: ExportServer, host: str) -> None:
    assert ask(server, PAGE, Host=host)[0].status == 200


def test_refuses_to_write(server: ExportServer) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert ask(server, PAGE, method)[0].status == 501


@pytest.mark.parametrize("given", [f"{NAME}.dzi", f"{NAME}.html", "."])
def test_is_found(export: Path, given: str) -> None:
    with serve(export / given) as server:
        assert server.url.endswith(PAGE)
        assert server.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("secret.txt", r"cannot view .*secret\.txt: give a NAME\.dzi"),
        ("nothing.dzi", r"nothing\.dzi does not exist"),
        ("nothing", r"cannot view .*nothing"),
        (f"{NAME}_files", r"holds no \.dzi"),
    ],
)
def test_refuses_what_is_no_export(export: Path, given: str, says: str) -> None:
    with pytest.raises(ExportError, match=says) as caught:
        serve(export / given)
    assert "\n" not in str(caught.value)


def test_refuses_a_folder_with_two(export: Path) -> None:
    (export / "other.dzi").write_text("<Image/>")
    with pytest.raises(ExportError, match=r"holds 2 \.dzi files"):
        serve(export)


@pytest.mark.parametrize("suffix", [".dzi", ".html", "_files"])
def test_refuses_an_export_that_is_not_whole(export: Path, suffix: str) -> None:
    (export / (NAME + suffix)).rename(export / "elsewhere")
    given = export / (NAME + (".html" if suffix == ".dzi" else ".dzi"))
    with pytest.raises(ExportError, match=f"{NAME}{suffix} is"):
        serve(given)


def test_refuses_tiles_that_lie_elsewhere(export: Path, tmp_path: Path) -> None:
    (export / f"{NAME}_files").rename(tmp_path / "elsewhere")
    (export / f"{NAME}_files").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ExportError, match="is not a folder"):
        serve(export)


def test_names_a_port_that_cannot_be_had(server: ExportServer, export: Path) -> None:
    with pytest.raises(ExportError, match=f"cannot listen on port {server.server_port}: "):
        serve(export, port=server.server_port)
    with pytest.raises(ExportError, match=r"cannot listen on port 65536: it must be 0 … 65535"):
        serve(export, port=65536)
