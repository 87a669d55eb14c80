"""Formats numbers, sizes, durations and the names of options for people."""

import os


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Format a count: `1 shard`, `1,024 shards`; plural: for a noun that takes no plain s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def readable(name: str) -> str:
    """Return a file's name as text: bytes that are not UTF-8 become "�"."""
    return os.fsencode(name).decode(errors="replace")


def format_bytes(count: float) -> str:
    """Format bytes: `1.5 GB`."""
    if count < 999.5:
        return f"{count:.0f} B"
    for unit in ("kB", "MB", "GB", "TB"):
        count /= 1000
        if count < 999.95:
            return f"{count:.1f} {unit}"
    return f"{count / 1000:.1f} PB"


def format_rate(rate: float, unit: str = "Mpixel") -> str:
    """Format a rate a second: `8.1 Mpixel/s`, `0.02 Mpixel/s`."""
    mega = rate / 1e6
    return f"{mega:.1g} {unit}/s" if 1e-4 <= mega < 0.1 else f"{mega:.1f} {unit}/s"


def format_duration(seconds: float) -> str:
    """Format seconds: `3 min 20 s`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def option_name(argument: str) -> str:
    """Format the name of an argument as the command line spells it: `--max-size`."""
    return f"--{argument.replace('_', '-')}"
