"""Measures rates in turn with those of rivals, and prints them."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROUNDS = 9


Ways = Mapping[str, Callable[[], object]]
Clock = Callable[[], float]


def peak_bytes() -> int:
    """Return the peak resident memory of this process in bytes.

    From Linux's VmHWM: ru_maxrss starts with that of the process that began this one.
    """
    try:
        status = Path("/proc/self/status").read_text()
        return 1024 * int(status.partition("VmHWM:")[2].split()[0])
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def seconds(ways: Ways, clock: Clock = time.perf_counter) -> dict[str, float]:
    """Return the seconds of each way, the median of ROUNDS.

    They take turns, so that a machine whose speed drifts still gives a fair ratio.
    """
    times: dict[str, list[float]] = {way: [] for way in ways}
    for run in ways.values():
        run()
    for _ in range(ROUNDS):
        for way, run in ways.items():
            start = clock()
            run()
            times[way].append(clock() - start)
    return {way: median(t) for way, t in times.items()}


class Table(NamedTuple):
    """A table of rates in Mpixel/s, each beside its rival's."""

    title: str
    rates: dict[str, float]
    rival: str  # the way that all others are divided by
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.title:44} Mpixel/s   ÷ {self.rival}"]
        for way, rate in self.rates.items():
            lines.append(f"  {way:42} {rate:8.2f} {rate / self.rates[self.rival]:10.2f}")
        lines += [f"  {note}" for note in self.notes]
        return "\n".join(lines) + "\n"
