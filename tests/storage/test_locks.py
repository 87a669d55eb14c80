"""Locks of the operating system."""

import errno
import os
from pathlib import Path

import pytest

from tilecppn.errors import StoreError
from tilecppn.storage.locks import locked


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
