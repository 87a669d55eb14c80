"""The server gives one export and nothing else."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serve.serving import ask, raw, running, wait_until
from tilecppn.errors import ExportError
from tilecppn.serve import protocol, serve
from tilecppn.serve.guard import host_check
from tilecppn.serve.server import Server

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
def server(export: Path) -> Iterator[Server]:
    with running(serve(export)) as server:
        yield server


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
def test_gives_the_export(server: Server, path: str, kind: str, body: bytes) -> None:
    response, got = ask(server, path)
    assert (response.status, response.headers["Content-Type"], got) == (200, kind, body)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    head, nothing = ask(server, path, "HEAD")
    assert (head.status, head.headers["Content-Length"], nothing) == (200, str(len(body)), b"")


def test_root_is_the_page(server: Server) -> None:
    assert server.url == f"http://127.0.0.1:{server.port}/"
    response, body = ask(server, "/")
    assert (response.status, body) == (200, b"<p>page")
    assert ask(server, "/picture.dzi")[1] == b"<Image/>"
    assert ask(server, "/picture_files/0/0_0.png")[1] == b"tile"


def test_unchanged_file_is_not_sent_again(server: Server, export: Path) -> None:
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
        "/picture_files/../secret.txt",
        "/picture_files/%2e%2e/secret.txt",
        "/picture.html",
    ],
)
def test_gives_nothing_else(server: Server, path: str) -> None:
    response, body = ask(server, path)
    assert response.status == 404
    assert b"secret\n" not in body


def test_follows_no_link_that_leads_out(server: Server, export: Path) -> None:
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


@pytest.mark.parametrize(
    "host",
    [
        "example.org",
        "example.org:80",
        "127.0.0.1.example.org",
        "",
        "localhost:1@evil",
        "evil@localhost",
        "localhost:",
        "localhost:1:2",
        "localhost, evil",
        "[::1",
        "192.168.0.1",
    ],
)
def test_refuses_foreign_hosts(server: Server, host: str) -> None:
    assert ask(server, PAGE, Host=host)[0].status == 421


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1", "LOCALHOST:1"])
def test_takes_this_machine(server: Server, host: str) -> None:
    assert ask(server, PAGE, Host=host)[0].status == 200


def test_refuses_to_write(server: Server) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert ask(server, PAGE, method)[0].status == 405


@pytest.mark.parametrize("given", [f"{NAME}.dzi", f"{NAME}.html", "."])
def test_is_found(export: Path, given: str) -> None:
    with serve(export / given) as server:
        assert server.socket.getsockname()[0] == "127.0.0.1"


def test_a_suffix_in_upper_case_is_the_same(export: Path) -> None:
    (export / f"{NAME}.dzi").rename(export / f"{NAME}.DZI")
    for given in (export / f"{NAME}.DZI", export):
        with running(serve(given)) as server:
            assert ask(server, "/picture.dzi")[1] == (export / f"{NAME}.DZI").read_bytes()
            assert ask(server, "/picture_files/0/0_0.png")[0].status == 200


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("secret.txt", r"cannot view .*secret\.txt: give a scene, .*NAME\.dzi"),
        ("nothing.dzi", r"nothing\.dzi does not exist"),
        ("nothing", r"cannot view .*nothing: it does not exist"),
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


def test_names_a_port_that_cannot_be_had(server: Server, export: Path) -> None:
    with pytest.raises(ExportError, match=f"cannot listen on port {server.port}: "):
        serve(export, port=server.port)
    with pytest.raises(ExportError, match=r"cannot listen on port 65536: it must be 0 … 65535"):
        serve(export, port=65536)
    with pytest.raises(ExportError, match="cannot listen on an empty host"):
        serve(export, host="")


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET * HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000,
        b"\x16\x03\x01\x02\x00",
    ],
)
def test_a_request_is_for_a_path_of_one_host(server: Server, request_: bytes) -> None:
    assert raw(server, request_).startswith(b"HTTP/1.1 400 ")


def test_a_request_has_no_body(server: Server) -> None:
    head = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
    for body in (b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n"):
        assert raw(server, head + body).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("part", [b"", b"\r\n", b"GET / HTTP/1.1\r\nHost: loc"])
def test_a_slow_request_ends(server: Server, monkeypatch: pytest.MonkeyPatch, part: bytes) -> None:
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.1)
    with contextlib.suppress(ConnectionResetError):
        assert raw(server, part) == b""  # and not without end


def test_a_second_slow_request_ends(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "REQUEST_SECONDS", 0.1)
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"HEAD /")
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) == b""


def test_a_client_that_does_not_read_ends(
    export: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "READ_SECONDS", 0.1)
    large = export / f"{NAME}_files" / "0" / "1_0.png"
    with large.open("wb") as file:
        file.truncate(64 << 20)
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        request = f"GET {FILES}/0/1_0.png HTTP/1.1\r\nHost: localhost\r\n\r\n"
        connection.sendall(request.encode())
        received = connection.recv(100)
        assert received.startswith(b"HTTP/1.1 200 ")
        wait_until(lambda: not server.server_state.connections)


def test_connections_are_bounded(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol.LimitedProtocol, "most_connections", 1)
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as first:
        first.sendall(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert first.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
        refused = raw(server, b"")
        assert refused.startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After" in refused


@pytest.mark.parametrize(
    ("host", "name", "taken"),
    [
        ("127.0.0.1", "localhost", True),
        ("127.0.0.1", "192.168.0.1", False),
        ("192.168.0.1", "192.168.0.1", True),
        ("0.0.0.0", "192.168.0.1", True),
        ("0.0.0.0", "[fe80::1]", True),
        ("0.0.0.0", "example.org", False),
        ("::", "127.0.0.1", True),
        ("::1", "[::1]", True),
        ("pictures.lan", "pictures.lan", True),
    ],
)
def test_hosts_of_other_addresses(host: str, name: str, taken: bool) -> None:
    assert host_check(host)(name) is taken
