"""Stores and exports in a bucket, on the command line, beside the same on a disk."""

import errno
import json
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import zarr

from tests.cli.conftest import Cli
from tests.cli.results import assert_refused
from tests.serve.serving import ask, running
from tests.stores import tree
from tilecppn.addresses import BucketPath
from tilecppn.scene.scene import Scene
from tilecppn.serve.server import find, serve
from tilecppn.serve.store_picture import StorePicture
from tilecppn.storage import client
from tilecppn.storage.bucket import Bucket
from tilecppn.storage.places import storage_of

GROUP = {"zarr.json", "weights/group.json"}  # in a bucket they have the store's generation, too


def objects(path: Path) -> dict[str, bytes]:
    """Every object below a path by its name."""
    assert isinstance(path, BucketPath)
    bucket = Bucket(path)
    return {name: bucket.get(name) for name, _ in bucket.objects()}


def files(path: Path) -> dict[str, bytes]:
    return {name: data for name, data in tree(path).items() if isinstance(data, bytes)}


@pytest.fixture
def store(cli: Cli, scene: Scene, bucket: BucketPath) -> BucketPath:
    """a.toml rendered into a bucket."""
    done = cli("render", "a.toml", "-o", bucket / "a.zarr", "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["rendered"] == 4
    return bucket / "a.zarr"


def test_a_store_has_the_same_files_as_on_a_disk_and_plain_zarr_reads_it(
    store: BucketPath, cli: Cli, tmp_path: Path
) -> None:
    assert cli("render", "a.toml", "-o", "a.zarr").exit_code == 0
    here, there = files(tmp_path / "a.zarr"), objects(store)
    assert set(here) == set(there)
    assert {name for name in here if here[name] != there[name]} == GROUP
    local = zarr.open_group(tmp_path / "a.zarr", mode="r")
    remote = zarr.open_group(storage_of(store).zarr(), mode="r")
    for name, array in remote.arrays():
        assert np.array_equal(np.asarray(local[name]), np.asarray(array))


def test_a_store_is_resumed_verified_repaired_and_described(store: BucketPath, cli: Cli) -> None:
    bucket, before = Bucket(store), objects(store)
    assert json.loads(cli("render", "a.toml", "-o", store, "--json").stdout)["skipped"] == 4
    assert cli("verify", store).exit_code == 0
    bucket.delete("0/c/0/0/0")
    broken = bytearray(before["0/c/0/0/1"])
    broken[10] ^= 1
    bucket.put("0/c/0/0/1", bytes(broken))
    bucket.put("1/zarr.json", b"{")
    assert json.loads(cli("status", store, "--json").stdout)["done"] == 3
    found = json.loads(cli("verify", store, "--json").stdout)
    assert (found["missing"], found["damaged"]) == ([[0, 0, 0]], [[0, 0, 1]])
    assert cli("verify", store, "--repair").exit_code == 0
    assert objects(store) == before
    described = json.loads(cli("info", store, "--json").stdout)
    assert (described["path"], described["finished"]) == (str(store), True)
    assert cli("plan", "a.toml", "-o", store).exit_code == 0
    picture = find(store)
    assert isinstance(picture, StorePicture)
    assert picture.progress().done == 4


def test_another_scene_needs_overwrite_which_replaces_all(
    store: BucketPath, cli: Cli, tmp_path: Path
) -> None:
    smaller = ("--set", "cppn.seed=9", "--set", "canvas.width=60", "--set", "canvas.height=60")
    assert cli("render", "a.toml", "-o", store, *smaller).exit_code == 2
    assert cli("render", "a.toml", "-o", store, "--overwrite", *smaller).exit_code == 0
    assert cli("render", "a.toml", "-o", "b.zarr", *smaller).exit_code == 0
    here, there = files(tmp_path / "b.zarr"), objects(store)
    assert set(here) == set(there)
    assert {name for name in here if here[name] != there[name]} == GROUP
    assert cli("verify", store).exit_code == 0
    assert cli("render", "a.toml", "-o", store, "--overwrite").exit_code == 0


def test_what_is_not_ours_is_neither_replaced_nor_read(
    bucket: BucketPath, cli: Cli, scene: Scene
) -> None:
    mine = {"a.zarr/notes.txt": b"mine", "e.png": b"no picture"}
    for name, data in mine.items():
        Bucket(bucket).put(name, data)
    for command in (
        ("render", "a.toml", "-o", bucket / "a.zarr", "--overwrite"),
        ("status", bucket / "a.zarr"),
        ("status", bucket / "none.zarr"),
        ("info", bucket / "e.png"),
        ("info", bucket / "none.png"),
        ("info", bucket / "none"),
        ("verify", bucket / "none"),
        ("verify", bucket / "none.dzi"),
    ):
        refused = cli(*command)
        assert refused.exit_code == 2
        assert refused.stderr.count("\n") == 1
        assert "not supported" not in refused.stderr  # as of an address where none can be
        assert str(command[-1]) in refused.stderr or "--overwrite" in command
    assert objects(bucket) == mine


@pytest.mark.parametrize(
    ("dest", "options", "files_of"),
    [
        ("e.dzi", (), "e_files"),
        ("e.png", (), None),
        ("e.szi", (), None),
        ("e", ("--layout", "xyz"), "e"),
        ("e", ("--layout", "iiif", "--url", "https://example.org/e"), "e"),
    ],
)
def test_an_export_in_a_bucket_is_that_on_a_disk(
    dest: str,
    options: tuple[str, ...],
    files_of: str | None,
    store: BucketPath,
    cli: Cli,
    tmp_path: Path,
) -> None:
    place = store.parent / "web"
    assert cli("export", store, place / dest, *options).exit_code == 0
    assert cli("export", store, tmp_path / "web" / dest, *options).exit_code == 0
    assert objects(place) == files(tmp_path / "web")
    # It is known, and replaced only if nobody changed it.
    assert json.loads(cli("info", place / dest, "--json").stdout)["width"] == 150
    assert cli("export", store, place / dest, *options).exit_code == 2
    assert cli("export", store, place / dest, *options, "--overwrite").exit_code == 0
    assert objects(place) == files(tmp_path / "web")
    changed = f"{files_of}/changed" if files_of else dest
    Bucket(place).put(changed, b"by somebody")
    refused = cli("export", store, place / dest, *options, "--overwrite")
    assert refused.exit_code == 2
    assert Bucket(place).get(changed) == b"by somebody"


@pytest.mark.parametrize(
    ("dest", "options"),
    [
        ("e.dzi", ()),
        ("e.png", ()),
        ("e.tif", ()),
        ("e.szi", ()),
        ("e", ("--layout", "xyz")),
        ("e", ("--layout", "iiif", "--url", "https://example.org/e")),
    ],
)
def test_an_export_is_verified_and_repaired_there(
    dest: str, options: tuple[str, ...], store: BucketPath, cli: Cli
) -> None:
    place = store.parent / "web"
    assert cli("export", store, place / dest, *options).exit_code == 0
    before, files = objects(place), Bucket(place)
    assert cli("verify", place / dest).stdout == f"{place / dest}: complete and undamaged\n"
    chance = random.Random(dest)
    for name in chance.sample(sorted(before), min(4, len(before))):
        for what in ("damaged", "missing"):
            data = bytearray(before[name])
            # What says how an export was made is all that a single file can be repaired from.
            data[chance.randrange(len(data) // 2, len(data) * 3 // 4)] ^= 1
            files.put(name, bytes(data)) if what == "damaged" else files.delete(name)
            if what == "missing" and len(before) == 1:
                assert cli("verify", place / dest).exit_code == 2
                continue
            found = cli("verify", place / dest)
            assert (found.exit_code, found.stdout.splitlines()[0]) == (1, f"{place / name}: {what}")
            assert cli("verify", place / dest, "--repair").exit_code == 2
            mended = cli("verify", place / dest, "--repair", "--store", store)
            assert mended.exit_code == 0, mended.stderr
            assert objects(place) == before
    files.put("e_files/notes.txt" if dest == "e.dzi" else f"{dest}/notes.txt", b"mine")
    if len(before) > 1:
        assert "not part of the export" in cli("verify", place / dest).stdout


def test_an_export_there_that_is_not_ours_or_unreadable_is_not_called_damaged(
    store: BucketPath, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = store.parent / "web"
    Bucket(place).put("mine.png", b"mine")
    assert_refused(cli("verify", place / "mine.png"), "nothing in it says that tilecppn made it")
    assert cli("export", store, place / "e.dzi").exit_code == 0

    def failing(bucket: Bucket, name: str) -> Iterator[bytes]:
        raise OSError(errno.EIO, "the server cannot be reached", str(bucket.path / name))

    monkeypatch.setattr(Bucket, "_pieces", failing)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    found = cli("verify", place / "e.dzi")
    assert (found.exit_code, found.stdout) == (1, "")
    assert "the server cannot be reached" in found.stderr


def test_browsers_are_told_what_files_are(store: BucketPath, cli: Cli) -> None:
    import obstore

    done = cli("export", store, store.parent / "web" / "e.dzi", "--format", "webp")
    assert done.exit_code == 0
    web = Bucket(store.parent / "web")
    for name, kind, cached in (
        ("e.dzi", "application/xml", "no-cache"),
        ("e.html", "text/html; charset=utf-8", "no-cache"),
        ("e_files/0/0_0.webp", "image/webp", "public, max-age=86400"),
    ):
        found = obstore.get(web._client, (web.address / name).key).attributes
        assert (found["Content-Type"], found["Cache-Control"]) == (kind, cached)


def test_view_shows_an_export(store: BucketPath, cli: Cli) -> None:
    place = store.parent / "web"
    assert cli("export", store, place / "e.dzi").exit_code == 0
    for found in (place / "e.html", place):
        assert find(found) == find(place / "e.dzi")
    with running(serve(place / "e.dzi")) as server:
        for path, name in (
            ("/", "e.html"),
            ("/picture.dzi", "e.dzi"),
            ("/picture_files/0/0_0.png", "e_files/0/0_0.png"),
        ):
            answer, data = ask(server, path)
            assert data == Bucket(place).get(name)
            again, _ = ask(server, path, If_None_Match=answer.headers["ETag"])
            assert again.status == 304
        for path in ("/picture_files/9/9_9.png", "/picture_files/..%2fe.dzi", "/a.zarr/zarr.json"):
            assert ask(server, path)[0].status == 404


def test_view_shows_a_folder_of_tiles_as_its_viewer_and_as_deep_zoom(
    store: BucketPath, cli: Cli
) -> None:
    place = store.parent / "web" / "e"
    assert cli("export", store, place, "--layout", "iiif").exit_code == 0
    with running(serve(place)) as server:
        for path, name in (("/", "index.html"), ("/info.json", "info.json")):
            assert ask(server, path)[1] == Bucket(place).get(name)
        assert ask(server, "/picture.dzi")[0].status == 200


def test_a_killed_export_is_made_again(store: BucketPath, cli: Cli, tmp_path: Path) -> None:
    place = store.parent / "web"
    Bucket(place / "e_files").put("tilecppn.json", b'{"unfinished": true}')
    Bucket(place / "e_files").put("7/9_9.png", b"of the killed one")
    assert cli("export", store, place / "e.dzi").exit_code == 0
    assert cli("export", store, tmp_path / "web" / "e.dzi").exit_code == 0
    assert objects(place) == files(tmp_path / "web")


@pytest.mark.slow
def test_a_server_that_lets_an_object_change_once_a_second_is_waited_for(
    cli: Cli, scene: Scene, fresh_bucket: Callable[[str], BucketPath]
) -> None:
    place = fresh_bucket("limited google")
    store, picture = place / "a.zarr", place / "e.dzi"
    assert cli("render", "a.toml", "-o", store, "--export", picture).exit_code == 0
    assert cli("export", store, picture, "--overwrite").exit_code == 0
    assert cli("verify", store).exit_code == cli("verify", picture).exit_code == 0


def test_a_page_on_a_store_is_for_stores_on_a_disk(store: BucketPath, cli: Cli) -> None:
    for page in ("a.html", store.parent / "a.html"):
        refused = cli("export", store, page, "--layout", "store")
        assert_refused(refused, f"{page}: refers to the store by its relative path")


def test_a_pass_renders_and_exports(
    cli: Cli, scene: Scene, bucket: BucketPath, tmp_path: Path
) -> None:
    both = ("-o", bucket / "a.zarr", "--export", bucket / "web" / "e.dzi")
    assert cli("render", "a.toml", *both).exit_code == 0
    assert cli("export", bucket / "a.zarr", tmp_path / "web" / "e.dzi").exit_code == 0
    assert objects(bucket / "web") == files(tmp_path / "web")
    assert json.loads(cli("render", "a.toml", *both, "--json").stdout)["skipped"] == 4


def test_a_scene_is_drawn_again_from_a_bucket(store: BucketPath, cli: Cli, tmp_path: Path) -> None:
    picture, folder = store.parent / "e.png", store.parent / "poster-1.2"
    assert cli("export", store, picture).exit_code == 0
    assert cli("export", store, folder, "--layout", "xyz").exit_code == 0
    for name, source in (("0", store), ("1", picture), ("2", folder)):
        assert cli("render", source, "-o", f"{name}/a.zarr").exit_code == 0
    assert files(tmp_path / "0") == files(tmp_path / "1") == files(tmp_path / "2")


def test_the_frames_of_a_film_lie_in_a_bucket(
    cli: Cli, scene: Scene, bucket: BucketPath, tmp_path: Path
) -> None:
    film = ("animate", "a.toml", "--morph", "1,2", "--seconds", "0.2", "--fps", "10", "-o")
    assert cli(*film, bucket / "f.zarr").exit_code == 0
    assert cli(*film, "f.zarr").exit_code == 0
    here, there = files(tmp_path / "f.zarr"), objects(bucket / "f.zarr")
    assert {name for name in here if here[name] != there.get(name)} == GROUP
    assert cli("verify", bucket / "f.zarr").exit_code == 0
    assert cli("animate", bucket / "f.zarr", "-o", "f.gif").exit_code == 0


@pytest.mark.parametrize(
    "command",
    [
        ("render", "a.toml", "-o"),
        ("animate", "a.toml", "--morph", "1,2", "--seconds", "0.1", "-o"),
        ("status",),
        ("verify",),
    ],
)
@pytest.mark.parametrize("bucket", ["seaweedfs"], indirect=True)
def test_wrong_credentials_are_refused_in_one_line(
    command: tuple[str, ...],
    scene: Scene,
    cli: Cli,
    bucket: BucketPath,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    client._client.cache_clear()
    try:
        found = cli(*command, bucket / "denied.zarr")
    finally:
        client._client.cache_clear()
    assert_refused(found, "access denied", "check the credentials")
