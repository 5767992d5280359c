"""Every WebSocket dialect as the settings have it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from syrinx.audio.framing import Framing
from syrinx.core.clock import SystemClock
from syrinx.core.types import ServiceClass
from syrinx.engine.policy import SessionOptions
from syrinx.protocols.base import Handshake
from syrinx.protocols.cartesia.codec import CartesiaCodec
from syrinx.protocols.cartesia.speech import CartesiaPolicy
from syrinx.protocols.chatterbox.codec import ChatterboxCodec, ChatterboxPolicy
from syrinx.protocols.deepgram.codec import SpeakCodec
from syrinx.protocols.deepgram.speech import DeepgramPolicy
from syrinx.protocols.elevenlabs.sockets import MultiStreamCodec, StreamInputCodec
from syrinx.protocols.elevenlabs.speech import ElevenLabsPolicy
from syrinx.protocols.openai_realtime.codec import OpenAIRealtimeCodec, OpenAIRealtimePolicy
from syrinx.protocols.orpheus import OrpheusCodec, OrpheusPolicy, speaks
from syrinx.protocols.realtime.codec import RealtimeCodec, RealtimePolicy
from syrinx.server.answers import POLICY_VIOLATION
from syrinx.server.chatterbox import Registrar, known_voices
from syrinx.server.openai_realtime import judge, make_ear
from syrinx.server.sockets import Dialect
from syrinx.server.stopwatch import Stopwatch
from syrinx.wiring import max_lead_s

if TYPE_CHECKING:
    from syrinx.config import Settings
    from syrinx.engine.engine import Engine

STREAM = "/v1/audio/speech/stream/ws"
ELEVENLABS = "/v1/text-to-speech/{voice}"


def realtime(settings: Settings, engine: Engine) -> Dialect:
    """The Realtime-style dialect as the settings have it."""
    policy = RealtimePolicy(
        max_words=settings.max_utterance_words,
        max_chars=settings.max_text_chars,
        max_pending=settings.max_pending_per_connection,
        default_speed=settings.default_speed,
        prime_bytes=settings.prime_bytes if settings.prime_stream else 0,
        opus_bitrate=bits_per_second(settings.opus_bitrate),
    )
    options = SessionOptions(
        "realtime",
        framing=Framing(
            chunk_s=settings.stream_chunk_seconds,
            first_immediate=settings.ws_first_chunk_immediate,
            buffer_bytes=settings.ws_buffer_bytes,
            flush_every=settings.ws_flush_every,
        ),
        max_latency_s=settings.ws_max_latency_ms / 1000,
        max_pending=settings.max_pending_per_connection,
        idle_flush_s=settings.flush_idle_ms / 1000 or None,
        max_lead_s=max_lead_s(settings),
        marks=True,
    )

    def codec(handshake: Handshake) -> RealtimeCodec:
        # The primer is no frame: who counts in frames gets none.
        unprimed = replace(policy, prime_bytes=0)
        return RealtimeCodec(policy if handshake.frame_s is None else unprimed, engine.resolve)

    return Dialect(STREAM, codec, options)


def service_class(settings: Settings) -> ServiceClass:
    """How work is scheduled that nobody said to listen to."""
    return ServiceClass.INTERACTIVE if settings.profile == "latency" else ServiceClass.BULK


def orpheus_policy(settings: Settings) -> OrpheusPolicy:
    """Its share of the settings, on the socket and over HTTP."""
    return OrpheusPolicy(settings.max_text_chars, settings.default_speed, service_class(settings))


def orpheus(settings: Settings, engine: Engine) -> Dialect:
    """The Orpheus dialect, which shares the path of the Realtime-style one."""
    policy = orpheus_policy(settings)
    options = replace(realtime(settings, engine).options, protocol="orpheus", idle_flush_s=None, marks=False)
    return Dialect(STREAM, lambda _: OrpheusCodec(policy, engine.resolve), options, speaks)


def chatterbox_policy(settings: Settings) -> ChatterboxPolicy:
    """Its share of the settings, on the socket and over HTTP."""
    return ChatterboxPolicy(
        max_chars=settings.max_text_chars,
        default_speed=settings.default_speed,
        chunk_tokens=settings.chunk_tokens,
        early=settings.profile == "latency",
        service_class=service_class(settings),
        max_reference_bytes=settings.max_reference_bytes,
        opus_bitrate=bits_per_second(settings.opus_bitrate),
    )


def chatterbox(settings: Settings, engine: Engine) -> Dialect:
    """The Chatterbox dialect. Its codec cuts the frames, and its clients measure how fast audio is made, so it is made
    as fast as they read."""
    policy, clock = chatterbox_policy(settings), SystemClock()

    def codec(handshake: Handshake) -> Stopwatch:
        asked = replace(policy, frame_s=handshake.frame_s)
        return Stopwatch(ChatterboxCodec(asked, engine.resolve, lambda: known_voices(engine.voices)), clock.now)

    return Dialect(
        "/v1/stream/tts",
        codec,
        SessionOptions("chatterbox", max_pending=settings.max_pending_per_connection),
        full_code=POLICY_VIOLATION,
        answer=Registrar(engine.voices),
    )


def elevenlabs_policy(settings: Settings) -> ElevenLabsPolicy:
    """Its share of the settings, on the sockets and over HTTP."""
    return ElevenLabsPolicy(
        settings.max_text_chars, settings.default_speed, service_class(settings), settings.max_pending_per_connection
    )


def stream_input(settings: Settings, engine: Engine) -> Dialect:
    """ElevenLabs' socket of one utterance."""
    policy = elevenlabs_policy(settings)
    options = replace(realtime(settings, engine).options, protocol="elevenlabs", ordered=False)
    return Dialect(
        ELEVENLABS + "/stream-input", lambda handshake: StreamInputCodec(handshake, policy, engine.resolve), options
    )


def multi_stream_input(settings: Settings, engine: Engine) -> Dialect:
    """ElevenLabs' socket of contexts."""
    policy, options = elevenlabs_policy(settings), stream_input(settings, engine).options
    return Dialect(
        ELEVENLABS + "/multi-stream-input",
        lambda handshake: MultiStreamCodec(handshake, policy, engine.resolve),
        options,
    )


def cartesia_policy(settings: Settings) -> CartesiaPolicy:
    """Its share of the settings, on the socket and over HTTP."""
    return CartesiaPolicy(
        settings.max_text_chars, settings.default_speed, service_class(settings), settings.max_pending_per_connection
    )


def cartesia(settings: Settings, engine: Engine) -> Dialect:
    """Cartesia's socket of contexts."""
    policy = cartesia_policy(settings)
    options = replace(realtime(settings, engine).options, protocol="cartesia", ordered=False)
    return Dialect(
        "/tts/websocket", lambda handshake: CartesiaCodec(policy, engine.resolve, handshake.request_id), options
    )


def openai_realtime(settings: Settings, engine: Engine) -> Dialect:
    """OpenAI's Realtime API: one response after the other."""
    policy = OpenAIRealtimePolicy(settings.max_text_chars, settings.max_pending_per_connection, settings.default_speed)
    options = replace(realtime(settings, engine).options, protocol="openai-realtime", idle_flush_s=None)
    ears = make_ear()
    return Dialect(
        "/v1/realtime",
        lambda handshake: OpenAIRealtimeCodec(handshake, policy, engine.resolve, ears),
        options,
        answer=judge,
    )


def deepgram_policy(settings: Settings) -> DeepgramPolicy:
    """Its share of the settings, on the socket and over HTTP."""
    return DeepgramPolicy(settings.max_text_chars, settings.default_speed, service_class(settings))


def deepgram(settings: Settings, engine: Engine) -> Dialect:
    """Deepgram's socket: what stands between two flushes is spoken, one after the other."""
    policy = deepgram_policy(settings)
    options = replace(realtime(settings, engine).options, protocol="deepgram", marks=False)
    return Dialect("/v1/speak", lambda handshake: SpeakCodec(handshake, policy, engine.resolve), options)


DIALECTS: tuple[Callable[[Settings, Engine], Dialect], ...] = (
    realtime,
    orpheus,
    chatterbox,
    stream_input,
    multi_stream_input,
    openai_realtime,
    cartesia,
    deepgram,
)
"""Every WebSocket dialect; of those that share a path, the first takes what the others do not recognise."""


def bits_per_second(text: str) -> int:
    """Read ``"48k"`` or ``"48000"``."""
    return int(text.removesuffix("k")) * (1000 if text.endswith("k") else 1)
