"""PMTiles, read by the reader of the format's authors that maps in browsers use.

Where node and the package are: `npm install pmtiles` in a folder, and NODE_PATH its node_modules.
"""

import json
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.exporters.pyramids.test_pmtiles import store_of_equal_tiles
from tests.stores import noise_store
from tilecppn import export

SCRIPT = Path(__file__).with_name("pmtiles_reader.cjs")


def read(archive: Path) -> dict[str, Any]:
    """Header, metadata, and the SHA-256 of every tile by its z/x/y."""
    result = subprocess.run(["node", SCRIPT, archive], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture(scope="module", autouse=True)
def reader() -> None:
    command = ["node", "--eval", "require('pmtiles')"]
    try:
        subprocess.run(command, capture_output=True, check=True, cwd=SCRIPT.parent)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs node and npm's pmtiles")


@pytest.mark.parametrize("format", ["png", "webp"])
@pytest.mark.parametrize("size", [(900, 300), (64, 64)])
def test_it_finds_every_tile(size: tuple[int, int], format: str, tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", *size)
    export(store.path, tmp_path / "a.pmtiles", tile=64, format=format, title="Storms")
    export(store.path, tmp_path / "xyz", layout="xyz", tile=64, format=format)
    found = read(tmp_path / "a.pmtiles")
    expected = {
        path.relative_to(tmp_path / "xyz").with_suffix("").as_posix(): sha256(
            path.read_bytes()
        ).hexdigest()
        for path in (tmp_path / "xyz").glob(f"*/*/*.{format}")
    }
    assert found["tiles"] == expected
    assert found["header"]["numAddressedTiles"] == len(expected)
    assert (found["metadata"]["name"], found["metadata"]["width"]) == ("Storms", size[0])


def test_it_finds_tiles_that_others_are_equal_to(tmp_path: Path) -> None:
    """Left out where they are blank, and kept once where they repeat."""
    store = store_of_equal_tiles(tmp_path / "a.zarr", 1024)
    export(store.path, tmp_path / "a.pmtiles", tile=64)
    found = read(tmp_path / "a.pmtiles")
    assert len(found["tiles"]) == sum(4**z for z in range(5))
    assert found["header"]["numTileContents"] < 20
