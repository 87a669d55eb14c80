"""The queue: each tile once, the newest first, and bounded in every way."""

import asyncio
import math
import threading
from collections.abc import Callable

import pytest
from starlette.types import Message

from tests.serve.serving import run_async
from tilecppn.cancellation import CheckCancelled
from tilecppn.serve import tiles
from tilecppn.serve.pyramids import EncodedTile, Tile
from tilecppn.serve.tile_endpoint import draw_all
from tilecppn.serve.tiles import AbandonedError, QueueFullError, TileQueue

A, B, C, D = (Tile(0, 0, col) for col in range(4))


class Gate:
    """A painter that draws when it is let, and says what."""

    def __init__(self) -> None:
        self.drawn: list[Tile] = []
        self.begun = threading.Event()
        self.open = threading.Event()
        self.final = True
        self.error: Exception | None = None

    def paint(self, tile: Tile, check_cancelled: CheckCancelled) -> EncodedTile:
        self.drawn.append(tile)
        self.begun.set()
        while not self.open.wait(0.001):
            check_cancelled()
        if self.error:
            raise self.error
        return EncodedTile(b"x" * 10, self.final)


def run(gate: Gate, use: Callable[[TileQueue], object], **limits: int) -> None:
    async def main() -> None:
        queue = TileQueue(lambda: gate, 1, **limits)
        queue.start()
        try:
            await use(queue)  # type: ignore[misc]
        finally:
            gate.open.set()
            await asyncio.to_thread(queue.close)

    run_async(main())


async def begun(gate: Gate) -> None:
    assert await asyncio.to_thread(gate.begun.wait, 30)


def test_a_tile_is_drawn_once_for_all_and_kept() -> None:
    gate = Gate()

    async def use(queue: TileQueue) -> None:
        tasks = [queue.ask(A) for _ in range(5)]
        await begun(gate)
        tasks.append(queue.ask(A))
        gate.open.set()
        results = [await task.future for task in tasks]
        for task in tasks:
            queue.leave(task)
        assert set(results) == {EncodedTile(b"x" * 10)}
        assert queue.cached(A) == results[0]
        assert queue.cached(B) is None

    run(gate, use)
    assert gate.drawn == [A]


@pytest.mark.parametrize(("patience", "order"), [(math.inf, [A, D, C, B]), (-1.0, [A, B, C, D])])
def test_the_newest_comes_first_unless_one_has_waited_long(
    monkeypatch: pytest.MonkeyPatch, patience: float, order: list[Tile]
) -> None:
    monkeypatch.setattr(tiles, "PATIENCE", patience)
    gate = Gate()

    async def use(queue: TileQueue) -> None:
        first = queue.ask(A)
        await begun(gate)
        rest = [queue.ask(tile) for tile in (B, C, D)]
        gate.open.set()
        for task in (first, *rest):
            await task.future

    run(gate, use)
    assert gate.drawn == order


def test_what_is_not_urgent_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "PATIENCE", -1.0)
    gate = Gate()

    async def use(queue: TileQueue) -> None:
        tasks = [queue.ask(A, urgent=False)]
        await begun(gate)
        tasks += [queue.ask(B, urgent=False), queue.ask(C), queue.ask(D)]
        gate.open.set()
        for task in tasks:
            await task.future

    run(gate, use)
    assert gate.drawn == [A, C, D, B]


def test_what_nobody_waits_for_is_dropped() -> None:
    gate = Gate()

    async def use(queue: TileQueue) -> None:
        first = queue.ask(A)
        await begun(gate)
        second = queue.ask(B)
        queue.leave(second)  # from the queue
        third = queue.ask(C)
        queue.leave(first)  # while it is drawn
        gate.begun.clear()
        await begun(gate)
        gate.open.set()
        await third.future
        assert first.future.cancelled()

    run(gate, use)
    assert gate.drawn == [A, C]


@pytest.mark.parametrize("gone_soon", [False, True])
def test_tiles_of_one_request_come_in_order_until_the_client_goes(gone_soon: bool) -> None:
    gate = Gate()

    async def use(queue: TileQueue) -> None:
        gone = asyncio.Event()

        async def receive() -> Message:
            await gone.wait()
            return {"type": "http.disconnect"}

        async def read() -> list[int]:
            return [index async for index, _ in draw_all(queue, [A, B, C], receive)]

        reading = asyncio.create_task(read())
        await begun(gate)
        if gone_soon:
            gone.set()
            assert await reading == []
        gate.open.set()
        if not gone_soon:
            assert await reading == [0, 1, 2]
        await queue.ask(D).future

    run(gate, use)
    assert gate.drawn == ([A, D] if gone_soon else [A, B, C, D])


def test_the_queue_is_bounded() -> None:
    gate = Gate()

    async def use(queue: TileQueue) -> None:
        queue.ask(A)
        await begun(gate)
        queue.ask(B)
        with pytest.raises(QueueFullError):
            queue.ask(C)
        queue.ask(B)  # which waits already

    run(gate, use, most_waiting=1)


def test_the_cache_is_bounded() -> None:
    gate = Gate()
    gate.open.set()

    async def use(queue: TileQueue) -> None:
        for tile in (A, B):
            await queue.ask(tile).future
        assert queue.cached(A) is not None
        await queue.ask(C).future
        assert [queue.cached(tile) is not None for tile in (A, B, C)] == [True, False, True]

    run(gate, use, cache_bytes=25)


def test_what_is_not_final_is_not_kept() -> None:
    gate = Gate()
    gate.final = False
    gate.open.set()

    async def use(queue: TileQueue) -> None:
        await queue.ask(A).future
        assert queue.cached(A) is None
        await queue.ask(A).future

    run(gate, use)
    assert gate.drawn == [A, A]


def test_an_error_is_for_those_who_wait() -> None:
    gate = Gate()
    gate.error = OSError("gone")
    gate.open.set()

    async def use(queue: TileQueue) -> None:
        with pytest.raises(OSError, match="gone"):
            await queue.ask(A).future
        gate.error = None
        await queue.ask(A).future  # and tried again for the next

    run(gate, use)


def test_drawing_takes_no_longer_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "LONGEST", 0.0)
    gate = Gate()

    async def use(queue: TileQueue) -> None:
        with pytest.raises(AbandonedError):
            await queue.ask(A).future

    run(gate, use)
