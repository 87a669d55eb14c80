"""Keeps track of hedged tasks: those that run on a second worker, since the first is slow."""

from tilecppn.plan import Task

COPIES = 2  # of a task that run at a time, at most


class Hedges:
    """Counts the running copies of hedged tasks; the first result of a task counts.

    Tasks that were never hedged are not stored.
    """

    def __init__(self) -> None:
        self._copies: dict[Task, int] = {}  # task → copies that have not ended
        self._done: set[Task] = set()  # done tasks of which a copy still runs

    def may_add(self, task: Task) -> bool:
        """Return whether a running task may get another copy."""
        return self._copies.get(task, 1) < COPIES and task not in self._done

    def add(self, task: Task) -> None:
        """Note that a running task also runs on another worker."""
        self._copies[task] = self._copies.get(task, 1) + 1

    def succeed(self, task: Task) -> bool:
        """Note that a copy is done; return whether it is the first."""
        first = task not in self._done
        if task in self._copies:
            self._done.add(task)
            self.drop(task)
        return first

    def drop(self, task: Task) -> bool:
        """Note that a copy has ended; return whether the task is done or another copy runs."""
        if task not in self._copies:
            return False
        self._copies[task] -= 1
        if self._copies[task]:
            return True
        del self._copies[task]
        done = task in self._done
        self._done.discard(task)
        return done
