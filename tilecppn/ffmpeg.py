"""Runs ffmpeg as a process that reads raw frames from a pipe and writes a file."""

import contextlib
import errno
import functools
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from numpy.typing import NDArray

from tilecppn.cancellation import CheckCancelled
from tilecppn.errors import InvalidRequestError, RenderError

PIPE = 1 << 20  # bytes of a pipe's buffer, the default limit for a user
TICK = 0.2  # seconds between two checks for cancellation
_COUNTED = ("-progress", "pipe:1", "-nostats", "-stats_period", "60")  # and once at the end
if sys.platform == "linux":
    import fcntl

# The same frames give the same file: without dates or versions.
EXACT = ("-fflags", "+bitexact", "-flags:v", "+bitexact")
FIRST_SOUND = ("-map", "0:a:0")  # a file's first audio stream


class Colours(NamedTuple):
    """The colours of a picture in Y'CbCr, in ffmpeg's names; full: in the whole range."""

    matrix: str
    primaries: str
    transfer: str
    full: bool = False

    def filters(self, pixels: str, *, dither: bool) -> list[str]:
        """Return the filters that make such a picture, in a pixel format, of red, green and blue.

        By zimg, which rounds to nearest: of 16 bits ffmpeg's own scale makes luma 1.7 of 1023 too
        bright. dither: by a pattern that is the same in every frame, so that it does not shimmer.
        """
        kind, noise = "full" if self.full else "limited", "ordered" if dither else "none"
        convert = f"zscale=matrix={self.matrix}:range={kind}:dither={noise}"
        return [convert, f"format={pixels}", self.tag]

    @property
    def tag(self) -> str:
        """The filter that says so of a picture."""
        names = f"colorspace={self.matrix}:color_primaries={self.primaries}"
        return f"setparams={names}:color_trc={self.transfer}:range={'pc' if self.full else 'tv'}"


def executable() -> str:
    """Return the path of ffmpeg: IMAGEIO_FFMPEG_EXE, or the one of the package imageio-ffmpeg.

    Raises InvalidRequestError if there is none, or it cannot be run.
    """
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        program = str(get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        raise InvalidRequestError(f"no ffmpeg ({error}): pip install imageio-ffmpeg") from error
    _version(program)
    return program


def version() -> str:
    """Return the first line of `ffmpeg -version`; other versions may give other bytes.

    Empty if the program is not ffmpeg. Raises InvalidRequestError if it cannot be run.
    """
    return _version(executable())


@functools.cache
def _version(program: str) -> str:
    try:
        return _output(program, "-version").partition("\n")[0]
    except OSError as error:
        raise InvalidRequestError(
            f"{program}: cannot be run ({error.strerror}); set IMAGEIO_FFMPEG_EXE to an "
            "ffmpeg, or unset it"
        ) from None


def _output(program: str, *arguments: str) -> str:
    """Return what a program prints to standard output."""
    return subprocess.run(
        [program, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ).stdout.decode(errors="replace")


def short_version() -> str:
    """Return a short version for messages, as "version 7.1"."""
    found = re.match(r"ffmpeg (version \S+)", version())
    return found[1] if found else "not an ffmpeg"


def local_input(path: Path) -> list[str]:
    """Return the options to read a local file, and no address in it, as in a playlist."""
    return ["-protocol_whitelist", "file", "-i", local(path)]


def local(path: Path) -> str:
    """Return a path as ffmpeg takes it whatever its name: a plain `a:b` would be a protocol."""
    return f"file:{path.absolute()}"


class Made(NamedTuple):
    """The output that ffmpeg reports: frames (packets, if an encoder joins frames) and seconds."""

    frames: int
    seconds: float


def run(
    arguments: Sequence[str],
    feed: Iterable[NDArray[Any]] = (),
    check_cancelled: CheckCancelled = lambda: None,
    folder: Path | None = None,
) -> Made:
    """Run ffmpeg to its end, in a folder, with the arrays of `feed` on its standard input.

    Raises RenderError with ffmpeg's message, also for damaged input, OSError if the disk is full,
    and what `check_cancelled` raises. The process has ended by then.
    """
    # SVT-AV1 ignores ffmpeg's log level. A new session keeps a terminal's Ctrl-C from ffmpeg, which
    # would end its file early. Output goes to files, since nobody reads a pipe meanwhile.
    command = [executable(), "-hide_banner", "-v", "error", "-xerror", "-y", *_COUNTED, *arguments]
    with tempfile.TemporaryFile() as log, tempfile.TemporaryFile() as counts:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=counts,
            stderr=log,
            env={**os.environ, "SVT_LOG": "1"},
            start_new_session=True,
            cwd=folder,
        )
        code = _fed(process, feed, check_cancelled)
        log.seek(0)
        counts.seek(0)
        if code != 0:
            raise _error(code, log.read().decode(errors="replace"))
        report = counts.read()
    return Made(_last(rb"frame", report), _last(rb"out_time_us", report) / 1e6)


def _fed(
    process: subprocess.Popen[bytes],
    feed: Iterable[NDArray[Any]],
    check_cancelled: CheckCancelled,
) -> int:
    """Write `feed` to a process and return its exit code; kill it on an error."""
    pipe = process.stdin
    assert pipe is not None
    _widen(pipe)
    try:
        with contextlib.suppress(BrokenPipeError):  # ffmpeg's own message says why
            for part in feed:
                check_cancelled()
                pipe.write(part.data)
        with contextlib.suppress(BrokenPipeError):
            pipe.close()
        while True:
            check_cancelled()
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(TICK)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        with contextlib.suppress(OSError):
            pipe.close()


def _error(code: int, words: str) -> Exception:
    """Return the error for an ffmpeg that ended with this exit code and log."""
    if os.strerror(errno.ENOSPC) in words:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if code < 0:
        why = f"{signal.strsignal(-code)}{', perhaps for want of memory' if code == -9 else ''}"
        return RenderError(f"ffmpeg was ended by signal {-code} ({why})")
    # The first line tells the cause; the others, its consequences.
    first = re.sub(r"\[\S+ @ \w+\] *", "", words.strip().partition("\n")[0])
    return RenderError(f"ffmpeg ended with {code}: {first or 'without a word'}")


def _last(name: bytes, report: bytes) -> int:
    """Return the last value of a counter in ffmpeg's progress report; 0 if it is missing."""
    found = re.findall(rb"^" + name + rb"=\s*(\d+)", report, re.MULTILINE)
    return int(found[-1]) if found else 0


def _widen(pipe: IO[bytes]) -> None:
    """Enlarge a pipe's buffer if the system can, so that the processes switch less often."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # over this user's limit
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE)


def metadata(path: Path) -> dict[str, str]:
    """Return the metadata of a file; empty if ffmpeg cannot read it."""
    text = _output(executable(), "-v", "error", *local_input(path), "-f", "ffmetadata", "-")
    found = {}
    for line in re.split(r"(?<!\\)\n", text):
        name, equals, value = line.partition("=")
        if equals and not line.startswith(";"):
            found[name.lower()] = re.sub(r"\\(.)", r"\1", value, flags=re.DOTALL)
    return found


def video_size(path: Path) -> tuple[int, int] | None:
    """Return a video's (width, height) in pixels; None if ffmpeg finds no video in the file."""
    first = [*("-map", "0:v:0", "-c", "copy", "-frames:v", "1"), *("-f", "framecrc", "-")]
    told = _output(executable(), "-v", "error", *local_input(path), *first)
    found = re.search(r"^#dimensions 0: (\d+)x(\d+)", told, re.MULTILINE)
    return (int(found[1]), int(found[2])) if found else None


def metadata_file(values: dict[str, str]) -> str:
    """Return the text of a metadata file in ffmpeg's format."""
    escaped = {name: re.sub(r"([=;#\\\n])", r"\\\1", value) for name, value in values.items()}
    lines = [f"{name}={value}" for name, value in escaped.items()]
    return "\n".join([";FFMETADATA1", *lines, ""])
