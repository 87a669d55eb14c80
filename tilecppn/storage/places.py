"""Chooses the storage of a path: a disk, or a bucket."""

from pathlib import Path

from tilecppn.addresses import BucketPath, as_path
from tilecppn.storage.disk_storage import DiskStorage
from tilecppn.storage.objects import ObjectStorage


def storage_of(path: str | Path) -> ObjectStorage:
    """Return the storage of a path: a bucket for an address like s3://…, else a disk.

    Raises StoreError if the package for buckets is missing.
    """
    path = as_path(path)
    if isinstance(path, BucketPath):
        from tilecppn.storage.bucket_storage import BucketStorage

        return BucketStorage(path)
    return DiskStorage(path)
