"""Detects shared disks whose file locks hold on one machine only, as they are mounted.

Each machine can lock a file there at the same time, so two of them could render into one store.
"""

import os
import re
from pathlib import Path
from typing import NamedTuple

from tilecppn.addresses import is_address

MOUNTS = Path("/proc/self/mounts")  # proc(5); other systems than Linux have none


class _Local(NamedTuple):
    """The mount options that keep locks local on a kind of disk; () if they always are."""

    options: tuple[str, ...]
    remedy: str


_NFS = _Local(  # nfs(5)
    ("nolock", "local_lock=all", "local_lock=flock"), "mount it with nfsvers=4, or without {}"
)
_SMB = _Local(("nobrl",), "mount it without {}")  # mount.cifs(8)
_LOCAL = {
    "nfs": _NFS,
    "nfs4": _NFS,
    "cifs": _SMB,
    "smb3": _SMB,
    "lustre": _Local(("localflock",), "mount it with flock instead of {}"),  # mount.lustre(8)
    "fuse.sshfs": _Local((), "use NFS or SMB instead"),
}
_ESCAPE = re.compile(r"\\([0-7]{3})")


def local_locks(path: Path) -> str | None:
    """Return why another machine could write to `path` at the same time, and the remedy.

    None if locks hold for all machines, if that is unknown, and for an address in a bucket.
    """
    if is_address(path):
        return None
    try:
        lines = MOUNTS.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return None
    place, best = os.path.realpath(path), ("", "", "")
    for line in lines:
        point, kind, options = (_ESCAPE.sub(_character, field) for field in line.split(" ")[1:4])
        inside = point == "/" or place == point or place.startswith(f"{point}/")
        if inside and len(point) >= len(best[0]):  # a later mount hides an earlier one
            best = (point, kind, options)
    point, kind, options = best
    if kind not in _LOCAL:
        return None
    local = _LOCAL[kind]
    option = next((name for name in local.options if name in options.split(",")), None)
    if local.options and option is None:
        return None
    how = f"{kind.removeprefix('fuse.')}{f' with {option}' if option else ''}"
    return (
        f"{point} is {how}, where locks hold on this machine alone: write to {path} from one "
        f"machine at a time, or {local.remedy.format(option)}"
    )


def _character(found: re.Match[str]) -> str:
    return chr(int(found[1], 8))
