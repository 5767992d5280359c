"""The unmodified ``wyoming`` package against a real server, asked as Home Assistant's Wyoming integration asks.

Its steps follow ``homeassistant/components/wyoming`` (``data.py``, ``tts.py``); Home Assistant itself is not installed.
"""

from __future__ import annotations

import asyncio
import io
import signal
import wave
from collections.abc import Sequence
from contextlib import AsyncExitStack

import numpy as np
import pytest
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncClient
from wyoming.error import Error
from wyoming.info import Describe, Info, TtsProgram
from wyoming.tts import Synthesize, SynthesizeChunk, SynthesizeStart, SynthesizeStop, SynthesizeStopped, SynthesizeVoice

from tests.e2e.probe import ended, idle, metric, until
from tests.e2e.talk import WAIT_S
from tests.fakes.server_process import ServerPool, ServerProcess, free_port

TEXT = "The first words are heard while the last ones are still being made."
ENDLESS = "{{long 3000}}"


@pytest.fixture
def served(wyoming_server: ServerProcess) -> ServerProcess:
    """Espeak is the default model, tone the second."""
    return wyoming_server


def client_of(server: ServerProcess) -> AsyncClient:
    return AsyncClient.from_uri(server.options.settings["wyoming"], connect_timeout=WAIT_S, read_timeout=WAIT_S)


async def described(server: ServerProcess) -> TtsProgram:
    """As Home Assistant sets the integration up."""
    async with client_of(server) as client:
        await client.write_event(Describe().event())
        event = await client.read_event()
    assert event is not None and Info.is_type(event.type)
    (program,) = Info.from_event(event).tts
    return program


async def whole(server: ServerProcess, text: str, voice: SynthesizeVoice | None = None) -> tuple[np.ndarray, int]:
    """As Home Assistant has a text spoken that it knows: samples and their rate."""
    async with client_of(server) as client:
        await client.write_event(Synthesize(text=text, voice=voice).event())
        with io.BytesIO() as file:
            writer: wave.Wave_write | None = None
            while True:
                event = await client.read_event()
                assert event is not None, "connection lost"
                assert not Error.is_type(event.type), event.data
                if AudioStop.is_type(event.type):
                    break
                if AudioChunk.is_type(event.type):
                    chunk = AudioChunk.from_event(event)
                    if writer is None:
                        writer = wave.open(file, "wb")
                        writer.setparams((chunk.channels, chunk.width, chunk.rate, 0, "NONE", ""))
                    writer.writeframes(chunk.audio)
            assert writer is not None
            rate = writer.getframerate()
            writer.close()
            return np.frombuffer(file.getvalue()[44:], "<i2") / 32768, rate


async def streamed(server: ServerProcess, chunks: Sequence[str]) -> tuple[np.ndarray, list[str]]:
    """As Home Assistant hands on what a language model writes: samples, and the types of the other events."""
    async with client_of(server) as client:
        await client.write_event(SynthesizeStart().event())
        for chunk in chunks:
            await client.write_event(SynthesizeChunk(text=chunk).event())
        await client.write_event(Synthesize(text="".join(chunks)).event())  # for servers that know no chunks
        await client.write_event(SynthesizeStop().event())
        audio, seen = b"", list[str]()
        while True:
            event = await client.read_event()
            assert event is not None and not Error.is_type(event.type), event
            if SynthesizeStopped.is_type(event.type):
                return np.frombuffer(audio, "<i2") / 32768, seen
            if AudioChunk.is_type(event.type):
                audio += AudioChunk.from_event(event).audio
            else:
                seen.append(event.type)


async def test_every_voice_of_every_model_is_described_with_languages_version_and_attribution(
    served: ServerProcess,
) -> None:
    program = await described(served)
    assert program.installed and program.supports_synthesize_streaming and program.version
    voices = {voice.name: voice for voice in program.voices}
    assert len(voices) == len(program.voices) > 100, "names are unique"
    assert "de" in voices["de"].languages and voices["en-us"].attribution.name.startswith("eSpeak NG")
    assert voices["deep"].attribution.name.startswith("Tone"), "of the second model too"
    assert all(voice.languages and voice.installed and voice.description for voice in program.voices)
    assert voices["de"].version


async def test_describe_does_not_wait_for_those_who_speak(served: ServerProcess) -> None:
    """Home Assistant gives it one second; measured: 15 ms for 158 voices on a busy machine."""
    async with AsyncExitStack() as stack:
        for _ in range(10):
            client = await stack.enter_async_context(client_of(served))
            await client.write_event(Synthesize(ENDLESS, SynthesizeVoice(name="deep")).event())
            while (event := await client.read_event()) is not None and not AudioChunk.is_type(event.type):
                pass
        assert (await described(served)).voices


async def test_a_text_is_spoken_in_the_voice_and_the_language_asked_for(served: ServerProcess) -> None:
    default, rate = await whole(served, TEXT)
    assert 3.0 < len(default) / rate < 8.0 and np.abs(default).max() > 0.05
    german, _ = await whole(served, TEXT, SynthesizeVoice(language="de-DE"))
    named, _ = await whole(served, TEXT, SynthesizeVoice(name="de"))
    assert abs(len(german) - len(named)) < 0.02 * rate, "espeak says the same a little otherwise each time"
    assert abs(len(german) - len(default)) > 0.1 * rate


async def test_a_voice_of_another_model_speaks_with_that(served: ServerProcess) -> None:
    samples, rate = await whole(served, "{{long 1}}", SynthesizeVoice(name="deep"))
    assert len(samples) / rate == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("size", [1, 7, 200])
async def test_chunks_sound_like_the_whole_however_they_are_cut(served: ServerProcess, size: int) -> None:
    text = "Guten Morgen! Three sentences are in this text. The last one is here."
    at_once, _ = await streamed(served, [text])
    in_chunks, seen = await streamed(served, [text[start : start + size] for start in range(0, len(text), size)])
    assert seen == ["audio-start", "audio-stop"]
    assert abs(len(in_chunks) - len(at_once)) < 0.1 * len(at_once), "spoken once, and all of it"


async def test_the_first_sentence_is_heard_before_the_last_is_written(served: ServerProcess) -> None:
    async with client_of(served) as client:
        await client.write_event(SynthesizeStart().event())
        await client.write_event(
            SynthesizeChunk("This is the first sentence. And the next one is still being ").event()
        )
        event = await client.read_event()
        assert event is not None and AudioStart.is_type(event.type)
        event = await client.read_event()
        assert event is not None and AudioChunk.is_type(event.type)
        await client.write_event(SynthesizeStop().event())


async def test_many_clients_are_served_at_once(served: ServerProcess) -> None:
    deep = SynthesizeVoice(name="deep")  # of the tone model: the length of espeak's speech varies by some samples
    heard = await asyncio.gather(*(whole(served, TEXT, deep) for _ in range(12)))
    assert len({len(samples) for samples, _ in heard}) == 1
    assert all(np.abs(samples).max() > 0.1 for samples, _ in heard)


async def test_a_client_that_leaves_stops_the_model(served: ServerProcess) -> None:
    canceled = ended(served, "canceled")
    async with client_of(served) as client:
        await client.write_event(Synthesize(ENDLESS, SynthesizeVoice(name="deep")).event())
        event = await client.read_event()
        assert event is not None and AudioStart.is_type(event.type)
    await idle(served)
    await until(lambda: ended(served, "canceled") == canceled + 1, "the cancel")
    await until(lambda: metric(served, "syrinx_websockets", protocol="wyoming") == 0, "an empty house")


async def test_errors_reach_the_client_and_close_so_that_nobody_waits(served: ServerProcess) -> None:
    for request in (
        Synthesize("Hello.", SynthesizeVoice(name="nobody")),
        Synthesize("Hello.", SynthesizeVoice(language="tlh")),
        Synthesize("   "),
    ):
        async with client_of(served) as client:
            await client.write_event(request.event())
            event = await client.read_event()
            assert event is not None and Error.from_event(event).code in ("voice_not_found", "empty_text")
            assert await client.read_event() is None


async def test_a_drain_lets_a_stream_end(servers: ServerPool) -> None:
    with servers.fresh(("tone",), wyoming=f"tcp://127.0.0.1:{free_port()}") as server:
        async with client_of(server) as client:
            await client.write_event(SynthesizeStart().event())
            await client.write_event(
                SynthesizeChunk("This sentence is spoken before the end. And as was to be shown, ").event()
            )
            while (event := await client.read_event()) is not None and not AudioChunk.is_type(event.type):
                pass
            stopping = asyncio.create_task(asyncio.to_thread(server.stop, signal.SIGTERM))
            await client.write_event(SynthesizeChunk("this is the end.").event())
            await client.write_event(SynthesizeStop().event())
            last = ""
            while (event := await client.read_event()) is not None:
                last = event.type
            assert SynthesizeStopped.is_type(last)
            assert await stopping == 0
