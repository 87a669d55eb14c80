"""`tilecppn status`."""

import re
from pathlib import Path

from tests.cli.conftest import Cli
from tests.cli.results import ok, record
from tests.conftest import SMALL_NET
from tilecppn.kernels.reference import ReferenceKernel
from tilecppn.plan import Shard
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store


def test_status_counts_level_by_level(copied: Store, cli: Cli) -> None:
    whole = record(cli("status", "a.zarr", "--json"))
    assert (whole["finished"], whole["shards"], whole["done"]) == (True, 11, 11)
    assert whole["fingerprint"] == copied.scene.fingerprint
    assert whole["arithmetic"] == copied.arithmetic._asdict()
    (copied.path / "0" / "c" / "0" / "1" / "2").unlink()
    part = record(cli("status", "a.zarr", "--json"))
    assert (part["finished"], part["done"]) == (False, 10)
    assert part["levels"][0] == {"level": 0, "width": 700, "height": 501, "shards": 6, "done": 5}
    assert [level["done"] for level in part["levels"]] == [5, 2, 1, 1, 1]
    text = ok(cli("status", "a.zarr"))
    assert text.startswith("a.zarr: not finished, 10 of 11 shards\n")
    assert re.search(r"level +0 +700 × 501 +5 of 6 shards", text)


def test_status_of_a_canvas_without_end_counts_what_is_there(cli: Cli, tmp_path: Path) -> None:
    """Of 10¹¹ shards, asking for each would take days."""
    scene = Scene.of(cppn=SMALL_NET, canvas={"width": 2**31 - 1, "height": 2**31 - 1})
    with Store.create(tmp_path / "a.zarr", scene, ReferenceKernel.arithmetic) as store:
        for shard in (Shard(0, 7, 9), Shard(0, 70_000, 3), Shard(5, 0, 0)):
            store.file(shard).parent.mkdir(parents=True, exist_ok=True)
            store.file(shard).write_bytes(b"shard")
        (store.path / "0" / "c" / "0" / "7" / ".8.0123456789ab.partial").write_bytes(b"half")
        (store.path / "0" / "c" / "0" / "7" / "10").touch()  # as a power cut leaves it
    found = record(cli("status", "a.zarr", "--json"))
    assert found["done"] == 3
    assert found["shards"] > 10**11
    assert {level["level"]: level["done"] for level in found["levels"] if level["done"]} == {
        0: 2,
        5: 1,
    }
