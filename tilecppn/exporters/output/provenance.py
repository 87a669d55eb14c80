"""The provenance that an output of tilecppn carries, and whether it was modified since.

A single file carries the scene or timeline as TOML where its format has a place for text, and as
that text's last line a comment:

    # tilecppn {"kind":"still",…,"digest":"<SHA-256 in hex>"}

The line is uncompressed in every format, so it is found without decoding the file. A folder has
the same record, and the TOML, in tilecppn.json. The digest covers the file's length and up to
16 MiB of its bytes, spread evenly (all of a smaller file); for a folder, the manifest and every
name and size. It is checked before an output is replaced. `crc32c` covers all of a file, or the
list of a folder's files with their checksums (`folder_checksums.py`); `verify` checks it.

A file that was edited or encoded again no longer matches, even if it kept the text.
"""

import hashlib
import json
import os
import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from tilecppn.exporters.encoding.png import SIGNATURE
from tilecppn.exporters.output import folder_checksums
from tilecppn.exporters.output.folder_checksums import masked_checksum
from tilecppn.filesystem import NOT_A_FILE
from tilecppn.scene.sections import About
from tilecppn.storage.places import storage_of
from tilecppn.version import VERSION

MAX_MANIFEST = 16 << 20  # bytes
MANIFEST = folder_checksums.MANIFEST
STILL, FILM, FRAMES, LIVE = "still", "film", "frames", "live"  # kinds
UNSEALED = "0" * 64  # the digest while an output is being written
UNKNOWN = "0" * 8  # its CRC-32C meanwhile, and that of a folder without a list
BLOCK = 1 << 16  # bytes hashed at a time
BLOCKS = 256  # number of blocks hashed in a large file
SEARCHED = 16 << 20  # bytes at each end of a file
PIECE = 1 << 18  # bytes read at a time in search of the record
_LINE = re.compile(
    rb'# tilecppn (\{"kind":"[^{}\n]{1,8000}?"'
    rb'(?:crc32c":"(?P<crc>[0-9a-f]{8})",")?digest":"(?P<digest>[0-9a-f]{64})"\})'
)
_TRACE = re.compile(rb'tilecppn|"(?:kind|version|fingerprint|encoding|crc32c|digest)"')
TRACES = 2  # distinct ones; more than a coincidence, and they survive a damaged byte
_MASK = 64 + 2 + 4  # bytes of the digest, the end of the record, and a PNG chunk's checksum


@dataclass(frozen=True)
class Provenance:
    """The contents and origin of an output.

    kind: "still", "film", or that of a folder (see `atomic.CONTENTS`). source: the scene or
    timeline as TOML, "" if it was not read. fingerprint: of that scene or timeline. encoding: the
    options, in words or hashed. intact: whether its digest is present and correct. about: the
    credits; profile: the colour space, one of PROFILES; neither is read back from the record.
    tolerance: of the frames of a film, if it is not that of its timeline.
    """

    kind: str
    source: str = ""
    fingerprint: str = ""
    encoding: str = ""
    version: str = VERSION
    intact: bool = False
    about: About = field(default_factory=About)
    profile: str = "srgb"
    tolerance: float | None = None

    @property
    def options(self) -> dict[str, str]:
        """The options by name, as in `ExportOptions.encoding`; empty if they are hashed."""
        return dict(pair.split("=", 1) for pair in self.encoding.split(" ") if "=" in pair)

    def is_copy_of(self, other: "Provenance") -> bool:
        """Return whether this is an unchanged output that would be made again identically."""
        mine = self.kind, self.fingerprint, self.encoding
        return self.intact and mine == (other.kind, other.fingerprint, other.encoding)

    def line(self) -> str:
        """Return the record as a comment line; `seal` fills in its digest.

        It has no spaces, since a block of a GIF comment is limited to 255 bytes.
        """
        return f"# tilecppn {json.dumps(self._record(UNSEALED), separators=(',', ':'))}"

    def text(self) -> str:
        """Return the source followed by the record."""
        return f"{self.source.rstrip()}\n{self.line()}"

    def manifest(self, digest: str = UNSEALED, crc32c: str = UNKNOWN) -> str:
        """Return the text of a folder's tilecppn.json."""
        name = "timeline" if self.kind == FRAMES else "scene"
        return json.dumps({**self._record(digest, crc32c), name: self.source}, indent=1)

    def _record(self, digest: str, crc32c: str = UNKNOWN) -> dict[str, Any]:
        # A film's record must fit into 255 bytes, one block of a GIF comment.
        whole: dict[str, Any] = {} if self.kind == FILM else {"crc32c": crc32c}
        if self.tolerance is not None:
            whole["tolerance"] = self.tolerance
        return {
            "kind": self.kind,
            "version": self.version,
            "fingerprint": self.fingerprint,
            "encoding": self.encoding,
            **whole,
            "digest": digest,
        }


def parse(text: str) -> Provenance:
    """Return the provenance in a file's text; its digest is not checked."""
    found = _LINE.search(text.encode(errors="replace"))
    record = _decoded(found[1]) if found else None
    return _provenance(record or {"kind": STILL}, text)


def read(path: Path) -> Provenance | None:
    """Return the provenance of a file (without its source) or folder; None if it has none."""
    try:
        return read_folder(path) if path.is_dir() else _read_file(path)
    except OSError:
        return None


def read_folder(folder: Path) -> Provenance | None:
    """Return the provenance of a folder, also in a bucket; None if it has none. Raises OSError."""
    try:
        record = _manifest(folder)
    except NOT_A_FILE:
        return None
    if record is None:
        return None
    sizes = storage_of(folder).sizes()
    return _provenance(record, intact=record.get("digest") == _folder_digest(sizes, record))


def read_manifest(folder: Path) -> Provenance | None:
    """Return the provenance in a folder's manifest, without looking at the other files."""
    try:
        record = _manifest(folder)
        return None if record is None else _provenance(record)
    except (OSError, ValueError):
        return None


def parse_manifest(text: str) -> Provenance:
    """Return the provenance in a manifest's text. Raises ValueError for any other text."""
    record = _decoded(text)
    if record is None:
        raise ValueError("not a manifest of tilecppn")
    return _provenance(record)


def seal(path: Path) -> None:
    """Fill in the digest of a finished file, in place."""
    with path.open("r+b") as file:
        found = _find(file)
        if found is None:
            raise ValueError(f"{path}: no record to seal")
        if found.crc_at is not None:
            crc = _checksum(file, found.crc_at, found.at).encode()
            file.seek(found.crc_at)
            file.write(crc)
        digest = _digest(file, found.at).encode()
        file.seek(found.at)
        file.write(digest)
        if (right := _png_fault(file, found.at)) is not None:
            file.seek(-4, os.SEEK_CUR)
            file.write(right)


def seal_folder(folder: Path, provenance: Provenance) -> None:
    """Write the list and the manifest of a folder in which all other files are complete."""
    folder_checksums.write_list(storage_of(folder), provenance.line())
    write_manifest(folder, provenance)


def write_manifest(folder: Path, provenance: Provenance) -> None:
    """Write the manifest of a folder that already has its list of checksums."""
    files = storage_of(folder)
    crc32c = files.crc32c(folder_checksums.LIST)
    record = json.loads(provenance.manifest(crc32c=crc32c))
    text = provenance.manifest(_folder_digest(files.sizes(), record), crc32c)
    files.put(MANIFEST, text.encode())


def is_undamaged(path: Path) -> bool:
    """Return whether a file is as it was sealed; reads all of it, of a film what its digest covers.

    Raises OSError.
    """
    with path.open("rb") as file:
        found = _find(file)
        if found is None or _digest(file, found.at) != found.digest or _png_fault(file, found.at):
            return False
        return found.crc_at is None or found.crc == _checksum(file, found.crc_at, found.at)


def has_trace(path: Path) -> bool:
    """Return whether a file contains parts of a record, however damaged the rest is.

    Raises OSError.
    """
    with path.open("rb") as file:
        pieces = (data for _, data in _ends(file, file.seek(0, os.SEEK_END)))
        return any(len(set(_TRACE.findall(data))) >= TRACES for data in pieces)


def stated_checksum(path: Path) -> str | None:
    """Return the CRC-32C in a file's record; None if there is none. Raises OSError."""
    with path.open("rb") as file:
        found = _find(file)
    return None if found is None else found.crc


def listed_checksum(folder: Path) -> str | None:
    """Return the CRC-32C of a folder's list from its manifest; None if there is none."""
    try:
        record = _manifest(folder) or {}
    except NOT_A_FILE:
        return None
    found = str(record.get("crc32c", UNKNOWN))
    return None if found == UNKNOWN else found


def _read_file(path: Path) -> Provenance | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        found = _find(file)
        if found is None or (record := _decoded(found.text)) is None:
            return None
        intact = found.digest != UNSEALED and _digest(file, found.at) == found.digest
    return _provenance(record, "", intact=intact)


def _manifest(folder: Path) -> dict[str, Any] | None:
    """Return the record in a folder's manifest; None if it is not tilecppn's. Raises OSError."""
    return _decoded(storage_of(folder).get(MANIFEST, MAX_MANIFEST))


def _provenance(
    record: dict[str, Any], source: str | None = None, *, intact: bool = False
) -> Provenance:
    """Return the provenance of a record, with its source unless that is given."""
    if source is None:
        source = str(record.get("scene") or record.get("timeline") or "")
    names = ("kind", "fingerprint", "encoding", "version")
    kind, fingerprint, encoding, version = (str(record.get(name, "")) for name in names)
    tolerance = record.get("tolerance")
    within = tolerance if isinstance(tolerance, int | float) else None
    return Provenance(kind, source, fingerprint, encoding, version, intact, tolerance=within)


def _decoded(text: bytes | str) -> dict[str, Any] | None:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


class _Record(NamedTuple):
    """A record in a file: its text, its digest and CRC-32C, if it has one, and their offsets."""

    text: bytes
    at: int
    digest: str
    crc_at: int | None = None
    crc: str | None = None


def _find(file: BinaryIO) -> _Record | None:
    """Return the record in a file; None if there is none."""
    size = file.seek(0, os.SEEK_END)
    for start, data in _ends(file, size):
        if found := _LINE.search(data):
            at, digest, crc = start + found.start("digest"), found["digest"].decode(), found["crc"]
            if crc is None:
                return _Record(found[1], at, digest)
            return _Record(found[1], at, digest, start + found.start("crc"), crc.decode())
    return None


def _ends(file: BinaryIO, size: int) -> Iterator[tuple[int, bytes]]:
    """Yield overlapping pieces of both ends of a file with their offsets, the outermost first."""
    overlap = 1 << 13
    reach = min(size, SEARCHED)
    for start in range(0, max(reach, 1), PIECE):
        for offset in (start, size - start - PIECE):
            offset = max(0, offset)
            file.seek(offset)
            yield offset, file.read(PIECE + overlap)


def _digest(file: BinaryIO, at: int) -> str:
    """Return the SHA-256 of a file's length and bytes, without the digest at `at`."""
    size = file.seek(0, os.SEEK_END)
    sha256 = hashlib.sha256(str(size).encode())
    for start in range(0, size, max(BLOCK, size // BLOCKS)):
        file.seek(start)
        block = bytearray(file.read(BLOCK))
        low, high = max(at - start, 0), min(at + _MASK - start, len(block))
        if low < high:
            block[low:high] = bytes(high - low)
        sha256.update(block)
    return sha256.hexdigest()


def _folder_digest(sizes: Iterable[tuple[str, int]], record: dict[str, Any]) -> str:
    """Return the SHA-256 of the names and sizes of all files, and of the manifest's record."""
    names = [json.dumps({**record, "digest": ""}, sort_keys=True)]
    names += [f"{name}\0{size}\n" for name, size in sizes if name != MANIFEST]
    return hashlib.sha256("".join(sorted(names)).encode(errors="surrogateescape")).hexdigest()


def _checksum(file: BinaryIO, crc: int, at: int) -> str:
    """Return the CRC-32C of a file, without the bytes of this checksum and of the digest."""
    file.seek(0)
    is_png = file.read(8) == SIGNATURE
    return masked_checksum(file, crc, at + (_MASK if is_png else 64))


def _png_fault(file: BinaryIO, at: int) -> bytes | None:
    """Return the correct checksum of the PNG chunk with the record if it is wrong, else None.

    The file is then positioned after it. None also if the file is not a PNG.
    """
    file.seek(0)
    if file.read(8) != SIGNATURE:
        return None
    start = 8
    while True:
        file.seek(start)
        (length,) = struct.unpack(">I", file.read(4))
        if start + 8 + length > at:
            break
        start += 12 + length
    right = struct.pack(">I", zlib.crc32(file.read(4 + length)))
    return None if file.read(4) == right else right
