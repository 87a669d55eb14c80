"""What the studio's routes answer, to its page and to anybody else."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.serve.serving import raw
from tests.serve.studio.asking import Client, assert_seen_alike, opened
from tests.serve.studio.conftest import SCENE
from tilecppn.exporters.embedded_scene import embedded_scene
from tilecppn.pixels.window import preview
from tilecppn.scene.scene import Scene
from tilecppn.serve.studio.app import FILES
from tilecppn.serve.studio.drawing import SIDES, levels

POSTS = ["scenes", "variations", "steps", "steps/at", "steps/pin", "open", "save", "films"]


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
    status, answer = client.post("scenes", {"toml": "x" * (6 << 20)})
    assert status == 422
    assert "bytes" in answer["error"]


# ---- pictures ------------------------------------------------------------------------------------


def test_thumbnails_and_tiles_are_pictures(client: Client) -> None:
    scene = client.scene["id"]
    status, png = client.get(f"thumbs/128/{scene}.png")
    assert status == 200
    flat = SCENE.replace(output={"tolerance": 0.0})
    assert_seen_alike(pixels(png), preview(flat, 128))
    for place in ("0/0_0", "0/-3_2", "3/0_0", "-4/20_20", "24/-1_-1"):
        for kind, side in SIDES.items():
            status, png = client.get(f"{kind}/{scene}/{place}.png")
            assert status == 200, place
            assert pixels(png).shape == (side, side, 3)


@pytest.mark.parametrize(
    "path",
    [
        "tiles/{}/25/0_0.png",
        "tiles/{}/-60/0_0.png",
        "tiles/{}/99999/0_0.png",
        "tiles/{}/0/0_99999999999999.png",
        "tiles/{}/0/1e9_0.png",
        "tiles/{}/0/0_0.jpg",
        "tiles/{}/0/../0_0.png",
        "tiles/{}/0/0_0.png/",
        "thumbs/15/{}.png",
        "thumbs/100000/{}.png",
        "thumbs/-1/{}.png",
        "nothing",
    ],
)
def test_there_are_no_other_pictures(client: Client, path: str) -> None:
    assert client.get(path.format(client.scene["id"]))[0] == 404


def test_a_scene_that_is_gone_is_said_to_be(client: Client) -> None:
    for path in ("tiles/unknown/0/0_0.png", "thumbs/64/unknown.png", "scenes/unknown.json"):
        assert client.get(path)[0] == 410
    assert client.post("scenes", {"base": "unknown", "changes": {}})[0] == 410
    assert client.post("variations", {"base": "unknown", "kind": "seeds"})[0] == 410


def test_how_far_a_picture_goes(client: Client) -> None:
    scene, (finest, _) = client.scene["id"], levels(SCENE)
    assert finest < -20
    assert client.get(f"tiles/{scene}/{finest}/0_0.png")[0] == 200
    assert client.get(f"tiles/{scene}/{finest - 1}/0_0.png")[0] == 404


# ---- who may ask ---------------------------------------------------------------------------------


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
@pytest.mark.parametrize("path", POSTS)
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


# ---- files ---------------------------------------------------------------------------------------


def test_scenes_are_saved_and_opened_again(client: Client, folder: Path) -> None:
    changed = client.told("scenes", base=client.scene["id"], changes={"cppn": {"seed": 11}})
    assert client.told("save", id=changed["id"], name="new")["name"] == "new.toml"
    assert Scene.load(folder / "new.toml") == Scene.parse(changed["toml"])
    assert client.told("open", name="new.toml")["id"] == changed["id"]
    assert "new.toml" in [file["name"] for file in client.json("files.json")["files"]]
    status, answer = client.post("save", {"id": client.scene["id"], "name": "new.toml"})
    assert (status, answer["error"]) == (409, "new.toml")
    client.told("save", id=client.scene["id"], name="new.toml", overwrite=True)
    assert Scene.load(folder / "new.toml") == SCENE


def test_only_scenes_are_replaced(client: Client, folder: Path) -> None:
    (folder / "notes.toml").write_text("[mine]\na = 1\n")
    asked = {"id": client.scene["id"], "name": "notes.toml", "overwrite": True}
    status, answer = client.post("save", asked)
    assert status == 422
    assert "not a scene" in answer["error"]
    assert "[mine]" in (folder / "notes.toml").read_text()


@pytest.mark.parametrize(
    "name",
    [
        "../out.toml",
        "/tmp/out.toml",
        "a/../../out.toml",
        "~/out.toml",
        "link/out.toml",
        ".hidden.toml",
        ".tilecppn/out.toml",
        "a\0b.toml",
        "..\\out.toml",
        "s3://bucket/out.toml",
        "x" * 5000,
        "",
        3,
        None,
    ],
)
def test_files_lie_below_the_folder(client: Client, folder: Path, name: object) -> None:
    if not (folder / "link").is_symlink():
        (folder / "link").symlink_to(folder.parent)
    outside = set(folder.parent.iterdir())
    for path in ("save", "open"):
        status, answer = client.post(path, {"id": client.scene["id"], "name": name})
        assert status == 422, answer
    assert set(folder.parent.iterdir()) == outside


def test_what_is_dropped_is_read(client: Client, folder: Path, tmp_path: Path) -> None:
    scene = SCENE.to_toml().encode()
    assert client.post("import?name=a.toml", scene)[1]["id"] == client.scene["id"]
    png = tmp_path / "made.png"
    from tilecppn.exporters.png import encode_png  # a picture that nobody made with tilecppn

    png.write_bytes(encode_png(np.full((8, 8, 3), 90, np.uint8)))
    assert client.post("import?name=b.png", png.read_bytes())[1]["colours"] == ["#5a5a5a"] * 2
    weights = b'[cppn]\nweights = "/etc/passwd"\n'
    for name, data in (
        ("a.toml", b"\xff\xfe"),
        ("a.toml", b"[cppn]\nsed = 3\n"),
        ("a.toml", weights),
        ("a.png", b"nothing"),
        ("a.tif", png.read_bytes()[:40]),
        ("a.exe", b"MZ"),
        ("a.html", b"<html>"),
        ("../../a", b""),
        ("", b""),
    ):
        status, answer = client.post(f"import?name={name}", data)
        assert (status, "error" in answer) == (422, True), name
    assert client.get("covers/96.png?name=my.toml")[0] == 200
    SCENE.cppn.save(folder / "net.safetensors")
    (folder / "own.toml").write_text('[cppn]\nweights = "net.safetensors"\n')
    assert client.post("open", {"name": "own.toml"})[0] == 200
    for name in ("nothing.toml", "..%2Fa.toml", "notes.txt", "own.toml", ""):
        assert client.get(f"covers/96.png?name={name}")[0] == 422


def test_a_picture_brings_its_scene(client: Client, tmp_path: Path) -> None:
    from click.testing import CliRunner

    from tilecppn.cli import main

    source, image = tmp_path / "a.toml", tmp_path / "a.png"
    source.write_text(SCENE.replace(cppn={"seed": 5}).to_toml())
    done = CliRunner().invoke(main, ["preview", str(source), "-o", str(image), "--width", "64"])
    assert done.exit_code == 0, done.output
    found = client.post("import?name=holiday.png", image.read_bytes())[1]
    assert found["id"] == client.told("scenes", toml=embedded_scene(image).to_toml())["id"]


# ---- history -------------------------------------------------------------------------------------


def test_the_history_outlives_the_studio(tmp_path: Path) -> None:
    with opened(tmp_path) as client:
        begun = client.json("session.json")
        assert (len(begun["steps"]), begun["kept"]) == (1, True)
        changed = client.told("scenes", base=client.scene["id"], changes={"cppn": {"seed": 3}})
        parent = begun["at"]
        step = client.told("steps", id=changed["id"], parent=parent, label="seed 3")
        client.told("steps/at", name=parent)
        client.told("steps/pin", name=step["name"], on=True)
        assert client.post("steps", {"id": "unknown", "parent": parent})[0] == 410
        assert client.post("steps", {"id": changed["id"], "parent": "unknown"})[0] == 422
        url = client.server.url
    with (tmp_path / ".tilecppn" / "history.jsonl").open("a") as file:
        file.write('{"name": "cut short')  # as a crash leaves it
    with opened(tmp_path) as client:
        assert client.server.url == url  # an open page goes on
        session = client.json("session.json")
        assert [s["label"] for s in session["steps"]] == ["a new scene", "seed 3"]
        assert (session["at"], session["pinned"]) == (parent, [step["name"]])
        assert session["steps"][1]["parent"] == parent
        assert client.json(f"scenes/{session['steps'][1]['id']}.json")["toml"] == changed["toml"]
        client.told("steps", id=changed["id"], parent=parent, label="again")
    with opened(tmp_path) as client:
        assert client.json("session.json")["steps"][-1]["label"] == "again"


def test_a_weights_file_is_kept_with_the_history(tmp_path: Path) -> None:
    SCENE.cppn.save(tmp_path / "net.safetensors")
    (tmp_path / "own.toml").write_text('[cppn]\nweights = "net.safetensors"\n')
    with opened(tmp_path, tmp_path / "own.toml") as client:
        base = client.scene["id"]
        found = client.told("variations", base=base, kind="mutations", count=2)["variations"]
        assert client.get(f"thumbs/64/{found[1]['id']}.png")[0] == 200
        status, answer = client.post("variations", {"base": base, "kind": "seeds"})
        assert (status, "weights file" in answer["error"]) == (422, True)
        client.told("save", id=base, name="copy")
        assert Scene.load(tmp_path / "copy.toml").cppn == SCENE.cppn
    (tmp_path / "net.safetensors").unlink()
    with opened(tmp_path) as client:
        assert client.scene["id"] == base
        assert client.get(f"thumbs/64/{base}.png")[0] == 200


def test_a_folder_that_cannot_be_written_into(tmp_path: Path) -> None:
    (tmp_path / ".tilecppn").symlink_to(tmp_path.parent)
    with opened(tmp_path) as client:
        assert not client.json("session.json")["kept"]
        changed = client.told("scenes", base=client.scene["id"], changes={"cppn": {"seed": 3}})
        client.told("steps", id=changed["id"], parent="", label="seed 3")
        assert len(client.json("session.json")["steps"]) == 2
    assert not (tmp_path.parent / "history.jsonl").exists()


def test_a_history_of_anything_is_read(tmp_path: Path) -> None:
    (tmp_path / ".tilecppn").mkdir()
    evil = {"toml": '[cppn]\nweights = "/etc/passwd"\n', "network": None}
    step = {"name": "a", "parent": "", "label": "x", "time": 0, "scene": evil}
    lines = ["", "3", "[]", "{}", '{"at": {}}', '{"pin": 3}', '{"name": 1}', json.dumps(step)]
    (tmp_path / ".tilecppn" / "history.jsonl").write_text("\n".join(lines))
    (tmp_path / ".tilecppn" / "session.json").write_text('{"token": 3, "port": "x"}')
    with opened(tmp_path) as client:
        session = client.json("session.json")
        assert [s["label"] for s in session["steps"]] == ["x"]
        status, body = client.get(f"scenes/{session['steps'][0]['id']}.json")
        assert (status, b"weights file" in body) == (422, True)
