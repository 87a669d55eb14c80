"""Networks this small lose more by threads than they gain."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.train.runs import train


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Here, in the processes that a test starts, and in what a module's tests share."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        yield
        torch.set_num_threads(before)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training of 6 batches: 3 epochs of 2."""
    folder = tmp_path_factory.mktemp("undisturbed")
    outcome = train(folder)
    assert (outcome.batches, outcome.epochs) == (6, 3.0)
    return folder
