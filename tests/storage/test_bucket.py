"""Fences of a bucket: whoever was overtaken writes nothing over what came after."""

import errno
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.storage.test_objects import EMPTY, FILES, LEVEL, SHARD, SHARDS, data_of
from tilecppn import filesystem
from tilecppn.addresses import BucketPath, as_path
from tilecppn.errors import AddressError, RenderError, StoreError
from tilecppn.storage import client, lease
from tilecppn.storage.bucket import Bucket
from tilecppn.storage.bucket_storage import BucketStorage
from tilecppn.storage.lease import Lease, leased
from tilecppn.storage.places import storage_of
from tilecppn.storage.shard_file import empty_shard

NEWER = empty_shard(LEVEL, "11" * 8)
SHARDS_OF_NEWER = [(name, NEWER) for name, _ in SHARDS]


@pytest.fixture
def path(bucket: BucketPath) -> BucketPath:
    path = bucket / "a.zarr"
    with BucketStorage(path).create(FILES, SHARDS, overwrite=False):
        pass
    return path


def test_a_late_write_of_a_replaced_store_changes_nothing(path: BucketPath) -> None:
    late, current = BucketStorage(path), BucketStorage(path)
    with current.lock(), current.create(FILES, SHARDS_OF_NEWER, overwrite=True):
        with pytest.raises(StoreError, match="replaced"):
            late.put_shard(SHARD, data_of(0, 0), EMPTY)
        assert not current.has_shard(SHARD, NEWER)
        current.put_shard(SHARD, data_of(0, 1), NEWER)
        with pytest.raises(StoreError, match="replaced"):
            late.put_shard(SHARD, data_of(0, 0), EMPTY)
    assert current.get(SHARD) == data_of(0, 1)


def test_a_shard_is_never_written_over_other_pixels(path: BucketPath) -> None:
    BucketStorage(path).put_shard(SHARD, data_of(0, 1), EMPTY)
    with pytest.raises(StoreError):
        BucketStorage(path).put_shard(SHARD, data_of(0, 0), EMPTY)
    assert BucketStorage(path).get(SHARD) == data_of(0, 1)


def test_one_process_at_a_time_holds_the_lease(
    path: BucketPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "LEASE", 3.0)
    monkeypatch.setattr(lease, "POLL", 0.1)
    with BucketStorage(path).lock():
        other = Lease(path)
        with pytest.raises(StoreError, match="in use"):
            other.acquire()
    other.acquire()
    other.release()


def test_a_lapsed_lease_is_taken_over_and_its_holder_finds_out(
    path: BucketPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "RENEWALS", 0.01)  # both stand still
    first, second = Lease(path), Lease(path)
    first.acquire()
    monkeypatch.setattr(lease, "LEASE", -5.0)  # so that any age is too old
    monkeypatch.setattr(lease, "RENEWALS", -0.01)
    second.acquire()
    with pytest.raises(RenderError, match="taken it over"):
        first.renew()
    assert first.lost
    second.renew()
    first.release()
    second.release()


def test_a_lease_that_nobody_renews_lapses_though_the_servers_clock_was_put_back(
    path: BucketPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "RENEWALS", 0.01)  # the first stands still
    first, second = Lease(path), Lease(path)
    first.acquire()
    monkeypatch.setattr(lease, "LEASE", 0.5)
    monkeypatch.setattr(lease, "POLL", 0.1)
    monkeypatch.setattr(second, "_probe", lambda: 0.0)  # the time of long ago
    second.acquire()
    with pytest.raises(RenderError, match="taken it over"):
        first.renew()
    first.release()
    second.release()


def test_who_lost_the_lease_creates_nothing(bucket: BucketPath) -> None:
    path = bucket / "a.zarr"
    with leased(path) as held:
        held.lost = True
        with pytest.raises(RenderError), BucketStorage(path).create(FILES, SHARDS, overwrite=False):
            pass
    assert BucketStorage(path).is_free()


def test_a_store_that_was_not_finished_is_made_again(
    bucket: BucketPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bucket / "a.zarr"
    write = BucketStorage._write

    def cut_short(self: BucketStorage, files: Any, known: Any) -> None:
        files = list(files)
        if [name for name, _ in files] == ["0/zarr.json"]:
            raise OSError("cut short")
        write(self, files, known)

    with monkeypatch.context() as patch:
        patch.setattr(BucketStorage, "_write", cut_short)
        with (
            pytest.raises(OSError, match="cut short"),
            BucketStorage(path).create(FILES, [], overwrite=False),
        ):
            pass
    assert BucketStorage(path).is_free()
    with BucketStorage(path).create(FILES, SHARDS, overwrite=False):
        assert {name: BucketStorage(path).get(name) for name in FILES} == FILES


def test_an_object_that_is_gone_does_not_keep_the_others(bucket: BucketPath) -> None:
    """Google answers the deletion of one that is not there with 404, S3 does not."""
    files = Bucket(bucket)
    for name in ("a", "c"):
        files.put(name, b"1")
    files._delete(["a", "b", "c"])
    assert not list(files.objects())


def test_http_needs_the_providers_own_variable(
    bucket: BucketPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    client._client.cache_clear()
    name = {"s3": "AWS_ALLOW_HTTP", "az": "AZURE_ALLOW_HTTP", "gs": "GOOGLE_ALLOW_HTTP"}
    monkeypatch.delenv(name[bucket.scheme])
    with pytest.raises(PermissionError, match=f"needs {name[bucket.scheme]}=true"):
        Bucket(bucket).get("a")


@pytest.mark.parametrize("ignored", ["create", "update"])
def test_an_endpoint_that_ignores_conditions_is_refused(
    ignored: str, path: BucketPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    import obstore

    put: Callable[..., Any] = obstore.put

    def careless(*arguments: Any, mode: Any = "overwrite", **options: Any) -> Any:
        is_ignored = mode == "create" if ignored == "create" else isinstance(mode, dict)
        return put(*arguments, mode="overwrite" if is_ignored else mode, **options)

    monkeypatch.setattr(obstore, "put", careless)
    with pytest.raises(StoreError, match="If-None-Match"), BucketStorage(path).lock():
        pass


def test_without_obstore_the_extra_is_named(
    bucket: BucketPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    client._client.cache_clear()
    monkeypatch.setitem(sys.modules, "obstore", None)
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    monkeypatch.setitem(sys.modules, "obstore.exceptions", None)
    with pytest.raises(StoreError, match=r"tilecppn\[cloud\]"):
        storage_of(bucket / "a.zarr")


@pytest.mark.parametrize("bucket", ["seaweedfs"], indirect=True)
def test_no_secret_is_in_an_error(bucket: BucketPath, monkeypatch: pytest.MonkeyPatch) -> None:
    client._client.cache_clear()
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
    with pytest.raises(PermissionError) as caught:
        BucketStorage(bucket / "a.zarr").get("zarr.json")
    assert "\n" not in str(caught.value)
    for hidden in ("secret", "Signature=", "Authorization"):
        assert hidden not in str(caught.value)


@pytest.mark.parametrize("address", ["s3://only-a-bucket", "ftp://a/b", "s3://a/../b"])
def test_what_is_no_address_of_an_object_is_refused(address: str) -> None:
    with pytest.raises(AddressError):
        as_path(address)


def test_no_address_becomes_a_local_folder() -> None:
    path = as_path("s3://bucket/folder/a.zarr")
    assert str(path / "0") == "s3://bucket/folder/a.zarr/0"
    assert str(path.with_suffix(".html")) == "s3://bucket/folder/a.html"
    assert str((path / "0" / "c").relative_to(path)) == "0/c"
    for touch in (path.exists, path.is_file, path.mkdir, path.read_bytes, path.unlink):
        with pytest.raises(AddressError):
            touch()


def test_a_proxy_is_named_when_a_server_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    GenericError = pytest.importorskip("obstore.exceptions").GenericError

    for name in client.PROXIES:
        monkeypatch.delenv(name, raising=False)

    def said() -> str:
        path = BucketPath("s3://b/a")
        with pytest.raises(OSError, match="cannot be reached") as raised, client.as_os_errors(path):
            raise GenericError("error sending request for url (http://user:secret@a/)")
        return str(raised.value)

    assert "proxy" not in said()
    monkeypatch.setenv("HTTP_PROXY", "http://user:secret@proxy:3128")
    assert "the proxy of HTTP_PROXY; if it needs none, add its host to NO_PROXY" in said()
    assert "secret" not in said()


def test_only_a_range_past_the_end_is_damage_of_an_object() -> None:
    GenericError = pytest.importorskip("obstore.exceptions").GenericError

    path = BucketPath("s3://b/a")
    for words, damage in (("status code: 416 Range Not Satisfiable", True), ("timed out", False)):
        with pytest.raises(OSError, match=words[-9:]) as caught, client.as_os_errors(path):
            raise GenericError(words)
        assert filesystem.is_out_of_reach(caught.value) == (not damage)


def test_a_wrong_clock_is_named_and_may_be_set_right() -> None:
    PermissionDeniedError = pytest.importorskip("obstore.exceptions").PermissionDeniedError

    path = BucketPath("s3://bucket/a.zarr")
    with pytest.raises(OSError, match="this machine's clock") as caught, client.as_os_errors(path):
        raise PermissionDeniedError("status code: 403 <Code>RequestTimeTooSkewed</Code>")
    assert caught.value.errno == errno.ETIMEDOUT
