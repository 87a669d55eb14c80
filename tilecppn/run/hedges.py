"""Tasks that run on two workers at once, since the first of them is slow."""

from tilecppn.plan import Task

COPIES = 2  # of a task, at most


class Hedges:
    """Counts the copies of tasks; the first answer of a task counts.

    A task with one copy is not known here.
    """

    def __init__(self) -> None:
        self._copies: dict[Task, int] = {}  # that have not ended
        self._done: set[Task] = set()  # of which a copy has not ended

    def may_add(self, task: Task) -> bool:
        """Return whether another copy of a running task is of use."""
        return self._copies.get(task, 1) < COPIES and task not in self._done

    def add(self, task: Task) -> None:
        """Note that a running task runs on another worker, too."""
        self._copies[task] = self._copies.get(task, 1) + 1

    def succeed(self, task: Task) -> bool:
        """Note that a copy is done; return whether it is the first."""
        first = task not in self._done
        if task in self._copies:
            self._done.add(task)
            self.drop(task)
        return first

    def drop(self, task: Task) -> bool:
        """Note that a copy has ended; return whether the task is done, or another copy runs."""
        if task not in self._copies:
            return False
        self._copies[task] -= 1
        if self._copies[task]:
            return True
        del self._copies[task]
        done = task in self._done
        self._done.discard(task)
        return done
