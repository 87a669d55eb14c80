"""Who may ask the studio anything, and what it answers to requests that are none."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.serve.serving import raw
from tests.serve.studio.asking import Client

POSTS = ["scenes", "variations", "steps", "steps/at", "steps/pin", "open", "save", "films"]
STREAMS = ["tiles", "thumbs"]


def test_only_the_address_with_its_token_is_answered(client: Client) -> None:
    token = client.path.strip("/")
    for path in (
        "/",
        "/session.json",
        f"/{token}",
        f"/{token[:-1]}/",
        f"/x{token}/",
        f"//{token}/",
    ):
        assert client.ask("GET", path, None, {})[0] == 403, path
    assert client.ask("GET", f"/{token}/session.json", None, {})[0] == 200


def test_no_other_origin_is_answered(client: Client) -> None:
    for origin in ("http://evil", "null", f"https://127.0.0.1:{client.server.port}", ""):
        status, _ = client.ask("POST", f"{client.path}open", b"{}", {"Origin": origin})
        assert status == 403, origin
    assert client.get("session.json", Origin="http://evil")[0] == 403
    assert client.get("session.json", Origin=client.origin)[0] == 200
    for site in ("cross-site", "same-site"):
        assert client.get("session.json", Sec_Fetch_Site=site)[0] == 403
    assert client.get("session.json", Host="evil")[0] == 421


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"Content-Length: 99999999999", b"413"),
        (b"Content-Length: -1", b"400"),
        (b"Content-Length: 5\r\nContent-Length: 5", b"400"),
        (b"Transfer-Encoding: chunked", b"413"),
    ],
)
def test_bodies_are_bounded(client: Client, head: bytes, status: bytes) -> None:
    origin = client.origin.encode()
    start = b"POST %sscenes HTTP/1.1\r\nHost: localhost\r\nOrigin: %s\r\nConnection: close\r\n"
    answer = raw(client.server, start % (client.path.encode(), origin) + head + b"\r\n\r\n")
    assert answer[9:12] == status, answer[:200]


@pytest.mark.parametrize("body", [b"", b"[]", b"3", b"{", b"\xff", b"[" * 100_000, b"{}"])
@pytest.mark.parametrize("path", [*POSTS, *STREAMS])
def test_what_is_no_request_is_refused(client: Client, path: str, body: bytes) -> None:
    status, answer = client.post(path, body)
    assert status == 422
    assert answer["error"]


WORDS = st.sampled_from(
    [
        "id",
        "base",
        "changes",
        "toml",
        "kind",
        "start",
        "count",
        "amount",
        "parents",
        "name",
        "label",
        "parent",
        "on",
        "overwrite",
        "purpose",
        "size",
        "knots",
        "seconds",
        "fps",
        "number",
        "time",
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["seeds", "print", "film", "cppn", "view", "my.toml", "SCENE"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(POSTS), st.dictionaries(WORDS, VALUES, max_size=5))
def test_any_request_has_its_answer(client: Client, path: str, body: dict[str, object]) -> None:
    known = {key: client.scene["id"] if value == "SCENE" else value for key, value in body.items()}
    status, answer = client.post(path, json.dumps(known).encode())
    assert status in (200, 409, 410, 422), answer
    assert status == 200 or "\n" not in answer["error"]


def test_only_posts_change_anything(client: Client) -> None:
    for path in ("scenes", "steps", "open", "save", "import"):
        assert client.get(path)[0] in (404, 405)
    assert client.ask("DELETE", client.path, None, {"Origin": client.origin})[0] == 405
