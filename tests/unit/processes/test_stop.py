"""Signals ask a run to stop, and handlers are left as they were found."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from ganforge.processes.stop import SIGNALS, RunStopped, Stops


def ask(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(("number", "code"), list(zip(SIGNALS, (130, 143, 140), strict=True)))
def test_a_signal_stops_at_once_or_is_noted_where_it_is_deferred(number: signal.Signals, code: int) -> None:
    with Stops() as stops:
        with pytest.raises(RunStopped) as caught:
            ask(number)
        assert (caught.value.reason, caught.value.exit_code) == (number.name, code)
        with stops.deferred():
            assert stops.asked() is None
            ask(number)
            noted = stops.asked()
        assert noted is not None
        assert (noted.reason, noted.exit_code) == (number.name, code)


def test_a_second_signal_stops_at_once() -> None:
    noted: list[str] = []
    with Stops(noted=noted.append) as stops, stops.deferred():
        ask(signal.SIGTERM)
        with pytest.raises(RunStopped, match="stopped by SIGINT"):
            ask(signal.SIGINT)
    assert noted == ["SIGTERM"]  # the other one stops, and needs no word


def test_handlers_are_put_back_whatever_happens() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with pytest.raises(RunStopped), Stops():
        assert [signal.getsignal(number) for number in SIGNALS] != before
        ask(signal.SIGUSR2)
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_in_another_thread_no_handler_is_touched() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    found = []

    def work() -> None:
        with Stops() as stops, stops.deferred():
            found.append(([signal.getsignal(number) for number in SIGNALS], stops.asked()))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [(before, None)]


def test_a_stop_is_asked_for_when_the_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with Stops(after=60) as stops:
        now[0] = 159.0
        assert stops.asked() is None
        now[0] = 160.0
        stopped = stops.asked()
        with stops.deferred():
            ask(signal.SIGUSR2)  # a first signal, although the time is over
            assert str(stops.asked()) == "stopped by SIGUSR2"
    assert stopped is not None
    assert (stopped.reason, stopped.exit_code) == ("--stop-after", 143)


def test_a_signal_does_not_take_the_place_of_an_error() -> None:
    with pytest.raises(ValueError, match="what was wrong"), Stops() as stops:
        try:
            with stops.deferred():
                raise ValueError("what was wrong")
        finally:
            ask(signal.SIGTERM)


def test_one_of_several_processes_hears_the_first_signal_alone() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    try:
        with Stops(for_good=True) as stops:
            with stops.deferred():
                ask(signal.SIGUSR2)
                ask(signal.SIGTERM)  # as a launcher sends it when another has ended
            assert str(stops.asked()) == "stopped by SIGUSR2"
        ask(signal.SIGTERM)
    finally:
        for number, handler in zip(SIGNALS, before, strict=True):
            signal.signal(number, handler)
