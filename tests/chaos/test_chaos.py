"""Forty renders under random faults, half of them into a bucket: not a byte is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.buckets import WEED, Server
from tests.chaos.__main__ import Chaos

pytestmark = pytest.mark.slow
RUNS = 20  # on each place


@pytest.fixture(scope="module")
def chaos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chaos]:
    folder = tmp_path_factory.mktemp("chaos")
    server = None
    if WEED.exists():
        (folder / "s3").mkdir()
        server = Server(folder / "s3")
    yield Chaos(folder, server)
    if server is not None:
        server.stop()


@pytest.mark.parametrize("seed", range(RUNS))
@pytest.mark.parametrize("place", ["disk", "bucket"])
def test_no_shard_is_lost(
    place: str, seed: int, chaos: Chaos, monkeypatch: pytest.MonkeyPatch
) -> None:
    if place == "bucket" and chaos.server is None:
        pytest.skip("needs SeaweedFS, which the dev extra brings on Linux")
    for name in chaos.server.environment if chaos.server is not None else ():
        monkeypatch.setenv(name, "")  # put back at the end
    report = chaos.run(seed, place)
    assert (report.lost, report.wrong) == (0, []), Path(chaos.folder)
    assert report.faults.total() > 0 or report.processes == 1


def test_a_byte_that_differs_is_found(chaos: Chaos, monkeypatch: pytest.MonkeyPatch) -> None:
    name = next(name for name in chaos.right if name.startswith("0/c/"))
    monkeypatch.setitem(chaos.right, name, b"other")
    assert chaos.run(1000, "disk").lost == 1
