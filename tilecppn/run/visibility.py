"""Waits until files of other nodes are visible on this one."""

import socket
import time
from collections.abc import Callable
from typing import Any, TypeVar

from tilecppn.errors import StoreError
from tilecppn.kernels import Arithmetic
from tilecppn.run.jobs import WorkerUnusable
from tilecppn.storage.base_store import BaseStore

# Seconds that a network file system may take to show another node's files. By default NFS caches
# a folder's entries, and that a file is missing, for up to 60 (acdirmax).
VISIBILITY_TIMEOUT = 90.0

S = TypeVar("S", bound=BaseStore)


def wait_until_visible(open_store: Callable[[], S], picture: Any, arithmetic: Arithmetic) -> S:
    """Open a worker's store at its first task, once it is visible on this node.

    Raises WorkerUnusable if it is not visible after VISIBILITY_TIMEOUT, or has another picture or
    arithmetic, as if the worker outlives its run and another run follows.
    """

    def checked() -> S:
        store = open_store()
        store.check(picture)
        store.check_arithmetic(arithmetic)
        return store

    return open_when_visible(checked)


def open_when_visible(open_store: Callable[[], S]) -> S:
    """Open a store, once it is visible on this node.

    Raises WorkerUnusable if `open_store` still raises StoreError after VISIBILITY_TIMEOUT.
    """
    until = time.monotonic() + VISIBILITY_TIMEOUT
    while True:
        try:
            return open_store()
        except StoreError as error:
            if time.monotonic() > until:
                raise WorkerUnusable(
                    f"{error}; seen from {socket.gethostname()}: the store must lie on a disk "
                    "that all nodes share"
                ) from None
            time.sleep(0.5)
