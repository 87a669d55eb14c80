"""What the studio's routes answer: its page, scenes, pictures, variations."""

import io
from base64 import b64decode

import numpy as np
import pytest
from PIL import Image

from tests.serve.studio.asking import Client, assert_seen_alike
from tests.serve.studio.conftest import SCENE
from tilecppn.pixels.preview import preview
from tilecppn.scene.scene import Scene
from tilecppn.serve.studio.app import FILES
from tilecppn.serve.studio.drawing import SIDES, levels


def pixels(png: bytes) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    return np.asarray(Image.open(io.BytesIO(png)))


def test_the_page_and_its_files_are_there(client: Client) -> None:
    assert {"index.html", "main.js", "studio.css"} <= FILES.keys()
    for name in ("", *FILES):
        status, body = client.get(name)
        assert (status, len(body) > 100) == (200, True), name
    page = client.get("")[1].decode()
    assert "http://" not in page
    assert "https://" not in page
    assert client.get("start.py")[0] == 404
    assert client.get("../start.py")[0] == 404


def test_a_scene_has_all_that_the_page_shows(client: Client) -> None:
    scene = client.scene
    assert Scene.parse(scene["toml"]) == SCENE
    assert scene["values"]["cppn"]["seed"] == 7
    assert scene["z"] == SCENE.z.tolist()
    assert (scene["canvas"]["width"], scene["canvas"]["height"]) == (600, 400)
    schema = client.json("schema.json")
    for section, keys in scene["values"].items():
        assert keys.keys() == schema["sections"][section].keys()


def test_a_change_is_another_scene(client: Client) -> None:
    base = client.scene["id"]
    changes = {"cppn": {"seed": 8}, "view": {"radial": 5}}
    changed = client.told("scenes", base=base, changes=changes)
    expected = SCENE.replace(**changes)
    assert Scene.parse(changed["toml"]) == expected
    assert changed["label"] == "cppn.seed = 8, view.radial = 5"
    undone = {"cppn": {"seed": 7}, "view": {"radial": None}}
    assert client.told("scenes", base=changed["id"], changes=undone)["id"] == base
    assert client.told("scenes", toml=expected.to_toml())["id"] == changed["id"]


def test_a_change_comes_with_glimpses(client: Client) -> None:
    base, places = client.scene["id"], ["3/0_0", "3/1_0", "5/-1_0"]
    changes = {"latent": {"z": [0.5] * len(client.scene["z"])}}
    found = client.told("scenes", base=base, changes=changes, glimpses=places)
    addresses = [f"glimpses/{found['id']}/{place}" for place in places]
    asked = client.stream("tiles", *addresses)
    assert {place: b64decode(png) for place, png in found["glimpses"].items()} == {
        place: asked[address][1] for place, address in zip(places, addresses, strict=True)
    }
    for wrong in (["0/0"], ["3/0_0"] * 1000, 3, [3]):
        body = {"base": base, "changes": changes, "glimpses": wrong}
        assert client.post("scenes", body)[0] == 422, wrong


def test_glimpses_beyond_what_can_be_drawn_do_not_come(client: Client) -> None:
    beyond = f"{levels(SCENE)[0] - 1}/0_0"
    found = client.told("scenes", base=client.scene["id"], changes={}, glimpses=[beyond])
    assert found["glimpses"] == {}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"cppn": {"sed": 1}}, 'did you mean "seed"'),
        ({"cppn": {"seed": -1}}, "an integer from 0"),
        ({"cppn": {"seed": 1e400}}, "an integer from 0"),
        ({"cppn": {"width": 512, "depth": 6}}, "the studio draws up to"),
        ({"cppn": {"weights": "/etc/passwd"}}, "cannot be set here"),
        ({"latent": {"z": "/etc/passwd#a"}}, "not a path"),
        ({"output": {"palette": "/etc/passwd.png"}}, "not a path"),
        ({"view": {"scale": 1e-300}}, "same point"),
        ({"cppn": 3}, "section"),
        (3, "sections"),
        (None, "sections"),
    ],
)
def test_what_is_no_scene_is_said_in_a_line(client: Client, changes: object, fault: str) -> None:
    status, answer = client.post("scenes", {"base": client.scene["id"], "changes": changes})
    assert status == 422
    assert fault in answer["error"]
    assert "\n" not in answer["error"]


def test_a_scene_of_a_megabyte(client: Client) -> None:
    comment = "# much\n" * 150_000
    assert client.told("scenes", toml=comment + SCENE.to_toml())["id"] == client.scene["id"]
    for path in ("scenes", "tiles", "thumbs"):
        status, answer = client.post(path, {"toml": "x" * (6 << 20)})
        assert status == 422
        assert "bytes" in answer["error"]


# ---- pictures ------------------------------------------------------------------------------------


def test_thumbnails_and_tiles_are_pictures(client: Client) -> None:
    scene = client.scene["id"]
    status, png = client.get(f"thumbs/128/{scene}.png")
    assert status == 200
    found = client.stream("thumbs", f"128/{scene}", "64/unknown")
    assert found == {f"128/{scene}": (200, png), "64/unknown": (410, b"")}
    flat = SCENE.replace(output={"tolerance": 0.0})
    assert_seen_alike(pixels(png), preview(flat, 128))
    for kind, side in SIDES.items():
        places = ("0/0_0", "0/-3_2", "3/0_0", "-4/20_20", "24/-1_-1")
        addresses = [f"{kind}/{scene}/{place}" for place in places]
        found = client.stream("tiles", *addresses)
        assert found.keys() == set(addresses)
        for status, png in found.values():
            assert status == 200
            assert pixels(png).shape == (side, side, 3)
        assert client.stream("tiles", *addresses) == found  # from memory


@pytest.mark.parametrize(
    "path",
    [
        "thumbs/15/{}.png",
        "thumbs/100000/{}.png",
        "thumbs/-1/{}.png",
        "nothing",
    ],
)
def test_there_are_no_other_pictures(client: Client, path: str) -> None:
    assert client.get(path.format(client.scene["id"]))[0] == 404


@pytest.mark.parametrize(
    "address",
    [
        "tiles/{}/25/0_0",
        "tiles/{}/99999/0_0",
        "tiles/{}/0/0_99999999999999",
        "tiles/{}/0/1e9_0",
        "tiles/{}/0/0_0.png",
        "tiles/{}/0/../0_0",
        "thumbs/{}/0/0_0",
        3,
    ],
)
def test_there_are_no_other_tiles(client: Client, address: object) -> None:
    there = f"tiles/{client.scene['id']}/0/0_0"
    if isinstance(address, str):
        address = address.format(client.scene["id"])
    status, answer = client.post("tiles", {"addresses": [there, address]})
    assert (status, "no picture" in answer["error"]) == (422, True)
    assert client.post("tiles", {"addresses": [there] * 1000})[0] == 422


def test_a_scene_that_is_gone_is_said_to_be(client: Client) -> None:
    there = f"tiles/{client.scene['id']}/0/0_0"
    found = client.stream("tiles", "tiles/unknown/0/0_0", there)
    assert found["tiles/unknown/0/0_0"] == (410, b"")
    assert found[there][0] == 200
    for path in ("thumbs/64/unknown.png", "scenes/unknown.json"):
        assert client.get(path)[0] == 410
    assert client.post("scenes", {"base": "unknown", "changes": {}})[0] == 410
    assert client.post("variations", {"base": "unknown", "kind": "seeds"})[0] == 410


def test_how_far_a_picture_goes(client: Client) -> None:
    scene, (finest, _) = client.scene["id"], levels(SCENE)
    assert finest < -20
    last, beyond = (f"tiles/{scene}/{level}/0_0" for level in (finest, finest - 1))
    found = client.stream("tiles", last, beyond)
    assert (found[last][0], found[beyond][0]) == (200, 422)


# ---- variations ----------------------------------------------------------------------------------


def test_variations_come_without_end(client: Client) -> None:
    base = client.scene["id"]
    first = client.told("variations", base=base, kind="seeds", start=0, count=3)
    assert [v["label"] for v in first["variations"]] == ["seed 0", "seed 1", "seed 2"]
    assert first["more"]
    assert client.get(f"thumbs/64/{first['variations'][2]['id']}.png")[0] == 200
    shown = client.json(f"scenes/{first['variations'][2]['id']}.json")
    assert Scene.parse(shown["toml"]) == SCENE.replace(cppn={"seed": 2})
    last = client.told("variations", base=base, kind="symmetry", start=0, count=100)
    assert not last["more"]
    for wrong in ({"kind": "x"}, {"count": 10**6}, {"start": -1}, {"amount": 2}, {"start": "0"}):
        asked = {"base": base, "kind": "seeds", **wrong}
        assert client.post("variations", asked)[0] == 422, wrong


def test_children_of_two(client: Client) -> None:
    base = client.scene["id"]
    pair = client.told("variations", base=base, kind="seeds", start=1, count=2)["variations"]
    parents = [variation["id"] for variation in pair]
    found = client.told("variations", parents=parents, start=0, count=4)["variations"]
    tomls = {client.json(f"scenes/{child['id']}.json")["toml"] for child in found}
    assert len(tomls) == 4
    for few in ([], parents[:1], ["unknown"] * 2, [1, 2], parents * 20):
        assert client.post("variations", {"parents": few})[0] in (410, 422)
