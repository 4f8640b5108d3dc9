"""The line: whole messages, whatever pieces they come in."""

import socket
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.compute._line import GarbledError, Line, Report


@pytest.fixture
def ends():
    """A line, and the bare socket at its other end."""
    ours, theirs = socket.socketpair()
    with theirs:
        line = Line(ours)
        yield line, theirs
        line.close()


def _raw(frames):
    """The bytes that a line writes for frames."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        line = Line(ours)
        for frame in frames:
            line.send(frame)
        theirs.settimeout(5)
        return theirs.recv(10**6)


@settings(deadline=None)
@given(
    frames=st.lists(st.binary(max_size=50), min_size=1, max_size=5),
    cuts=st.lists(st.integers(1, 30), min_size=1, max_size=20),
)
def test_messages_arrive_whole_whatever_pieces_they_come_in(frames, cuts):
    raw = _raw(frames)
    ours, theirs = socket.socketpair()
    line, arrived = Line(ours), []
    with ours, theirs:
        while raw:
            cut = cuts[len(raw) % len(cuts)]
            theirs.sendall(raw[:cut])
            raw = raw[cut:]
            arrived += line.receive()
    assert arrived == frames


def test_nothing_blocks_when_nothing_or_half_a_message_is_there(ends):
    line, theirs = ends
    assert list(line.receive()) == []
    raw = _raw([b"message"])
    theirs.sendall(raw[:-1])
    assert list(line.receive()) == []
    theirs.sendall(raw[-1:])
    assert list(line.receive()) == [b"message"]


def test_sending_does_not_block_and_goes_on_later(ends):
    line, theirs = ends
    frame = bytes(range(256)) * 20_000
    line.send(frame)
    line.send(b"next")
    other, arrived = Line(theirs.dup()), []
    while len(arrived) < 2:
        arrived += other.receive()
        line.flush()
    other.close()
    assert arrived == [frame, b"next"]


def test_the_closed_end_is_heard_of_behind_the_last_message(ends):
    line, theirs = ends
    theirs.sendall(_raw([b"last"]))
    theirs.close()
    assert list(line.receive()) == [b"last"]
    with pytest.raises(EOFError):
        list(line.receive())


@pytest.mark.parametrize("noise", [b"x", b"hello, world, how are you?", b"\0" * 100])
def test_noise_is_told_from_messages(ends, noise):
    line, theirs = ends
    theirs.sendall(_raw([b"good"]) + noise)
    arrived = []
    with pytest.raises(GarbledError):
        arrived.extend(line.receive())  # keeps what it got before the error
    assert arrived == [b"good"]
    with pytest.raises(GarbledError):
        list(line.receive())


@settings(deadline=None)
@given(
    st.sampled_from(["ready", "began", "progress", "done", "failed"]),
    st.integers(0, 2**64 - 1),
    st.floats(allow_nan=False),
    st.integers(0, 2**63),
    st.binary(max_size=20),
)
def test_reports_survive_the_way(kind, job, seconds, peak, body):
    report = Report(kind, job, seconds, -seconds, peak, body)
    assert Report.unpack(report.pack()) == report


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_confuse(frame):
    try:
        Report.unpack(frame)
    except GarbledError:
        assert len(frame) < len(Report("done").pack()) or frame[0] > 4
    except struct.error:
        pytest.fail("not told as garbled")
