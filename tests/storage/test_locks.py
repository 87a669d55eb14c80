"""One process at a time writes into a store."""

import errno
import os
from pathlib import Path

import pytest

from tests.storage.helpers import held, leftovers
from tests.stores import ARITHMETIC, plain_scene
from tilecppn.addresses import as_path
from tilecppn.errors import StoreError
from tilecppn.storage.local_locks import local_locks
from tilecppn.storage.locks import locked
from tilecppn.storage.names import lock_file
from tilecppn.storage.store import Store


def test_one_process_at_a_time_and_its_lock_dies_with_it(store: Store) -> None:
    left = leftovers(store.path)
    with held(lock_file(store.path)) as other:
        for _ in range(2):
            with (
                pytest.raises(StoreError, match=rf"a\.zarr is in use.*pid {other.pid} on"),
                store.lock(),
            ):
                raise AssertionError
        assert all(path.exists() for path in left)  # they may be the other's
        other.kill()
        other.wait()
        with store.lock():
            assert not any(path.exists() for path in left)
            again = leftovers(store.path)
        assert not any(path.exists() for path in again)


def test_a_full_disk_leaves_no_lock_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with locked(tmp_path / "a.lock", "a", transient=True):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_is_not_shared_within_a_process_and_is_free_after_it(store: Store) -> None:
    for _ in range(2):
        with (
            store.lock(),
            pytest.raises(StoreError, match="another process"),
            Store(store.path).lock(),
        ):
            raise AssertionError


def test_a_new_store_is_locked_when_it_appears(tmp_path: Path) -> None:
    scene = plain_scene(10, 10, tile=64, shard=64)
    with Store.create(tmp_path / "a.zarr", scene, ARITHMETIC) as store:
        with pytest.raises(StoreError, match="is in use"), Store(store.path).lock():
            raise AssertionError
        left = store.path / "0" / ".zarr.json.0123456789ab.partial"
        left.write_bytes(b"half")
    assert not left.exists()
    with Store(store.path).lock():
        pass


def test_a_lock_that_is_a_link_is_not_followed(store: Store, tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("mine")
    lock_file(store.path).unlink(missing_ok=True)
    lock_file(store.path).symlink_to(tmp_path / "victim")
    with pytest.raises((OSError, StoreError)), store.lock():
        raise AssertionError
    assert (tmp_path / "victim").read_text() == "mine"


def test_sweeping_spares_what_no_writer_of_ours_left(store: Store, tmp_path: Path) -> None:
    foreign = store.path / "download.partial"
    foreign.write_bytes(b"mine")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / ".1.0123456789ab.partial").write_bytes(b"mine")
    (store.path / "link").symlink_to(outside)
    with store.lock():
        pass
    assert (outside / ".1.0123456789ab.partial").exists()
    assert foreign.exists()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_disk_without_locks_is_named_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", flock)
    with (
        pytest.raises(StoreError, match=r"a\.zarr: its disk has no file locks"),
        locked(tmp_path / ".lock", "a.zarr"),
    ):
        pass


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
def test_a_store_on_a_read_only_disk_is_refused(
    number: int, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("tilecppn.storage.locks.os.open", refuse)
    with pytest.raises(StoreError, match=r"a\.zarr: cannot be written to \("), store.lock():
        raise AssertionError


@pytest.mark.parametrize(
    ("mounted", "told"),
    [
        ("nfs rw,vers=3,nolock,local_lock=all", "nolock"),
        ("nfs rw,vers=3,local_lock=flock", "nfsvers=4, or without local_lock=flock"),
        ("nfs rw,vers=3,local_lock=posix", None),
        ("nfs4 rw,vers=4.2,local_lock=none", None),
        ("cifs rw,nobrl", "without nobrl"),
        ("cifs rw", None),
        ("lustre rw,localflock", "with flock"),
        ("lustre rw,flock", None),
        ("fuse.sshfs rw", "use NFS or SMB"),
        ("ext4 rw,nolock", None),
    ],
)
def test_a_mount_where_locks_are_local_is_named_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mounted: str, told: str | None
) -> None:
    """As in /proc/self/mounts, where a space in a name is \\040."""
    shared = tmp_path / "shared disk"
    mounts = tmp_path / "mounts"
    monkeypatch.setattr("tilecppn.storage.local_locks.MOUNTS", mounts)
    point = str(shared).replace(" ", "\\040")
    table = ["/dev/a / ext4 rw 0 0", f"server:/a {point} {mounted} 0 0"]
    mounts.write_text("\n".join(table))
    reason = local_locks(shared / "a.zarr")
    assert (reason is None) == (told is None)
    assert told is None or (reason is not None and told in reason and str(shared) in reason)
    assert local_locks(tmp_path / "shared") is None  # beside it
    table += [f"/dev/b {point}/own ext4 rw 0 0", f"/dev/c {point} ext4 rw 0 0"]
    mounts.write_text("\n".join(table[:3]))
    assert local_locks(shared / "own" / "a.zarr") is None
    mounts.write_text("\n".join(table))  # another disk over it
    assert local_locks(shared / "a.zarr") is None


def test_buckets_and_systems_without_a_table_of_mounts_are_not_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tilecppn.storage.local_locks.MOUNTS", tmp_path / "none")
    assert local_locks(tmp_path / "a.zarr") is None
    assert local_locks(as_path("s3://bucket/a.zarr")) is None
