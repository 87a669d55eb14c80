"""Renders under random faults, on a disk, in a bucket, on a Ray cluster: no byte is lost."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.buckets import environment
from tests.chaos.__main__ import Chaos, opened
from tests.chaos.places import Disk

pytestmark = pytest.mark.slow
RUNS = {"disk": 12, "seaweedfs": 12, "moto": 6, "google": 6, "cluster": 10}


@pytest.fixture(scope="module")
def chaos(tmp_path_factory: pytest.TempPathFactory) -> Chaos:
    return Chaos(tmp_path_factory.mktemp("chaos"))


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Disk | None]]:
    """Those that were opened so far; one that needs more than this machine has is None."""
    folder = tmp_path_factory.mktemp("places")
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        for name in environment(0):
            patch.setenv(name, "")  # put back at the end

        class Places(dict[str, Disk | None]):
            def __missing__(self, name: str) -> Disk | None:
                self[name] = stack.enter_context(opened(name, folder / name))
                return self[name]

        yield Places()


@pytest.mark.parametrize(
    ("name", "seed"), [(name, seed) for name, runs in RUNS.items() for seed in range(runs)]
)
def test_no_shard_is_lost(
    name: str, seed: int, chaos: Chaos, places: dict[str, Disk | None]
) -> None:
    place = places[name]
    if place is None:
        pytest.skip("needs a server, see tests/buckets.py, or root and network namespaces")
    report = chaos.run(seed, place)
    assert (report.lost, report.wrong) == (0, []), chaos.folder
    assert report.faults.total() > 0 or report.processes == 1


def test_a_byte_that_differs_is_found(chaos: Chaos, monkeypatch: pytest.MonkeyPatch) -> None:
    name = next(name for name in chaos.right if name.startswith("0/c/"))
    monkeypatch.setitem(chaos.right, name, b"other")
    assert chaos.run(1000, Disk()).lost == 1
