"""Counts the finished tasks of a store."""

from collections import Counter

from tilecppn.film.plan import ClipTask
from tilecppn.film.store import FilmStore
from tilecppn.storage.store import Store

Found = Counter[int | ClipTask]  # shards of each level or frame, and clips


def finished_tasks(store: Store | FilmStore) -> Found:
    """Count the finished shards of each level or frame, and the finished clips."""
    if isinstance(store, Store):  # by listing: a canvas may have 10¹¹ shards
        return Counter({level.index: store.count_done(level.index) for level in store.plan.levels})
    done = (task for task in store.plan.order() if store.has(task))
    return Counter(task if isinstance(task, ClipTask) else task[0] for task in done)
