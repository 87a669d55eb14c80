"""`tilecppn status`."""

import re

from tests.cli.conftest import Cli
from tests.cli.results import ok, record
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
