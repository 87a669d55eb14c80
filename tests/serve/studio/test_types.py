"""The types that the page's scripts are checked with are those of what the server sends."""

import re
from pathlib import Path
from typing import Any

from tests.serve.studio.asking import Client
from tilecppn.scene import view
from tilecppn.serve.studio.api import Api
from tilecppn.serve.studio.app import PAGE
from tilecppn.serve.studio.folder import Folder
from tilecppn.serve.studio.jobs import Job
from tilecppn.serve.studio.journal import Journal
from tilecppn.serve.studio.schema import schema

_INTERFACE = re.compile(r"^interface (\w+)[^\n]*\{\n(.*?)^\}", re.M | re.S)
_MEMBER = re.compile(r"^  (?:\"([^\"]+)\"|(\w+))(\?)?: ", re.M)
DECLARED = {
    name: {quoted or plain: bool(optional) for quoted, plain, optional in _MEMBER.findall(body)}
    for file in (PAGE / "types.d.ts", Path(view.__file__).with_name("grid.d.ts"))
    for name, body in _INTERFACE.findall(file.read_text("utf-8"))
}


def assert_is(found: dict[str, Any], name: str) -> None:
    """`found` has all members of an interface, but for optional ones, and no others."""
    members = DECLARED[name]
    assert found.keys() <= members.keys()
    assert {member for member, optional in members.items() if not optional} <= found.keys()


def test_the_types_of_scenes_and_the_session(client: Client) -> None:
    session = client.json("session.json")
    assert_is(session, "Session")
    assert_is(session["steps"][0], "Step")
    scene = session["scene"]
    assert_is(scene, "Scene")
    assert_is(scene["grid"], "Grid")
    for section in ("cppn", "canvas", "view"):
        assert scene["values"][section].keys() >= set(named_values(section))
    found = client.told("variations", base=scene["id"], kind="seeds", count=1)
    assert_is(found["variations"][0], "Variation")
    assert_is(client.json("files.json")["files"][0], "Openable")
    assert_is(Job("film", "film", [], [], scene["id"]).record(0), "Render")


def named_values(section: str) -> list[str]:
    text = (PAGE / "types.d.ts").read_text("utf-8")
    (body,) = re.findall(rf"^  {section}: Keys & \{{(.*?)\}};", text, re.M | re.S)
    return re.findall(r"(\w+):", body)


def test_the_types_of_the_schema() -> None:
    found = schema()
    assert_is(found, "Schema")
    keys = [key for section in found["sections"].values() for key in section.values()]
    read = DECLARED["KeySchema"]
    needed = {name for name, optional in read.items() if not optional}
    assert all(needed <= key.keys() for key in keys)
    assert all(any(name in key for key in keys) for name in read)


def test_the_types_of_requests(client: Client, tmp_path: Path) -> None:
    api = Api(Folder(tmp_path), Journal(None))
    assert {f"/{path}" for path in DECLARED["Posts"]} == api.posts.keys()
    api.close()
    for path in DECLARED["Gets"]:
        assert client.get(path)[0] == 200


def test_types_are_not_served(client: Client) -> None:
    assert client.get("types.d.ts")[0] == 404
