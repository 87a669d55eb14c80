"""The metadata of a store: OME-Zarr, levels, our attribute, the network."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from ome_zarr_models.common.omero import Omero
from ome_zarr_models.v05 import Image
from ome_zarr_models.v05.coordinate_transformations import VectorScale, VectorTranslation

from tests.storage.helpers import DTYPES, metadata
from tests.stores import ARITHMETIC, NETWORK, edit_attribute, plain_scene
from tilecppn.cppn import CPPN
from tilecppn.kernels import Arithmetic
from tilecppn.scene.scene import EMBEDDED, Scene
from tilecppn.storage.store import Store

# Metadata


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", [(1, 1), (700, 501), (64, 1000)])
def test_metadata_is_valid_ome_zarr(
    size: tuple[int, int], dtype: str, channels: int, tmp_path: Path
) -> None:
    scene = plain_scene(*size, channels=channels, dtype=dtype, tile=64, shard=256)
    with Store.create(tmp_path / "a.zarr", scene, ARITHMETIC) as store:
        plan = store.plan
    image = Image.from_zarr(zarr.open_group(tmp_path / "a.zarr", mode="r"))
    (multiscale,) = image.attributes.ome.multiscales
    assert [(axis.name, axis.type) for axis in multiscale.axes] == [
        ("c", "channel"),
        ("y", "space"),
        ("x", "space"),
    ]
    assert len(multiscale.datasets) == len(plan.levels)
    for k, dataset in enumerate(multiscale.datasets):
        assert dataset.path == str(k)
        scale, translation = tuple(dataset.coordinateTransformations)[:2]
        assert isinstance(scale, VectorScale)
        assert isinstance(translation, VectorTranslation)
        assert scale.scale == [1.0, 2.0**k, 2.0**k]
        assert translation.translation == [0.0, (2**k - 1) / 2, (2**k - 1) / 2]
    omero = Omero.model_validate((image.attributes.ome.model_extra or {})["omero"])
    assert len(omero.channels) == channels
    end = {"uint8": 255, "uint16": 65535, "float32": 1}[dtype]
    for channel in omero.channels:
        window = channel.window
        assert (window.min, window.start, window.max, window.end) == (0, 0, end, end)


def test_levels_halve_and_are_sharded_with_a_checksum_last(small_store: Store) -> None:
    assert metadata(small_store.path)["zarr_format"] == 3
    sizes = [(700, 501), (350, 251), (175, 126), (88, 63), (44, 32)]
    shards = [256, 256, 256, 128, 64]
    assert len(small_store.plan.levels) == len(sizes)
    for k, ((width, height), shard) in enumerate(zip(sizes, shards, strict=True)):
        record = metadata(small_store.path / str(k))
        assert record["shape"] == [3, height, width]
        assert record["data_type"] == "uint8"
        assert record["dimension_names"] == ["c", "y", "x"]
        assert record["fill_value"] == 0
        assert record["chunk_grid"]["configuration"]["chunk_shape"] == [3, shard, shard]
        (sharding,) = record["codecs"]
        assert sharding["name"] == "sharding_indexed"
        inner = sharding["configuration"]
        assert inner["chunk_shape"] == [3, 64, 64]
        assert [codec["name"] for codec in inner["codecs"]] == ["bytes", "zstd", "crc32c"]
        assert [codec["name"] for codec in inner["index_codecs"]] == ["bytes", "crc32c"]
        assert inner["index_location"] == "end"


def test_the_attribute_holds_scene_fingerprint_arithmetic_and_version(small_store: Store) -> None:
    from tilecppn import __version__

    attributes = metadata(small_store.path)["attributes"]["tilecppn"]
    assert Scene.parse(attributes["scene"]) == small_store.scene
    assert attributes["fingerprint"] == small_store.scene.fingerprint
    assert Arithmetic(**attributes["arithmetic"]) == small_store.arithmetic
    assert attributes["version"] == __version__


def test_a_store_has_its_network_with_it(tmp_path: Path) -> None:
    """Its scene names a weights file, which is gone, and another, which is not followed."""
    model, other = (CPPN.from_preset("hardmaru", seed=s, width=4, depth=1) for s in (1, 2))
    model.save(tmp_path / "model.safetensors")
    other.save(tmp_path / "other.safetensors")
    (tmp_path / "a.toml").write_text('[cppn]\nweights = "model.safetensors"\n')
    scene = Scene.load(tmp_path / "a.toml")
    with Store.create(tmp_path / "a.zarr", scene, ARITHMETIC):
        pass
    (tmp_path / "model.safetensors").unlink()
    group = zarr.open_group(tmp_path / "a.zarr", mode="r")
    assert np.asarray(group["weights"][:]).tobytes() == model.to_bytes()  # type: ignore[index]
    assert (tmp_path / "a.zarr" / NETWORK).read_bytes() == model.to_bytes()
    assert Store(tmp_path / "a.zarr").scene.cppn == model
    assert Store(tmp_path / "a.zarr").scene.fingerprint == scene.fingerprint

    def elsewhere(own: dict[str, Any]) -> None:
        assert EMBEDDED in own["scene"]
        own["scene"] = own["scene"].replace(EMBEDDED, str(tmp_path / "other.safetensors"))

    edit_attribute(tmp_path / "a.zarr", elsewhere)
    assert Store(tmp_path / "a.zarr").scene.cppn == model


@pytest.mark.parametrize("key", ["configuration", "separator", "index_location"])
def test_a_key_that_no_reader_knows_is_found(small_store: Store, tmp_path: Path, key: str) -> None:
    """zarr would take the default, which may be right today."""
    store = Store(shutil.copytree(small_store.path, tmp_path / "a.zarr"))
    assert store.invalid_metadata() == []
    file = store.path / "0/zarr.json"
    text = file.read_text()
    assert f'"{key}"' in text
    file.write_text(text.replace(f'"{key}"', f'"x{key[1:]}"'))
    assert store.invalid_metadata() == ["0/zarr.json"]


SLOW_END = """
import time
from zarr.core import sync
from tilecppn.plan import Level
from tilecppn.storage.zarr_format import ArraySpec, array_files
array_files([ArraySpec("0", (3, 64, 64), Level(0, 64, 64, 64, 64), "uint8")])
sync._get_loop().call_soon_threadsafe(time.sleep, 1)
"""


def test_a_thread_of_zarr_that_ends_late_is_waited_for() -> None:
    ended = subprocess.run([sys.executable, "-c", SLOW_END], capture_output=True, check=True)
    assert ended.stderr == b""
