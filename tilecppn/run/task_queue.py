"""A plan's shards on their way into the ledger: which may run next, and what came of each.

Shards come in the plan's order, children before parents. A shard that is in the ledger is
skipped. A shard that is not is run, and its ancestors, if they are there, are deleted first and
built again, so that nothing in the ledger is older than what it was made from. A shard whose
child was given up is not built. The state does not grow with the canvas.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from tilecppn.plan import Shard, Work
from tilecppn.run.events import Event, ShardSkipped
from tilecppn.run.options import SAME


class Ledger(Protocol):
    """What is done; the store is one."""

    def has(self, shard: Shard) -> bool: ...

    def delete(self, shard: Shard) -> None: ...


@dataclass
class RunResult:
    """What a run came to. `failed` names shards and why; `unbuilt` counts their ancestors.

    `again` is what a person does to try those once more.
    """

    shards: int
    rendered: int = 0
    skipped: int = 0
    failed: dict[Shard, str] = field(default_factory=dict)
    unbuilt: int = 0
    pixels: int = 0  # of level 0, rendered in this run
    seconds: float = 0.0
    again: str = SAME


class TaskQueue:
    """Attributes: outcome; `ready`, the shards that may run now, first those that come first."""

    def __init__(
        self, plan: Work, ledger: Ledger, order: Iterable[Shard], emit: Callable[[Event], None]
    ) -> None:
        self.outcome = RunResult(plan.shards)
        self.ready: deque[Shard] = deque()
        self._plan = plan
        self._ledger = ledger
        self._order: Iterator[Shard] = iter(order)
        self._emit = emit
        self._exhausted = False
        self._unsettled: dict[Shard, int] = {}  # parent → children reached and not yet settled
        self._waiting: set[Shard] = set()  # parents reached while children are unsettled
        self._stale: set[Shard] = set()  # ancestors of what runs now: to be built again
        self._broken: set[Shard] = set()  # parents of what failed: not to be built

    def __len__(self) -> int:
        """How many shards it remembers."""
        remembered = (self.ready, self._unsettled, self._waiting, self._stale, self._broken)
        return sum(map(len, remembered))

    def is_through(self) -> bool:
        """Whether no shard is left to hand out, once those that run are settled."""
        return self._exhausted and not self.ready

    def is_done(self, shard: Shard) -> bool:
        return self._ledger.has(shard)

    def reach(self) -> bool:
        """Take the plan's next shard, which may come to be ready; False at the end."""
        shard = next(self._order, None)
        if shard is None:
            self._exhausted = True
            return False
        settled = False
        if shard in self._unsettled:
            self._waiting.add(shard)
        else:
            settled = self._decide(shard)
        parent = self._plan.parent(shard)
        if parent is not None and not settled:
            self._unsettled[parent] = self._unsettled.get(parent, 0) + 1
        return True

    def finish(self, shard: Shard, pixels: int) -> None:
        """A shard that was ready is in the ledger."""
        self.outcome.rendered += 1
        if shard.level == 0:
            self.outcome.pixels += pixels
        self._settle(shard)

    def give_up(self, shard: Shard, reason: str) -> None:
        """A shard that was ready will not be in the ledger."""
        self.outcome.failed[shard] = reason
        self._break(shard)
        self._settle(shard)

    def _decide(self, shard: Shard) -> bool:
        """Skip, give up or make ready a shard whose children are settled; True if settled so."""
        stale = shard in self._stale
        self._stale.discard(shard)
        if shard in self._broken:
            self._broken.discard(shard)
            self.outcome.unbuilt += 1
            self._break(shard)
            return True
        if not stale and self._ledger.has(shard):
            self.outcome.skipped += 1
            self._emit(ShardSkipped(shard))
            return True
        for ancestor in self._plan.ancestors(shard):
            if ancestor in self._stale:
                break
            self._stale.add(ancestor)
            self._ledger.delete(ancestor)
        self.ready.append(shard)
        return False

    def _settle(self, shard: Shard) -> None:
        """A shard that was ready is done or given up: its parent may come next."""
        parent = self._plan.parent(shard)
        if parent is None:
            return
        self._unsettled[parent] -= 1
        if self._unsettled[parent] == 0:
            del self._unsettled[parent]
            if parent in self._waiting:
                self._waiting.remove(parent)
                if self._decide(parent):
                    self._settle(parent)

    def _break(self, shard: Shard) -> None:
        parent = self._plan.parent(shard)
        if parent is not None:
            self._broken.add(parent)
