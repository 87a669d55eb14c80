"""The studio's history: it outlives the studio, its files, and whatever is written into it."""

import json
from pathlib import Path

from tests.serve.studio.asking import opened
from tests.serve.studio.conftest import SCENE
from tilecppn.scene.scene import Scene


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
