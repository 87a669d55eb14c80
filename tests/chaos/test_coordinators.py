"""Two coordinators on one place of a bucket: never a mix, never both."""

from collections.abc import Callable, Iterator

import pytest

from tests.buckets import Server
from tests.chaos.coordinators import SCENES, Coordinators
from tilecppn.addresses import BucketPath, as_path
from tilecppn.run.render import render
from tilecppn.storage import client
from tilecppn.storage.bucket import Bucket

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["seaweedfs", "google"])
def rounds(
    request: pytest.FixtureRequest,
    servers: Callable[[str], Server],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Coordinators]:
    server = servers(request.param)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            patch.setenv(name, value)
        client._client.cache_clear()
        yield Coordinators(tmp_path_factory.mktemp("rounds"), server)
        client._client.cache_clear()


@pytest.mark.parametrize("seed", range(8))
def test_two_that_stand_still_and_overwrite_one_another_never_mix(
    seed: int, rounds: Coordinators
) -> None:
    words, wrong = rounds.round(seed)
    assert not wrong, words


def test_a_mix_is_found(rounds: Coordinators) -> None:
    path = as_path(f"{rounds.bucket}/mixed/s.zarr")
    assert isinstance(path, BucketPath)
    render(SCENES["a"], path, executor="local")
    assert not rounds.faults(path)
    Bucket(path).put("0/c/0/1/1", rounds.right["b"]["0/c/0/1/1"])
    assert rounds.faults(path) == ["a mix of ['a', 'b']", "pixels of another scene"]
