"""The Wyoming protocol (Home Assistant's voice assistants) as a pure codec: text to speech, whole or in chunks.

Events follow the ``wyoming`` package 1.10 (``tts.py``, ``info.py``, ``audio.py``, ``error.py``, ``ping.py``);
``docs/protocols/wyoming.md`` has every one and where we differ. A message is what ``frames`` cuts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from syrinx.core.errors import EmptyText, InvalidRequest, ModelNotReady, SyrinxError, VoiceNotFound
from syrinx.core.types import (
    Append,
    Audio,
    AudioFormat,
    Cancel,
    Delivery,
    End,
    Failed,
    Finished,
    Open,
    ServerEvent,
    SpeechRequest,
    Started,
)
from syrinx.protocols.base import Action, Close, Reply
from syrinx.protocols.jsonwire import LANGUAGE_TAG, Fields, kind, string
from syrinx.protocols.offered import Offered, is_marked, named, speaking
from syrinx.protocols.one_shot import needed_text
from syrinx.protocols.turns import Turns
from syrinx.protocols.wyoming.frames import read_event, write_event
from syrinx.protocols.wyoming.info import info_event

PCM = AudioFormat("pcm_s16le")
"""At the model's own rate, which every chunk tells."""
WIDTH_BYTES, CHANNELS = 2, 1


@dataclass(frozen=True, slots=True)
class WyomingPolicy:
    """What the operator set."""

    max_chars: int = 200_000
    max_bytes: int = 4_194_304
    """Longest data of an event, and longest payload."""
    default_speed: float = 1.0
    version: str = ""
    """Of the server."""


class Voices:
    """What there is to speak with; asked anew each time, because models come and go."""

    def __init__(self, listed: Callable[[], Sequence[Offered]]) -> None:
        self._listed = listed

    def all(self) -> Sequence[Offered]:
        """Never empty. Raises ``ModelNotReady``."""
        voices = self._listed()
        if not voices:
            raise ModelNotReady("The models are still loading.")
        return voices

    def request(self, wanted: Fields) -> SpeechRequest:
        """What an utterance asks for whose ``voice`` is this object. Names are the engine's to find, but for those that
        only the list has.

        Raises ``VoiceNotFound``, ``InvalidRequest``, ``ModelNotReady``.
        """
        name, language = string(wanted, "name") or None, string(wanted, "language") or None
        if string(wanted, "speaker"):
            raise VoiceNotFound("Voices have no speakers here; each has a name of its own.", param="speaker")
        if name is not None:
            found = named(self._listed(), name) if is_marked(name) else None
            return SpeechRequest(voice=name) if found is None else found.request()
        return SpeechRequest() if language is None else self._in_language(language)

    def _in_language(self, language: str) -> SpeechRequest:
        if not LANGUAGE_TAG.fullmatch(language):
            raise InvalidRequest(f"'language' must be a tag such as 'en', not {language[:40]!r}.", param="language")
        found = speaking(self.all(), language)
        if found is None:
            raise VoiceNotFound(f"No voice here speaks {language!r}.", param="language")
        return found.request()


@dataclass(slots=True)
class _Speech:
    """What must be remembered of an utterance until it has ended."""

    streamed: bool
    """Its text came in chunks."""
    rate: int = 0
    """Hertz; 0: it has not started."""
    samples: int = 0

    def audio(self) -> dict[str, Any]:
        """The data of its next event of audio."""
        timestamp_ms = self.samples * 1000 // self.rate
        return {"rate": self.rate, "width": WIDTH_BYTES, "channels": CHANNELS, "timestamp": timestamp_ms}


class WyomingCodec:
    """One connection. Requests run, and are answered, in their order.

    An ``error`` is the last that a connection says: clients of the protocol read on until ``audio-stop`` (or
    ``synthesize-stopped``) or the end of the connection, and know no other end of a request.
    """

    ordered = True

    def __init__(self, policy: WyomingPolicy, listed: Callable[[], Sequence[Offered]]) -> None:
        """``listed``: the voices of the loaded models, the default model's first; empty while it loads."""
        self._policy = policy
        self._voices = Voices(listed)
        self._live: dict[str, _Speech] = {}
        self._turns = Turns()
        self._count = 0
        self._streaming: str | None = None
        self._touched: str | None = None
        """The utterance that the last message opened or added to."""
        self._ending = False

    @property
    def speaking(self) -> bool:
        """Whether an utterance has not ended."""
        return bool(self._live)

    def opened(self) -> list[Action]:
        """The protocol has no greeting."""
        return []

    def receive(self, message: str | bytes) -> list[Action]:
        """Act on one event. Raises ``InvalidRequest``, ``ModelNotReady``, to be answered with ``refuse``.

        Unknown events are ignored, as the protocol wants it, and so is everything after an error."""
        self._touched = None
        if self._ending or isinstance(message, str):
            return []
        event, data = read_event(message, self._policy.max_bytes)
        act = self._actions().get(event)
        return [] if act is None else act(data)

    def refuse(self, error: SyrinxError) -> list[Action]:
        """Say ``error`` in its turn and close behind it; what the refused message opened or added to is taken back."""
        if self._ending:
            return []
        self._ending = True
        actions: list[Action] = []
        broken = self._streaming or self._touched  # an open stream would never get its end any more
        if broken is not None and self._live.pop(broken, None) is not None:
            actions = [Cancel(broken), *self._turns.end(broken)]
        return [*actions, *self._turns.say(_last_words(error))]

    def render(self, event: ServerEvent) -> list[Reply | Close]:
        """Turn an engine event into events of the protocol; those of utterances taken back give none."""
        speech = self._live.get(event.utterance_id)
        if speech is None:
            return []
        if isinstance(event, Audio):
            return _chunk(speech, event)
        if isinstance(event, Started):
            speech.rate = event.sample_rate
            return [_reply("audio-start", speech.audio())]
        if isinstance(event, Finished | Failed):
            del self._live[event.utterance_id]
            if self._streaming == event.utterance_id:
                self._streaming = None
            return [*self._ended(event, speech), *self._turns.end(event.utterance_id)]
        return []

    # --- messages --------------------------------------------------------------------------------------------------

    def _actions(self) -> dict[str, Callable[[Fields], list[Action]]]:
        return {
            "describe": lambda _: [Reply(info_event(self._voices.all(), self._policy.version))],
            "ping": lambda data: [_reply("pong", {"text": string(data, "text")})],
            "synthesize": self._synthesize,
            "synthesize-start": self._start,
            "synthesize-chunk": self._chunk,
            "synthesize-stop": lambda _: self._stop(),
        }

    def _synthesize(self, data: Fields) -> list[Action]:
        if self._streaming is not None:
            return []  # the whole text once more, for servers that know no chunks
        text = needed_text(data, "text", self._policy.max_chars)
        opened = self._open(data, streamed=False)
        return [opened, Append(opened.utterance_id, text), End(opened.utterance_id)]

    def _start(self, data: Fields) -> list[Action]:
        if self._streaming is not None:
            raise InvalidRequest("The stream before has no 'synthesize-stop' yet.", code="stream_open")
        opened = self._open(data, streamed=True)
        self._streaming = opened.utterance_id
        return [opened]

    def _chunk(self, data: Fields) -> list[Action]:
        self._touched = utterance_id = self._stream()
        text = string(data, "text")
        if text is None:
            raise InvalidRequest("'text' is missing.", param="text")
        return [Append(utterance_id, text)] if text else []

    def _stop(self) -> list[Action]:
        self._touched = utterance_id = self._stream()
        self._streaming = None
        return [End(utterance_id)]

    def _stream(self) -> str:
        if self._streaming is None:
            raise InvalidRequest("There is no 'synthesize-start' before this.", code="no_stream")
        return self._streaming

    def _open(self, data: Fields, *, streamed: bool) -> Open:
        wanted = data.get("voice")
        if wanted is not None and not isinstance(wanted, dict):
            raise InvalidRequest(f"'voice' must be an object, not {kind(wanted)}.", param="voice")
        if (string(data, "text_format") or "text") != "text":
            raise InvalidRequest("'text_format' must be 'text': SSML is not read.", param="text_format")
        request = self._voices.request(wanted or {})
        request = replace(request, audio=PCM, delivery=Delivery(speed=self._policy.default_speed))
        self._count += 1
        self._touched = utterance_id = str(self._count)
        self._live[utterance_id] = _Speech(streamed)
        self._turns.begin(utterance_id)
        return Open(utterance_id, request)

    # --- ends ------------------------------------------------------------------------------------------------------

    def _ended(self, event: Finished | Failed, speech: _Speech) -> list[Reply | Close]:
        stopped = [_reply("synthesize-stopped")] if speech.streamed else []
        if isinstance(event, Finished):
            return [_reply("audio-stop", {"timestamp": speech.audio()["timestamp"]}), *stopped] if speech.rate else []
        if isinstance(event.error, EmptyText) and speech.streamed and not speech.rate:
            return [*stopped]  # an answer that an agent streams may well hold nothing to say
        self._ending = True
        return _last_words(event.error)


def _chunk(speech: _Speech, event: Audio) -> list[Reply | Close]:
    if not event.audio.data:
        return []
    reply = Reply(write_event("audio-chunk", speech.audio(), event.audio.data))
    speech.samples += event.audio.samples
    return [reply]


def _last_words(error: SyrinxError) -> list[Reply | Close]:
    return [_reply("error", {"text": error.message, "code": error.code}), Close()]


def _reply(event: str, data: dict[str, Any] | None = None) -> Reply:
    return Reply(write_event(event, data))
