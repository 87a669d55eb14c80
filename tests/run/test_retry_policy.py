"""When to try again: the functions alone."""

from random import Random

import pytest

from tilecppn.errors import InvalidRequestError
from tilecppn.plan import Shard
from tilecppn.run.retry_policy import RetryPolicy, backoff, tasks_to_blame
from tilecppn.run.visibility import VISIBILITY_TIMEOUT

POLICY = RetryPolicy()


def test_the_deadline_follows_the_median_within_its_bounds() -> None:
    assert POLICY.deadline_after([]) == POLICY.first_deadline
    assert POLICY.deadline_after([0.1, 0.2]) == POLICY.min_deadline
    assert POLICY.deadline_after([100.0, 1.0, 20.0]) == 200.0
    assert RetryPolicy(deadline=5.0).deadline_after([100.0]) == 5.0


def test_a_node_that_does_not_see_the_store_is_told_so_before_it_is_late() -> None:
    assert POLICY.min_deadline > VISIBILITY_TIMEOUT


@pytest.mark.parametrize("deadline", [0.0, -1.0, float("inf"), float("nan")])
def test_a_deadline_that_is_no_time_is_refused(deadline: float) -> None:
    with pytest.raises(InvalidRequestError):
        RetryPolicy(deadline=deadline)


def test_a_task_of_its_own_failing_is_tried_three_times_at_once() -> None:
    delays = [POLICY.retry_delay(n, Random(0), store_error=False) for n in (1, 2, 3)]
    assert delays == [0.0, 0.0, None]


def test_store_errors_are_waited_out_with_delays_that_double_and_differ() -> None:
    random = Random(0)
    delays = [
        POLICY.retry_delay(n, random, store_error=True) for n in range(1, POLICY.store_attempts + 1)
    ]
    assert delays.pop() is None
    for n, delay in enumerate(delays, 1):
        full = backoff(n, POLICY.store_delay, POLICY.longest_store_delay)
        assert delay is not None
        assert full / 2 <= delay <= full
    least = [backoff(n, POLICY.store_delay, POLICY.longest_store_delay) / 2 for n in range(1, 11)]
    assert sum(least) > 120.0  # seconds: an outage of two minutes is survived
    again = [POLICY.retry_delay(1, random, store_error=True) for _ in range(10)]
    assert len(set(again)) == 10


def test_backoff_doubles_up_to_the_longest_however_many_failures() -> None:
    assert [backoff(n, 0.5, 5.0) for n in range(1, 6)] == [0.5, 1.0, 2.0, 4.0, 5.0]
    assert backoff(100_000, 0.5, 5.0) == 5.0


def test_only_what_certainly_brought_a_worker_down_is_blamed() -> None:
    one, two = Shard(0, 0, 0), Shard(0, 0, 1)
    assert list(tasks_to_blame([one], [])) == [one]
    assert list(tasks_to_blame([one, two], [])) == []
    assert list(tasks_to_blame([one, two], [two])) == [two]
