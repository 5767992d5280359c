"""The Wyoming server over real sockets, with a fake engine: who may connect, bounds, disconnects, drain."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from array import array
from collections.abc import Callable
from dataclasses import replace
from fcntl import ioctl
from pathlib import Path
from termios import FIONREAD
from typing import Any

import pytest
from wyoming.audio import AudioChunk
from wyoming.client import AsyncClient
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop

from syrinx import __version__
from syrinx.config import Settings
from syrinx.core.errors import ConfigError, Unauthorized
from syrinx.engine.catalog import ModelStatus
from syrinx.models.base import VoiceInfo
from syrinx.protocols.wyoming.frames import write_event
from syrinx.protocols.wyoming.info import info_event
from syrinx.server.byte_stream import ByteStream
from syrinx.server.observe import Metrics
from syrinx.server.offered import offered_voices
from syrinx.server.stream_address import StreamAddress, is_within, read_address, read_networks, unix_listener
from syrinx.server.websocket import MAX_REPLY_BYTES
from syrinx.server.wyoming import Connections, check_wyoming, wyoming_served
from tests.fakes.engine import INFO, PIECE, FakeEngine
from tests.fakes.live import WAIT_S, until
from tests.fakes.wyoming import wyoming_live


async def hear(client: AsyncClient, last: str) -> list[Event]:
    """Every event up to the first of type ``last``."""
    heard: list[Event] = []
    while not heard or heard[-1].type != last:
        event = await client.read_event()
        assert event is not None, f"it closed after {[event.type for event in heard]}"
        heard.append(event)
    return heard


def kinds(events: list[Event]) -> list[str]:
    return [event.type for event in events]


async def ended(client: AsyncClient) -> bool:
    """Whether the server closes now."""
    return await client.read_event() is None


async def test_a_text_becomes_audio_between_its_start_and_its_stop():
    async with wyoming_live() as server, server.client() as client:
        await client.write_event(Synthesize("Hello.").event())
        heard = await hear(client, "audio-stop")
    assert kinds(heard) == ["audio-start", "audio-chunk", "audio-stop"]
    chunk = AudioChunk.from_event(heard[1])
    assert (chunk.rate, chunk.width, chunk.channels, chunk.audio) == (24_000, 2, 1, PIECE)


async def test_chunks_are_spoken_before_the_stop():
    async with wyoming_live() as server, server.client() as client:
        await client.write_event(SynthesizeStart().event())
        await client.write_event(SynthesizeChunk("Hello. ").event())
        assert kinds(await hear(client, "audio-chunk")) == ["audio-start", "audio-chunk"]
        await client.write_event(SynthesizeChunk("You.").event())
        await client.write_event(SynthesizeStop().event())
        assert kinds(await hear(client, "synthesize-stopped")) == ["audio-chunk", "audio-stop", "synthesize-stopped"]


async def test_requests_of_a_connection_are_answered_in_their_order():
    async with wyoming_live() as server, server.client() as client:
        for text in ("One.", "Two."):
            await client.write_event(Synthesize(text).event())
        await client.write_event(Ping("still there?").event())
        heard = [*await hear(client, "audio-stop"), *await hear(client, "audio-stop")]
    assert [kind for kind in kinds(heard) if kind != "pong"] == ["audio-start", "audio-chunk", "audio-stop"] * 2
    assert [event.data for event in heard if event.type == "pong"] in ([], [{"text": "still there?"}])


async def test_many_clients_speak_at_once():
    async def one(client: AsyncClient) -> int:
        async with client:
            await client.write_event(Synthesize("Hello. " * 20).event())
            return len(await hear(client, "audio-stop"))

    async with wyoming_live() as server:
        assert await asyncio.gather(*(one(server.client()) for _ in range(30))) == [3] * 30


async def test_describe_lists_the_voices_and_before_there_are_any_says_so_and_closes():
    engine = FakeEngine(ready=False)
    async with wyoming_live(engine) as server:
        async with server.client() as client:
            await client.write_event(Describe().event())
            (event,) = await hear(client, "error")
            assert Error.from_event(event).code == "model_not_ready" and await ended(client)
        engine.ready = True
        async with server.client() as client:
            await client.write_event(Describe().event())
            (event,) = await hear(client, "info")
    (program,) = Info.from_event(event).tts
    assert program.supports_synthesize_streaming and program.installed
    assert [(voice.name, voice.languages) for voice in program.voices] == [("eve", ["en"]), ("adam", ["en"])]


@pytest.mark.parametrize(
    ("text", "voice", "code"),
    [
        ("{{error}}", None, "model_failed"),
        ("{{busy}}", None, "overloaded"),
        ("{{silent}}", None, "empty_text"),
        ("Hello.", {"name": "nobody"}, "voice_not_found"),
    ],
)
async def test_an_error_is_told_and_then_it_closes(text: str, voice: Any, code: str):
    async with wyoming_live() as server, server.client() as client:
        await client.write_event(Event("synthesize", {"text": text, "voice": voice}))
        (event,) = await hear(client, "error")
        error = Error.from_event(event)
        assert error.code == code and error.text and await ended(client)


async def test_a_failure_after_audio_is_an_error_in_place_of_the_stop():
    async with wyoming_live() as server, server.client() as client:
        await client.write_event(Synthesize("{{break}}").event())
        assert kinds(await hear(client, "error")) == ["audio-start", "audio-chunk", "error"]
        assert await ended(client)


@pytest.mark.parametrize("brutal", [False, True])
async def test_a_client_that_leaves_stops_its_speech(brutal: bool):
    async with wyoming_live() as server:
        client = server.client()
        await client.connect()
        await client.write_event(Synthesize("{{endless}}").event())
        await hear(client, "audio-chunk")
        writer = client._writer
        assert writer is not None
        if brutal:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()
        await until(lambda: server.engine.sessions[0].closed)
        async with server.client() as other:
            await other.write_event(Synthesize("Hello.").event())
            await hear(other, "audio-stop")


async def test_a_client_that_does_not_read_is_dropped():
    async with wyoming_live(ws_send_timeout=0.05) as server:
        client = server.client()
        await client.connect()
        await client.write_event(Synthesize("{{endless}}").event())
        await until(lambda: server.engine.sessions and server.engine.sessions[0].closed)
        await client.disconnect()


class Asked(FakeEngine):
    """Has as many voices as espeak, and counts how often it is asked for them."""

    def __init__(self) -> None:
        super().__init__(replace(INFO, voices=tuple(VoiceInfo(f"v{n}", f"Voice {n}", ("en",)) for n in range(150))))
        self.times = 0

    def models(self) -> list[ModelStatus]:
        self.times += 1
        return super().models()


async def comes_to_rest(count: Callable[[], int], other: AsyncClient) -> None:
    """Wait until it grows no more while another client is answered twenty times, each in several turns of the loop."""
    last = 0
    while count() == 0 or count() != last:
        last = count()
        for _ in range(20):
            await other.write_event(Ping().event())
            await hear(other, "pong")


async def test_a_client_that_asks_and_does_not_read_is_not_read_either(tmp_path: Path):
    engine, path, flood = Asked(), tmp_path / "wyoming.sock", 400
    settings = Settings(ws_send_timeout=60 * WAIT_S)
    with unix_listener(path) as listener, socket.socket(socket.AF_UNIX) as client:
        async with wyoming_served(listener, settings, engine.as_engine(), Metrics()):
            async with AsyncClient.from_uri(f"unix://{path}", read_timeout=WAIT_S) as other:
                client.connect(str(path))
                client.sendall(write_event("describe") * flood)
                await comes_to_rest(lambda: engine.times, other)
            size = len(info_event(offered_voices(engine.as_engine()), __version__))
            answered, unread = engine.times - 1, array("i", [0])
            ioctl(client, FIONREAD, unread)  # what the system holds
            assert size > 20_000 and answered < flood
            held = answered * size - unread[0]
            assert held <= MAX_REPLY_BYTES + 65_536 + 3 * size, "the stream's own buffer, and what is being sent"
            client.setblocking(False)
            reader, writer = await asyncio.open_unix_connection(sock=client)
            async with asyncio.timeout(WAIT_S):
                answers = await reader.readexactly(flood * size)
            assert answers.count(b'"type":"info"') == flood, "and each is answered once it reads"
            writer.close()


HOSTILE = {
    "HTTP": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a payload of a terabyte": b'{"type":"synthesize","payload_length":1000000000000}\n',
    "data longer than the bound": b'{"type":"synthesize","data_length":10000001}\n',
    "half a UTF-8 sequence": b'{"type":"synthesize","data":{"text":"\xe2\x82"}}\n',
    "half a UTF-8 sequence in the data": b'{"type":"synthesize","data_length":13}\n{"text":"\xe2\x82"}}',
    "a line without end": b"x" * 200_000,
    "nesting": b'{"type":"synthesize","data":' + b"[" * 50_000 + b"\n",
    "a flood behind an error": b"{}\n" + b"y" * 3_000_000,
}


@pytest.mark.parametrize("sent", HOSTILE.values(), ids=HOSTILE.keys())
async def test_hostile_bytes_are_answered_with_an_error_and_the_end(sent: bytes):
    async with wyoming_live(max_message_bytes=10_000_000) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(sent)
        async with asyncio.timeout(WAIT_S):
            answer = await reader.read()
        assert json.loads(answer.partition(b"\n")[0])["type"] == "error"
        writer.close()
        async with server.client() as client:
            await client.write_event(Synthesize("Hello.").event())
            await hear(client, "audio-stop")


async def test_a_payload_is_passed_over_and_not_kept():
    async with wyoming_live() as server, server.client() as client:
        await client.write_event(AudioChunk(16_000, 2, 1, bytes(4_000_000)).event())
        await client.write_event(Synthesize("Hello.").event())
        assert kinds(await hear(client, "audio-stop"))[0] == "audio-start"


async def test_a_flood_of_opens_is_bounded_and_a_place_that_is_free_again_is_taken():
    async with wyoming_live(max_connections=3) as server:
        clients = [server.client() for _ in range(3)]
        for client in clients:
            await client.connect()
            await client.write_event(Ping().event())
            await hear(client, "pong")
        async with server.client() as late:
            (event,) = await hear(late, "error")
            assert Error.from_event(event).code == "overloaded" and await ended(late)
        await clients.pop().disconnect()
        await until(lambda: server.engine.sessions[2].closed)
        async with server.client() as client:
            await client.write_event(Synthesize("Hello.").event())
            await hear(client, "audio-stop")
        for client in clients:
            await client.disconnect()


async def test_too_many_requests_on_one_connection_are_refused_by_the_session():
    engine = FakeEngine()
    async with wyoming_live(engine, max_pending_per_connection=7) as server, server.client() as client:
        await client.write_event(Ping().event())
        await hear(client, "pong")
        assert engine.sessions[0].options.max_pending == 7
        assert engine.sessions[0].options.owner == "127.0.0.1"


async def test_connections_are_counted():
    async with wyoming_live() as server, server.client() as client:
        await client.write_event(Ping().event())
        await hear(client, "pong")
        assert server.metrics.registry.get_sample_value("syrinx_websockets", {"protocol": "wyoming"}) == 1


async def test_a_drain_lets_speech_end_and_closes_what_is_idle():
    async with wyoming_live() as server, server.client() as speaking, server.client() as idle:
        await speaking.write_event(SynthesizeStart().event())
        await speaking.write_event(SynthesizeChunk("Hello. ").event())
        await hear(speaking, "audio-chunk")
        await idle.write_event(Ping().event())
        await hear(idle, "pong")
        draining = asyncio.create_task(server.engine.drain(WAIT_S))
        assert await ended(idle)
        await speaking.write_event(SynthesizeChunk("You.").event())
        await speaking.write_event(SynthesizeStop().event())
        assert kinds(await hear(speaking, "synthesize-stopped"))[-2:] == ["audio-stop", "synthesize-stopped"]
        assert await ended(speaking)
        await draining
        async with server.client() as late:
            (event,) = await hear(late, "error")
            assert Error.from_event(event).code == "overloaded"


async def test_a_client_that_says_nothing_is_dropped_unless_it_listens():
    reader, feed = asyncio.StreamReader(), asyncio.Event()

    class Writer:
        transport = asyncio.Transport()

    asked: list[bool] = []

    def busy() -> bool:
        asked.append(True)
        feed.set()
        return len(asked) < 3

    stream = ByteStream(reader, Writer(), None, 0.001, busy)  # type: ignore[arg-type]
    assert (await stream.receive())["type"] == "websocket.disconnect"
    assert len(asked) == 3


class WriterOf:
    """A connection from an address that this machine does not have."""

    def __init__(self, host: str, connection: socket.socket) -> None:
        self._known = {"socket": connection, "peername": (host, 4711)}

    def get_extra_info(self, name: str) -> Any:
        return self._known[name]


async def test_only_addresses_of_the_named_networks_are_let_in():
    settings = Settings(wyoming_clients=("10.1.0.0/16",))
    connections = Connections(settings, FakeEngine().as_engine(), Metrics())
    with socket.socket() as connection:
        assert connections._admit(WriterOf("10.1.2.3", connection)) == "10.1.2.3"  # type: ignore[arg-type]
        with pytest.raises(Unauthorized, match="wyoming_clients"):
            connections._admit(WriterOf("10.2.0.1", connection))  # type: ignore[arg-type]


# --- addresses -------------------------------------------------------------------------------------------------------


async def test_a_unix_socket_speaks_too_and_only_to_this_user(tmp_path: Path):
    path = tmp_path / "wyoming.sock"
    with unix_listener(path) as listener:
        assert path.stat().st_mode & 0o777 == 0o600
        with pytest.raises(ConfigError, match="Cannot listen"), unix_listener(path):
            pass
        engine = FakeEngine()
        async with wyoming_served(listener, Settings(), engine.as_engine(), Metrics()):
            async with AsyncClient.from_uri(f"unix://{path}", read_timeout=WAIT_S) as client:
                await client.write_event(Synthesize("Hello.").event())
                await hear(client, "audio-stop")
    assert engine.sessions[0].options.owner == "unix"
    assert not path.exists()


def test_what_a_dead_process_left_is_replaced_and_a_file_is_not(tmp_path: Path):
    path = tmp_path / "wyoming.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with unix_listener(path):
        pass
    path.write_text("mine")
    with pytest.raises(ConfigError, match="Cannot listen"), unix_listener(path):
        pass
    assert path.read_text() == "mine"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("tcp://127.0.0.1:10200", StreamAddress("127.0.0.1", 10_200)),
        ("tcp://[::1]:1/", StreamAddress("::1", 1)),
        ("unix:run/w.sock", StreamAddress(path=Path("run/w.sock"))),
        ("unix:///run/w.sock", StreamAddress(path=Path("/run/w.sock"))),
    ],
)
def test_addresses_are_read(text: str, address: StreamAddress):
    assert read_address(text) == address and address.is_local


@pytest.mark.parametrize("text", ["10200", "tcp://127.0.0.1", "tcp://:1", "tcp://h:99999", "udp://h:1", "unix:", ""])
def test_what_is_no_address_is_refused(text: str):
    with pytest.raises(ConfigError, match="no address"):
        read_address(text)


def test_others_are_let_in_by_their_network_only():
    open_to_all = "tcp://0.0.0.0:10200"
    with pytest.raises(ConfigError, match="SYRINX_WYOMING_CLIENTS"):
        check_wyoming(Settings(wyoming=open_to_all))
    with pytest.raises(ConfigError, match="no network"):
        check_wyoming(Settings(wyoming=open_to_all, wyoming_clients=("homes",)))
    check_wyoming(Settings(wyoming=open_to_all, wyoming_clients=("192.168.1.0/24",)))
    networks = read_networks(["192.168.1.7/24", "2001:db8::1"])
    within = {
        host: is_within(host, networks) for host in ("192.168.1.9", "::ffff:192.168.1.9", "10.0.0.1", "2001:db8::1")
    }
    assert within == {"192.168.1.9": True, "::ffff:192.168.1.9": True, "10.0.0.1": False, "2001:db8::1": True}
    assert is_within("127.0.0.1", []) and is_within("::1", []) and not is_within("fe80::1%eth0", [])
