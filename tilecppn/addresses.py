"""Paths in buckets: s3://bucket/key, gs://bucket/key and az://container/key."""

import contextlib
import os
import re
from pathlib import Path, PosixPath
from typing import Self
from urllib.parse import urlsplit

from tilecppn.errors import AddressError

SCHEMES = ("s3", "gs", "az")
AnyPath = str | os.PathLike[str]  # also a Store, for its path
NO_ADDRESSES = "addresses (s3://, https:// …) are not supported here"
_ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):/")


class BucketPath(PosixPath):
    """The path of an object, or of a folder of them: s3://bucket/key.

    It is a Path with names and parents, but operations on a disk raise AddressError, so that no
    bucket becomes a local folder named "s3:" by mistake.
    """

    __slots__ = ()

    @property
    def scheme(self) -> str:
        """The scheme, one of SCHEMES."""
        return self.parts[0].removesuffix(":")

    @property
    def bucket(self) -> str:
        """The name of the bucket, or of Azure's container."""
        return self.parts[1]

    @property
    def key(self) -> str:
        """The key below the bucket; "" for the bucket itself."""
        return "/".join(self.parts[2:])

    def __str__(self) -> str:
        first, *rest = self.parts or (".",)
        return f"{first}//{'/'.join(rest)}" if first.endswith(":") else "/".join((first, *rest))

    def __fspath__(self) -> str:
        raise AddressError(f"{self}: {NO_ADDRESSES}; give a path on a disk")

    def absolute(self) -> Self:
        """Return the path itself, which is absolute."""
        return self

    def resolve(self, strict: bool = False) -> Self:
        """Return the path itself: buckets have no links."""
        return self

    def expanduser(self) -> Self:
        """Return the path itself: buckets have no users."""
        return self


def is_address(path: str | Path) -> bool:
    """Return whether a path is an address like s3://bucket/key; a `Path` keeps only one slash."""
    return _ADDRESS.match(str(path)) is not None


def file_beside(folder: Path, name: str) -> Path:
    """Return the path on a disk of a file named in a scene in `folder`; ~ is the home folder.

    Raises AddressError for an address.
    """
    if is_address(name):
        raise AddressError(f"{name}: is an address; download the file first, and give its path")
    with contextlib.suppress(RuntimeError):  # no such user, or no home
        return folder / Path(name).expanduser()
    return folder / name


def is_web_address(text: str) -> bool:
    """Return whether a string is an http or https URL to which names can be appended."""
    try:
        parts = urlsplit(text)
        valid = parts.port != 0 and bool(parts.hostname) and parts.username is None
    except ValueError:
        return False
    plain = text.isprintable() and not set(text) & set(' <>"\\^`{|}?#')
    return valid and plain and parts.scheme in ("http", "https")


def as_path(path: AnyPath) -> Path:
    """Return a BucketPath for an address, or a Path on a disk.

    Raises AddressError for other schemes, and for an address without bucket or key.
    """
    if isinstance(path, BucketPath):
        return path
    shown = os.fspath(path)
    found = _ADDRESS.match(shown)
    if found is None:
        return Path(path)
    scheme = found["scheme"].lower()
    if scheme not in SCHEMES:
        known = ", ".join(f"{name}://" for name in SCHEMES)
        raise AddressError(f"{shown}: unknown kind of address; give one of {known}, or a path")
    address = BucketPath(f"{scheme}:", shown.partition(":")[2].lstrip("/"))
    if not address.key or ".." in address.parts:
        raise AddressError(f"{shown}: give a bucket and a name in it, as {scheme}://bucket/name")
    return address
