"""`tilecppn verify`: what it finds, and what it repairs."""

import json
import shutil
from pathlib import Path
from unittest.mock import ANY

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import Cli
from tests.cli.results import assert_refused, ok, one_line, record
from tests.stores import plain_scene, tree
from tilecppn.kernels.llvm.kernel import LLVMKernel
from tilecppn.plan import Shard
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store


def test_verify_finds_what_is_damaged_and_missing(copied: Store, cli: Cli) -> None:
    assert ok(cli("verify", "a.zarr")) == "a.zarr: complete and undamaged\n"
    before = tree(copied.path)
    damaged, missing = (copied.path / "0" / "c" / "0" / place for place in ("0/1", "1/2"))
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    missing.unlink()

    result = cli("verify", "a.zarr")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "level 0 row 0 column 1: damaged",
        "level 0 row 1 column 2: missing",
        "a.zarr: 2 shards to repair: tilecppn verify a.zarr --repair",
    ]
    result = cli("verify", "a.zarr", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == {
        "store": "a.zarr",
        "invalid_metadata": [],
        "damaged": [[0, 0, 1]],
        "missing": [[0, 1, 2]],
    }

    repaired = record(cli("verify", "a.zarr", "--repair", "--json"))
    assert repaired["damaged"] == [[0, 0, 1]]
    # Two of level 0, and those above them: 2 + 1 + 1 + 1.
    assert repaired["rendered"] == 7
    assert ok(cli("verify", "a.zarr")) == "a.zarr: complete and undamaged\n"
    assert tree(copied.path) == before


@pytest.mark.parametrize("damage", ["missing", "broken", "wrong"])
def test_verify_mends_a_levels_description(damage: str, copied: Store, cli: Cli) -> None:
    """The shards are sound: none is drawn again."""
    before = tree(copied.path)
    description = copied.path / "0" / "zarr.json"
    right = description.read_bytes()
    description.unlink()
    if damage != "missing":
        description.write_bytes(b"{" if damage == "broken" else right.replace(b"700", b"70"))
    result = cli("verify", "a.zarr")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "0/zarr.json: missing, damaged or wrong",
        "a.zarr: 1 metadata file to repair: tilecppn verify a.zarr --repair",
    ]
    refused = cli("export", "a.zarr", "a.png")
    assert refused.exit_code == 2
    assert "a.zarr: 0/zarr.json is missing, damaged or wrong; run" in refused.stderr
    repaired = record(cli("verify", "a.zarr", "--repair", "--json"))
    assert repaired["rendered"] == 0
    assert ok(cli("verify", "a.zarr")) == "a.zarr: complete and undamaged\n"
    assert tree(copied.path) == before


@pytest.mark.parametrize(
    ("right", "wrong"),
    [('"zarr_format": 3', '"zarr_format": 2'), ('"group"', '"grouq"'), ('"multis', '"nultis')],
)
def test_verify_mends_the_groups_description(
    right: str, wrong: str, copied: Store, cli: Cli
) -> None:
    """We read the arrays without it; zarr-python and others do not."""
    group = copied.path / "zarr.json"
    text = group.read_text()
    assert right in text
    group.write_text(text.replace(right, wrong, 1))
    result = cli("verify", "a.zarr")
    assert result.stdout.splitlines()[0] == "zarr.json: missing, damaged or wrong"
    assert record(cli("verify", "a.zarr", "--repair", "--json"))["rendered"] == 0
    found, expected = json.loads(group.read_bytes()), json.loads(text)
    found["attributes"]["ome"]["multiscales"][0]["name"] = ANY  # lost with the rest
    assert found == expected
    assert ok(cli("verify", "a.zarr")) == "a.zarr: complete and undamaged\n"


@pytest.mark.parametrize("place", ["0", "1", "0/zarr.json", "0/c/0/0/1"])
def test_verify_mends_what_is_a_file_for_a_folder_or_the_other_way(
    place: str, copied: Store, cli: Cli
) -> None:
    before = tree(copied.path)
    path = copied.path / place
    if path.is_dir():
        shutil.rmtree(path)
        path.write_text("?")
    else:
        path.unlink()
        (path / "inner").mkdir(parents=True)
    assert cli("verify", "a.zarr").exit_code == 1
    ok(cli("verify", "a.zarr", "--repair"))
    assert ok(cli("verify", "a.zarr")) == "a.zarr: complete and undamaged\n"
    assert tree(copied.path) == before


def test_verify_finds_nothing_to_repair_in_a_sound_store(copied: Store, cli: Cli) -> None:
    before = tree(copied.path)
    sound = record(cli("verify", "a.zarr", "--repair", "--json"))
    assert (sound["damaged"], sound["missing"]) == ([], [])
    assert tree(copied.path) == before


def test_verify_says_that_an_interrupted_render_is_unfinished(copied: Store, cli: Cli) -> None:
    top = Shard(len(copied.plan.levels) - 1, 0, 0)
    deleted = (top, Shard(0, 1, 2), Shard(0, 0, 1))
    lost = [f"{shard.name}: missing" for shard in deleted]
    for shard in deleted:
        copied.delete(shard)
    total = copied.plan.tasks
    found = cli("verify", "a.zarr")
    says = f"a.zarr: unfinished: {total - 3} of {total} shards; run tilecppn render again"
    assert found.exit_code == 1
    assert sorted(found.stdout.splitlines()) == sorted([*lost, says])
    assert json.loads(cli("verify", "a.zarr", "--json").stdout)["unfinished"] is True
    file = copied.file(Shard(0, 0, 0))
    file.write_bytes(flipped(file.read_bytes()))
    again = cli("verify", "a.zarr").stdout.splitlines()
    assert sorted(again[:-2]) == sorted(["level 0 row 0 column 0: damaged", *lost])
    assert again[-2:] == ["a.zarr: 1 shard to repair: tilecppn verify a.zarr --repair", says]
    repaired = cli("verify", "a.zarr", "--repair")
    assert ok(repaired).splitlines()[-1].startswith("a.zarr: repaired, ")
    assert ok(cli("verify", "a.zarr")) == "a.zarr: complete and undamaged\n"


def test_verify_rescues_a_store_with_its_scene(workspace: Path, cli: Cli) -> None:
    ok(cli("render", "ok.toml", "-o", "b.zarr", "--executor", "local"))
    before = tree(workspace / "b.zarr")
    for name in ("zarr.json", "weights/group.json"):
        (workspace / "b.zarr" / name).write_bytes(b"{")
    lost = cli("verify", "b.zarr")
    assert lost.exit_code == 2
    assert "--repair --scene" in one_line(lost.stderr)
    assert cli("verify", "b.zarr", "--scene", "ok.toml").exit_code == 2  # without --repair
    (workspace / "other.toml").write_text("[canvas]\nwidth = 70\nheight = 50\n")
    other = cli("verify", "b.zarr", "--repair", "--scene", "other.toml")
    assert other.exit_code == 2
    assert "not what this version draws" in one_line(other.stderr)
    rescued = record(cli("verify", "b.zarr", "--repair", "--scene", "ok.toml", "--json"))
    assert rescued["rescued"]
    assert tree(workspace / "b.zarr") == before


def test_verify_refuses_another_scene(workspace: Path, copied: Store, cli: Cli) -> None:
    refused = cli("verify", "a.zarr", "--repair", "--scene", "ok.toml")
    assert refused.exit_code == 2
    assert "holds another picture" in one_line(refused.stderr)


def test_verify_finds_and_mends_damage_in_an_export(copied: Store, cli: Cli) -> None:
    ok(cli("export", "a.zarr", "a.dzi"))
    folder = copied.path.parent
    before = tree(folder)
    assert ok(cli("verify", "a.dzi")) == "a.dzi: complete and undamaged\n"
    tile = next(iter(sorted((folder / "a_files").rglob("*.png"))))
    name = str(tile.relative_to(folder))
    tile.write_bytes(tile.read_bytes()[:-1] + b"?")
    found = cli("verify", "a.dzi")
    assert found.exit_code == 1
    assert found.stdout.splitlines()[0] == f"{name}: damaged"
    assert json.loads(cli("verify", "a.dzi", "--json").stdout)["damaged"] == [name]
    assert cli("verify", "a.dzi", "--repair").exit_code == 2  # from which store?
    repaired = record(cli("verify", "a.dzi", "--repair", "--store", "a.zarr", "--json"))
    assert repaired["repaired"] == 1
    assert tree(folder) == before


def test_verify_names_an_export_that_is_not_there(copied: Store, cli: Cli) -> None:
    missing = cli("verify", "b.dzi")
    assert missing.exit_code == 2
    assert "b.dzi: does not exist" in one_line(missing.stderr)


def test_verify_of_a_canvas_with_billions_of_missing_shards_reads_what_is_there(
    cli: Cli, tmp_path: Path
) -> None:
    side = 2**31 - 1
    scene = plain_scene(side, side, tile=512, shard=1024)
    with Store.create(tmp_path / "huge.zarr", scene, LLVMKernel.arithmetic) as store:
        for col in (7, 70_000):
            store.write(Shard(0, 3, col), np.full((3, 1024, 1024), col % 256, np.uint8))
    file = store.file(Shard(0, 3, 70_000))
    file.write_bytes(flipped(file.read_bytes()))
    found = cli("verify", "huge.zarr", "--json")
    assert found.exit_code == 1
    said = json.loads(found.stdout)
    assert (said["damaged"], said["missing"]) == ([[0, 3, 70_000]], [])
    level = store.plan.levels[0]
    assert said["missing_of_level"]["0"] == level.rows * level.cols - 2
    assert cli("verify", "huge.zarr").stdout.splitlines() == [
        "level 0 row 3 column 70000: damaged",
        "huge.zarr: 1 shard to repair: tilecppn verify huge.zarr --repair",
        f"huge.zarr: unfinished: 2 of {store.plan.tasks:,} shards; run tilecppn render again",
    ]


def flipped(data: bytes) -> bytes:
    """The same with one bit changed in the first tile."""
    return bytes([data[0] ^ 1]) + data[1:]


@pytest.mark.parametrize("name", ["notes.txt", "photo.png", "empty.png", "photo.tif"])
def test_a_file_of_another_program_is_not_called_damaged(
    name: str, cli: Cli, tmp_path: Path
) -> None:
    file = tmp_path / name
    if "photo" in name:
        Image.new("RGB", (40, 30)).save(file)
    else:
        file.write_text("mine" if name == "notes.txt" else "")
    assert_refused(cli("verify", name), f"{name}: nothing in it says that tilecppn made it")


def test_a_file_of_ours_with_a_damaged_record_is_damaged(scene: Scene, cli: Cli) -> None:
    ok(cli("preview", "a.toml", "-o", "a.png"))
    data = Path("a.png").read_bytes()
    for piece in (b"# tilecppn", b'"kind"', b'"digest"'):
        at = data.index(piece) + 2
        Path("a.png").write_bytes(data[:at] + b"?" + data[at + 1 :])
        found = cli("verify", "a.png")
        assert (found.exit_code, found.stdout.splitlines()[0]) == (1, "a.png: damaged")
