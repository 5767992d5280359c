"""The worker's end of the socket: whole messages both ways, and a clear word when the server is gone."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import numpy as np
import pytest

from syrinx.core.types import Mark, MarkKind, Span
from syrinx.workers.channel import Channel, ServerGone
from syrinx.workers.messages import Cancel, Credit, Heartbeat, Output
from syrinx.workers.wire import Encoder, audio_bytes, server_side

SAMPLES = np.linspace(-1, 1, 50, dtype=np.float32)


@pytest.fixture
def ends() -> Iterator[tuple[Channel, socket.socket]]:
    ours, theirs = socket.socketpair()
    theirs.settimeout(10)
    channel = Channel(ours)
    yield channel, theirs
    channel.close()
    theirs.close()


def test_messages_arrive_in_order_and_an_empty_line_costs_no_wait(ends: tuple[Channel, socket.socket]):
    channel, server = ends
    assert channel.receive(0.0) == []
    data = Encoder().encode([Cancel("a"), Credit("b", 1.5)])
    server.sendall(data[:7])
    assert channel.receive(10.0) == []
    server.sendall(data[7:])
    assert channel.receive(float("inf")) == [Cancel("a"), Credit("b", 1.5)]


def test_marks_that_cannot_be_sent_do_not_cost_the_audio(ends: tuple[Channel, socket.socket]):
    channel, server = ends
    mark = Mark(MarkKind.PHONEME, Span(0, 1), 0.0, 0.1, name="\ud800")
    channel.send([Output("j", audio_bytes(SAMPLES), 8000, (mark,)), Heartbeat(None)])
    output, beat = server_side().feed(server.recv(65536))
    assert isinstance(output, Output) and output.samples is not None
    assert output.samples.tobytes() == SAMPLES.tobytes() and output.marks == ()
    assert beat == Heartbeat(None)


def test_the_end_of_the_server_is_noticed_in_both_directions(ends: tuple[Channel, socket.socket]):
    channel, server = ends
    server.close()
    with pytest.raises(ServerGone):
        channel.receive(float("inf"))
    with pytest.raises(ServerGone):
        for _ in range(2):  # the first may still fit into the kernel's buffer
            channel.send([Heartbeat(None)])
