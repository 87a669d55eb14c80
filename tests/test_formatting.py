"""Numbers as people read them."""

import pytest

from tilecppn.formatting import counted, format_bytes, format_duration, format_rate, readable


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1500, "1.5 kB"),
        (1_234_000, "1.2 MB"),
        (41e9, "41.0 GB"),
        (2.5e12, "2.5 TB"),
        (1.8e15, "1.8 PB"),
        (1.2e19, "12000.0 PB"),
        (999_960, "1.0 MB"),
    ],
)
def test_sizes_read_as_people_write_them(count: float, text: str) -> None:
    assert format_bytes(count) == text


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (19.96e6, "20.0 Mpixel/s"),
        (0.1e6, "0.1 Mpixel/s"),
        (23_400, "0.02 Mpixel/s"),
        (104, "0.0001 Mpixel/s"),
        (0, "0.0 Mpixel/s"),
    ],
)
def test_a_slow_rate_is_not_zero(rate: float, text: str) -> None:
    assert format_rate(rate) == text


def test_a_name_that_is_not_utf_8_is_readable() -> None:
    assert readable("é\udcff.szi") == "é�.szi"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.0 s"),
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (10.0, "10 s"),
        (59.4, "59 s"),
        (60.0, "1 min 0 s"),
        (61.4, "1 min 1 s"),
        (200.0, "3 min 20 s"),
        (3599.0, "59 min 59 s"),
        (3600.0, "1 h 0 min"),
        (5400.0, "1 h 30 min"),
        (86399.0, "23 h 59 min"),
        (86400.0, "1 d 0 h"),
        (100_000.0, "1 d 3 h"),
        (1e9, "11574 d 1 h"),
        (9.96, "10 s"),
        (59.7, "1 min 0 s"),
    ],
)
def test_durations_read_as_people_write_them(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_one_is_no_plural() -> None:
    assert [counted(n, "worker") for n in (0, 1, 2, 1024)] == [
        "0 workers",
        "1 worker",
        "2 workers",
        "1,024 workers",
    ]
    assert [counted(n, "batch", "batches") for n in (1, 2)] == ["1 batch", "2 batches"]
