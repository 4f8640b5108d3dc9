"""Ctrl-C and SIGTERM."""

import os
import signal
import threading

import pytest

from automl._interrupt import Interruption

BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


def handlers():
    return signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)


@BOTH
def test_the_first_signal_is_noted(number):
    with Interruption() as interruption:
        assert not interruption()
        assert interruption.received is None
        signal.raise_signal(number)
        assert interruption()
        assert interruption.received == number
    assert interruption()  # still known when the run has ended


@BOTH
@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_the_second_ends_the_run(first, number):
    with Interruption() as interruption:
        signal.raise_signal(first)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert interruption.received == first


def test_handlers_are_put_back():
    before = handlers()
    with Interruption():
        assert handlers() != before
    assert handlers() == before
    with pytest.raises(RuntimeError), Interruption():
        raise RuntimeError
    assert handlers() == before


def test_the_callers_own_handler_is_put_back():
    def mine(number, frame):
        raise AssertionError

    before = signal.signal(signal.SIGTERM, mine)
    try:
        with Interruption() as interruption:
            signal.raise_signal(signal.SIGTERM)
        assert interruption()
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, before)


def test_in_a_thread_nothing_is_installed():
    before, seen = handlers(), []

    def work():
        with Interruption() as interruption:
            seen.append((handlers(), interruption()))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(before, False)]
    assert handlers() == before


def test_a_forked_child_does_not_take_the_signal_for_its_parent():
    with Interruption() as interruption:
        child = os.fork()
        if child == 0:
            signal.raise_signal(signal.SIGTERM)
            os._exit(int(interruption()))
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert not interruption()


def test_interruptions_can_be_nested():
    with Interruption() as outer:
        with Interruption() as inner:
            signal.raise_signal(signal.SIGINT)
        assert inner()
        assert not outer()
        signal.raise_signal(signal.SIGINT)
        assert outer()
