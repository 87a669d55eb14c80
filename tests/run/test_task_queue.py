"""The plan's order as a queue."""

import pytest

from tests.run.script import MemoryStore, Script, coordinate
from tilecppn.errors import Interrupted
from tilecppn.plan import Plan


def test_the_state_does_not_grow_with_the_canvas() -> None:
    big = Plan(width=2**31 - 1, height=2**31 - 1, channels=3, itemsize=1, tile=64, shard=256)
    sizes: list[int] = []
    script = Script(MemoryStore(), workers=2)
    script.submit = lambda worker, shard: script.flight[worker].append(shard)  # type: ignore[method-assign]

    def stopping() -> bool:
        sizes.append(len(coordinator._queue))
        return len(script.store) > 3000

    coordinator, _ = coordinate(script)
    coordinator.stopping = stopping
    with pytest.raises(Interrupted):
        coordinator.run(big, script.store)
    assert max(sizes) <= 4 * len(big.levels)
