"""What a signal does to a command."""

import signal
import threading

import click
import pytest
from click.testing import CliRunner

from tests.cli.conftest import Cli
from tilecppn.cli.signals import SIGNALS, StopRequest, stop_on_signals, stop_request


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time in seconds, as a list of one."""
    now = [100.0]
    monkeypatch.setattr("tilecppn.cli.signals.time.monotonic", lambda: now[0])
    return now


def test_work_that_looks_is_asked_and_other_work_is_interrupted(clock: list[float]) -> None:
    request = StopRequest()
    with pytest.raises(KeyboardInterrupt):
        request.on_signal(signal.SIGINT, None)
    request = StopRequest()
    assert not request()
    clock[0] += 1.0
    request.on_signal(signal.SIGINT, None)
    assert request()


def test_work_that_has_not_looked_for_long_is_interrupted(clock: list[float]) -> None:
    request = StopRequest()
    request()
    clock[0] += request.patience + 0.1
    with pytest.raises(KeyboardInterrupt):
        request.on_signal(signal.SIGTERM, None)
    assert request()


def test_a_second_signal_interrupts_work_that_looks_too(clock: list[float]) -> None:
    request = StopRequest()
    request()
    request.on_signal(signal.SIGINT, None)
    with pytest.raises(KeyboardInterrupt):
        request.on_signal(signal.SIGINT, None)


@pytest.mark.parametrize("number", SIGNALS)
def test_signals_are_handled_within_the_block_alone(number: signal.Signals) -> None:
    given = signal.signal(number, signal.default_int_handler)  # nohup ignores SIGHUP
    try:
        with stop_on_signals() as request:
            request()
            signal.raise_signal(number)
            assert request()
        assert signal.getsignal(number) == signal.default_int_handler
    finally:
        signal.signal(number, given)


def test_the_two_signals_of_a_closed_terminal_are_one_request(clock: list[float]) -> None:
    request = StopRequest()
    request()
    request.on_signal(signal.SIGHUP, None)
    request.on_signal(signal.SIGHUP, None)
    assert request()


def test_a_closed_terminal_does_not_stop_what_nohup_started() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_on_signals() as request:
            signal.raise_signal(signal.SIGHUP)
            assert not request()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_command_leaves_the_handlers_as_they_were(cli: Cli) -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    assert cli("presets").exit_code == 0
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_another_thread_handles_no_signals() -> None:
    before = signal.getsignal(signal.SIGINT)
    heard: list[bool] = []

    def run() -> None:
        with stop_on_signals() as request:
            heard.append(request() or signal.getsignal(signal.SIGINT) is not before)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert heard == [False]


def test_a_command_finds_its_request() -> None:
    @click.command()
    @click.pass_context
    def command(context: click.Context) -> None:
        context.obj = StopRequest()
        assert stop_request(patience=60.0) is context.obj
        assert context.obj.patience == 60.0

    assert CliRunner().invoke(command, []).exit_code == 0
