"""A clock that jumps: a library, loaded before a program, that adds what a file says to the time.

Only the time of day jumps, as where somebody sets it; what counts seconds goes on. It needs Linux
and a C compiler.
"""

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = """
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long seconds_ahead(void) {
    const char *name = getenv("CLOCK_AHEAD");
    FILE *file = name ? fopen(name, "r") : NULL;
    long seconds = 0;
    if (file) {
        if (fscanf(file, "%ld", &seconds) != 1) seconds = 0;
        fclose(file);
    }
    return seconds;
}

int clock_gettime(clockid_t id, struct timespec *now) {
    int failed = (int) syscall(SYS_clock_gettime, id, now);
    if (!failed && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
        now->tv_sec += seconds_ahead();
    return failed;
}
"""


@functools.cache
def library() -> Path | None:
    """The library; None where it cannot be built."""
    compiler = shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        return None
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "clock.c").write_text(SOURCE)
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", "clock.so", "clock.c"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "clock.so"


def environment(clock: Path | None = None) -> dict[str, str]:
    """The variables of a program whose clock jumps; empty where no library can be built.

    clock: the file, which may be named later, too.
    """
    named = {} if clock is None else {"CLOCK_AHEAD": str(clock)}
    return {} if library() is None else {"LD_PRELOAD": str(library()), **named}


def jump(clock: Path, seconds: int) -> None:
    """Let the clock be so many seconds ahead of this machine's from now on."""
    new = clock.with_name(f"{clock.name}.new")
    new.write_text(f"{seconds}\n")
    os.replace(new, clock)
