"""How a run's time is counted, for deadlines."""

import pytest

from tilecppn.run.run_clock import LONGEST_STEP, RunClock


def awake(steps: list[float]) -> float:
    """The seconds counted of steps that took so long."""
    times = iter([sum(steps[:count]) for count in range(len(steps) + 1)])
    clock = RunClock(lambda: next(times))
    for _ in steps:
        clock.read()
    return clock.awake


def test_the_time_of_a_machine_that_sleeps_does_not_count() -> None:
    assert awake([0.5, 0.5, 3600.0, 0.5]) == 1.5 + 0.5 + LONGEST_STEP
    assert awake([0.5, 3600.0, 3600.0, 0.5]) == 1.0 + LONGEST_STEP + 0.5 + LONGEST_STEP


@pytest.mark.parametrize("step", [3.0, 10.0, 60.0])
def test_steps_that_are_always_long_count_wholly_but_for_the_first(step: float) -> None:
    assert awake([step] * 100) == 98 * step + 2 * LONGEST_STEP
