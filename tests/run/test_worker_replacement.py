"""The coordinator where some slots have no worker that can draw."""

from collections.abc import Callable

import pytest

from tests.run.jobs import ARITHMETIC
from tests.run.script import PLAN, SHARDS, MemoryStore, Script, coordinate
from tilecppn.errors import NoWorkersError, RenderError, StoreError
from tilecppn.plan import Shard
from tilecppn.run.coordinator import Coordinator
from tilecppn.run.events import AttemptFailed, Event, WorkerJoined, WorkerLost, WorkerRejected
from tilecppn.run.executors.base import Message, WorkerDied, WorkerReady
from tilecppn.run.jobs import WorkerInfo
from tilecppn.run.retry_policy import RetryPolicy


class Slots(Script):
    """Every worker is of the kind that its slot has: "good", "odd" (it holds other weights),
    "dead" (it cannot start), "absent" (nothing is heard of it) or "blind" (it does not see the
    store). A slot keeps its kind when its worker is replaced.
    """

    def __init__(self, *kinds: str, act: Callable[[Shard], str] = lambda shard: "done") -> None:
        super().__init__(MemoryStore(), act, workers=len(kinds))
        self.kinds = list(kinds)
        self.slot: dict[int, int] = {}
        self.free = list(range(len(kinds)))  # slots without a worker
        self.events: list[Event] = []

    def begin(self) -> None:
        slot = self.free.pop(0)
        self.slot[self.number] = slot
        kind = self.kinds[slot]
        if kind == "dead":
            self.starting.append(WorkerDied(self.number, "no kernel"))
        elif kind != "absent":
            network = "beef" if kind == "odd" else "f00d"
            self.starting.append(
                WorkerReady(self.number, WorkerInfo(network, ARITHMETIC, f"at {slot}"))
            )
        self.number += 1

    def release(self, worker: int, /) -> None:
        super().release(worker)
        self.free.append(self.slot[worker])

    def render(self, admit: Callable[[WorkerInfo], None] = lambda worker_info: None) -> list[Event]:
        emit = self.events.append
        # Time passes as a test says, not as workers say that their shards took.
        policy = RetryPolicy(deadline=1e9)
        coordinator = Coordinator(
            self, policy=policy, emit=emit, admit=admit, clock=lambda: self.now
        )
        coordinator.start()
        assert not coordinator.run(PLAN, self.store).failed
        assert self.store == set(SHARDS)
        return self.events

    def lose_first(self, shards: int, *then: str, seconds: float = 0.0) -> None:
        """After so many shards, each of so many seconds, the first slot's worker is lost at work,
        and the slots are of other kinds.
        """

        def act(shard: Shard) -> str:
            self.now += seconds
            if len(self.store) == shards and self.kinds[0] == "good":
                self.kinds[:] = then
                return "lost"
            return "done"

        self.act = act

    def result(self, worker: int, shard: Shard) -> str:
        return "unfit" if self.kinds[self.slot[worker]] == "blind" else self.act(shard)

    def at_work(self) -> set[int]:
        """The slots whose workers ran a shard."""
        return {self.slot[worker] for worker, _ in self.ran}


@pytest.mark.parametrize("kinds", [("good", "dead", "dead"), ("dead", "dead", "good")])
def test_slots_where_no_worker_can_start_do_not_end_a_run(kinds: tuple[str, ...]) -> None:
    """Nor is there a storm of starts: the third that fails in a row is the last for a while."""
    script = Slots(*kinds)
    events = script.render()
    assert script.at_work() == {kinds.index("good")}
    lost = [e for e in events if isinstance(e, WorkerLost)]
    assert {e.reason for e in lost} == {"no kernel"}
    assert [e.delay for e in lost[:2]] == [0.0, 0.0]
    assert all(0.0 < e.delay <= 60.0 for e in lost[2:])
    assert len(lost) == 4
    assert script.now < 60.0


def test_a_slot_is_tried_again_after_a_pause_that_doubles() -> None:
    """Each shard takes a minute; after ten the slot is mended."""

    def act(shard: Shard) -> str:
        script.now += 60.0
        if len(script.store) == 10:
            script.kinds[1] = "good"
        return "done"

    script = Slots("good", "dead", act=act)
    events = script.render()
    pauses = [e.delay for e in events if isinstance(e, WorkerLost)]
    assert pauses == pytest.approx([0.0, 0.0, 60.0, 120.0, 240.0, 480.0])
    assert script.at_work() == {0, 1}


def test_a_worker_lost_at_work_has_the_empty_slots_tried_at_once() -> None:
    """What is left of the cluster may be where nobody could start before."""

    script = Slots("good", "dead")
    script.lose_first(10, "dead", "good")
    script.render()
    assert script.at_work() == {0, 1}
    assert script.now < 60.0


def test_after_a_loss_at_work_starts_and_pauses_count_from_the_beginning() -> None:
    """Each shard takes two minutes; the worker at work is lost once, then its slot is dead."""

    script = Slots("good", "dead")
    script.lose_first(6, "dead", "good", seconds=120.0)
    pauses = [e.delay for e in script.render() if isinstance(e, WorkerLost)]
    lost = pauses.index(0.0, 2)
    assert lost > 3
    assert pauses[:lost] == pytest.approx([0.0, 0.0, *(60.0 * 2**k for k in range(lost - 2))])
    assert pauses[lost + 1 :][:3] == pytest.approx([0.0, 0.0, 60.0])


def test_a_worker_that_joins_clears_what_stood_in_the_way() -> None:
    """When all are lost later, new ones have their whole time to start."""

    script = Slots("good", "odd")
    script.lose_first(5, "absent", "absent")
    with pytest.raises(NoWorkersError, match="no worker became ready in 900 s"):
        script.render()
    assert script.now > 900.0


def test_a_refused_worker_that_is_lost_leaves_its_slot() -> None:
    """What comes there may be of the right kind: the run waits for it."""
    script = Slots("odd", "absent")
    poll, told = script.poll, list[int]()

    def lose(timeout: float) -> list[Message]:
        if script.now > 30.0 and not told:
            told.append(0)
            script.kinds[:] = ["good", "absent"]
            return [WorkerDied(0, "gone")]
        return poll(timeout)

    script.poll = lose  # type: ignore[method-assign]
    script.render(only_food)
    assert script.at_work() == {0}


def test_workers_that_cannot_start_any_more_end_a_run() -> None:
    def act(shard: Shard) -> str:
        script.kinds[:] = ["dead", "dead"]
        return "lost"

    script = Slots("good", "dead", act=act)
    with pytest.raises(NoWorkersError, match="no worker can start: no kernel"):
        script.render()


def test_a_worker_that_differs_from_the_first_draws_nothing() -> None:
    script = Slots("good", "odd", "good")
    events = script.render()
    (refused,) = [e for e in events if isinstance(e, WorkerRejected)]
    assert refused.worker == 1
    assert "at 0 has weights f00d" in refused.reason
    assert "at 1 has weights beef" in refused.reason
    assert script.at_work() == {0, 2}


def only_food(worker_info: WorkerInfo) -> None:
    if worker_info.network != "f00d":
        raise StoreError(f"{worker_info.network} is not in this store")


def test_the_store_decides_which_of_the_workers_draw() -> None:
    script = Slots("odd", "good", "odd")
    events = script.render(only_food)
    assert [e.worker for e in events if isinstance(e, WorkerRejected)] == [0, 2]
    assert [e.worker for e in events if isinstance(e, WorkerJoined)] == [1]
    assert script.at_work() == {1}


@pytest.mark.parametrize(
    ("kinds", "seconds"),
    [(("odd", "odd"), 1.0), (("odd", "dead"), 2.0), (("odd", "absent"), 122.0)],
)
def test_a_run_whose_workers_are_all_refused_ends_with_the_reason(
    kinds: tuple[str, ...], seconds: float
) -> None:
    """At once, but if some may yet come, after a while; and it is said once."""
    script = Slots(*kinds)
    reason = "not in this store" if "dead" not in kinds else "no worker can start"
    with pytest.raises((StoreError, NoWorkersError), match=reason):
        script.render(only_food)
    assert script.now < seconds
    assert not [e for e in script.events if isinstance(e, WorkerRejected)]


@pytest.mark.parametrize("threads", [1, 3])
def test_a_node_that_does_not_see_the_store_costs_no_shard_an_attempt(threads: int) -> None:
    script = Slots("blind", "good", "blind")
    script.threads, script.depth = threads, max(2, threads)
    events = script.render()
    refused = [e for e in events if isinstance(e, WorkerRejected)]
    assert sorted(e.worker for e in refused) == [0, 2]
    assert {e.reason for e in refused} == {"unfit"}
    assert not [e for e in events if isinstance(e, AttemptFailed | WorkerLost)]


def test_after_the_last_worker_turned_out_useless_others_get_their_time_to_come() -> None:
    """Though a worker that could not start was known long before."""
    script = Slots("good", "dead", "absent")
    lost: list[float] = []

    def act(shard: Shard) -> str:
        if len(script.store) == 20:
            lost.append(script.now)
            return "unfit"
        script.now += 1.0
        return "done"

    script.act = act
    policy = RetryPolicy(grace_period=10.0)
    coordinator = Coordinator(script, policy=policy, clock=lambda: script.now)
    coordinator.start()
    with pytest.raises(RenderError, match="unfit"):
        coordinator.run(PLAN, script.store)
    assert script.now - lost[0] > 10.0


def test_a_store_that_nobody_sees_ends_a_run_with_the_reason() -> None:
    script = Slots("blind", "blind")
    with pytest.raises(RenderError, match="unfit"):
        script.render()
    assert len(script.ran) <= 4  # what they had


def test_workers_that_cannot_start_end_the_run_with_the_reason() -> None:
    with pytest.raises(NoWorkersError, match="no kernel"):
        Slots("dead", "dead", "dead").render()


def test_a_run_without_any_worker_ends_after_the_startup_time() -> None:
    script = Slots("absent")
    with pytest.raises(NoWorkersError, match="900 s"):
        script.render()
    assert 900.0 < script.now < 901.0


def test_a_worker_that_is_lost_as_soon_as_it_is_ready_is_replaced() -> None:
    class Brief(Script):
        def poll(self, timeout: float) -> list[Message]:
            messages = super().poll(timeout)
            if self.number == self.workers:
                messages += [WorkerDied(message.worker, "gone") for message in messages]
            return messages

    script = Brief(MemoryStore(), workers=1)
    coordinator, events = coordinate(script)
    coordinator.run(PLAN, script.store)
    assert [event.reason for event in events if isinstance(event, WorkerLost)] == ["gone"]
    assert script.store == set(SHARDS)
