"""The desktop sidecar's (VoiceReader) requests as plain values: a JSON body becomes a frozen dataclass.

Unknown fields are ignored. What is wrong raises ``InvalidFields``, which says what about every field that is, and
nothing else. Field names, ranges and defaults: the sidecar's API, as ``docs/protocols/voicereader.md`` has it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictStr, StringConstraints, TypeAdapter
from pydantic import ValidationError as PydanticError
from pydantic.types import Strict
from pydantic_core import PydanticCustomError

from syrinx.core.errors import EmptyText, InvalidRequest
from syrinx.core.types import Delivery
from syrinx.protocols.interruption import MAX_PLAYED_S
from syrinx.protocols.jsonwire import LANGUAGE_TAG, Fields, read_object
from syrinx.protocols.voicereader.errors import FieldError, InvalidFields

BUILT_IN = "0"
"""The id of the default voice of the default model."""
MAX_ID_CHARS = 200
MAX_REASON_CHARS = 200
MAX_PATH_CHARS = 4096
MAX_REFERENCE_TEXT_CHARS = 2000
"""As ``voices`` keeps it."""
SAMPLE_SHOWN = 80
"""Characters of a wrong value that an error repeats."""

T = TypeVar("T")


def _wrong(kind: str, message: str) -> PydanticCustomError:
    return PydanticCustomError(kind, message)  # pyright: ignore[reportArgumentType]  (wants a literal, for its own use)


def _voice_id(value: Any) -> str:
    """``"0"``, also for 0, null and ``""``; else a UUID in its usual form."""
    if value is None or value in ("", BUILT_IN) or (type(value) is int and value == 0):
        return BUILT_IN
    try:
        return str(UUID(value)) if isinstance(value, str) and len(value) <= MAX_ID_CHARS else _no_voice()
    except ValueError:
        return _no_voice()


def _no_voice() -> str:
    raise _wrong("voice_id", 'Input should be "0" (the built-in voice) or the UUID of a cloned voice')


def _tag(value: str) -> str:
    if value and not LANGUAGE_TAG.fullmatch(value):
        raise _wrong("language", "Input should be a language tag such as 'en' or 'pt-BR', or 'auto'")
    return "" if value.lower() == "auto" else value.replace("_", "-")


def _stripped(value: Any) -> Any:
    """A text field without spaces around it; empty where null."""
    return value.strip() if isinstance(value, str) else "" if value is None else value


Number = Annotated[float, Strict()]
Rate = Annotated[Number, Field(ge=0.25, le=4.0)]
Pitch = Annotated[Number, Field(ge=0.5, le=2.0)]
Volume = Annotated[Number, Field(ge=0.0, le=2.0)]
MaxChars = Annotated[int, Strict(), Field(ge=100, le=2000)]
VoiceId = Annotated[str, BeforeValidator(_voice_id)]
Language = Annotated[StrictStr, BeforeValidator(_stripped), AfterValidator(_tag)]
Name = Annotated[
    StrictStr, BeforeValidator(_stripped), StringConstraints(strip_whitespace=True, min_length=1, max_length=80)
]
Description = Annotated[StrictStr, BeforeValidator(_stripped), StringConstraints(max_length=240)]
Consent = Annotated[StrictStr, BeforeValidator(_stripped), StringConstraints(max_length=1000)]
PlayedSeconds = Annotated[Number, Field(ge=0.0, le=MAX_PLAYED_S)]
JobId = Annotated[StrictStr, StringConstraints(max_length=MAX_ID_CHARS)]
Reason = Annotated[StrictStr, BeforeValidator(_stripped), StringConstraints(max_length=MAX_REASON_CHARS)]
Word = Annotated[StrictStr, BeforeValidator(_stripped), StringConstraints(max_length=MAX_ID_CHARS)]


@dataclass(frozen=True)
class Chunking:
    """How the text is cut."""

    max_chars: MaxChars = 400
    """Longest stretch of text that one ``text_range`` stands for."""


@dataclass(frozen=True)
class SpeakSettings:
    """How it is spoken."""

    rate: Rate = 1.0
    pitch: Pitch = 1.0
    volume: Volume = 1.0
    chunking: Chunking = Chunking()

    @property
    def delivery(self) -> Delivery:
        return Delivery(self.rate, self.pitch, self.volume)


@dataclass(frozen=True)
class Speak:
    """``POST /v1/speak``."""

    text: StrictStr
    voice_id: VoiceId = BUILT_IN
    language: Language = ""
    """BCP 47 tag; empty: the voice's own."""
    settings: SpeakSettings = SpeakSettings()


@dataclass(frozen=True)
class Cancel:
    """``POST /v1/cancel``."""

    job_id: JobId
    played_s: PlayedSeconds | None = None
    """Of its audio; None: not known."""


@dataclass(frozen=True)
class Playback:
    """``POST /v1/jobs/{id}/playback``: what is None stays as it is."""

    rate: Rate | None = None
    pitch: Pitch | None = None
    volume: Volume | None = None


@dataclass(frozen=True)
class Reference:
    """Where the recording of a voice to clone is: the path wins if both are given."""

    path: Annotated[StrictStr, BeforeValidator(_stripped), StringConstraints(max_length=MAX_PATH_CHARS)] = ""
    wav_base64: Annotated[StrictStr, BeforeValidator(_stripped)] = ""

    def audio(self) -> bytes:
        """The recording that came with the request. Raises ``InvalidRequest`` (``bad_audio``)."""
        text = "".join(self.wav_base64.split())
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise InvalidRequest("'wav_base64' is not base64.", code="bad_audio", param="wav_base64") from None
        if not data:
            raise InvalidRequest("'wav_base64' holds no bytes.", code="bad_audio", param="wav_base64")
        return data


@dataclass(frozen=True)
class CloneOptions:
    """How a voice is cloned."""

    normalize_audio: StrictBool = True
    """Bring the recording to a usual level first."""


@dataclass(frozen=True)
class Clone:
    """``POST /v1/voices/clone``."""

    display_name: Name
    ref_audio: Reference
    ref_text: Annotated[
        StrictStr, BeforeValidator(_stripped), StringConstraints(max_length=MAX_REFERENCE_TEXT_CHARS)
    ] = ""
    language: Language = ""
    description: Description = ""
    consent: Consent = ""
    """Ours: who allowed it, and how; kept with the voice."""
    options: CloneOptions = CloneOptions()


@dataclass(frozen=True)
class Patch:
    """``PATCH /v1/voices/{id}``: what is None stays as it is."""

    display_name: Name | None = None
    language: Language | None = None
    description: Description | None = None


@dataclass(frozen=True)
class WarmUp:
    """``POST /v1/warmup``."""

    wait: StrictBool = False
    force: StrictBool = False
    reason: Reason = ""


@dataclass(frozen=True)
class Activate:
    """``POST /v1/models/activate``: what is empty stays as it is."""

    synth_backend: Literal["", "auto", "kyutai", "qwen", "mock", "espeak"] = ""
    active_model_id: Word = ""
    qwen_model_name: Word = ""
    qwen_device_map: Word = ""
    qwen_dtype: Word = ""
    qwen_attn_implementation: Word = ""
    qwen_default_speaker: Word = ""
    kyutai_model_name: Word = ""
    kyutai_voice_prompt: Word = ""
    kyutai_sample_rate: Annotated[int, Strict(), Field(ge=8000, le=48000)] | None = None
    warmup_wait: StrictBool = True
    warmup_force: StrictBool = True
    reason: Reason = ""


PrefetchMode = Literal["qwen_custom", "qwen_base", "qwen_all", "kyutai", "all"]


@dataclass(frozen=True)
class Prefetch:
    """``POST /v1/models/prefetch``."""

    mode: PrefetchMode = "qwen_all"


def parse_speak(body: bytes, max_chars: int) -> Speak:
    """Raises ``InvalidFields``; ``EmptyText`` for a blank text."""
    speak = _parse(Speak, read_fields(body))
    if len(speak.text) > max_chars:
        raise _refused("text", "string_too_long", f"String should have at most {max_chars} characters")
    if not speak.text.strip():
        raise EmptyText("'text' holds nothing to speak.", param="text")
    return speak


def parse_cancel(body: bytes) -> Cancel:
    """Raises ``InvalidFields``."""
    return _parse(Cancel, read_fields(body))


def parse_playback(body: bytes) -> Playback:
    """Raises ``InvalidFields``, also where nothing is to be changed."""
    return _parse_change(Playback, body, ("rate", "pitch", "volume"))


def parse_clone(body: bytes) -> Clone:
    """Raises ``InvalidFields``, also where there is neither path nor recording."""
    clone = _parse(Clone, read_fields(body))
    if not clone.ref_audio.path and not clone.ref_audio.wav_base64:
        raise _refused("ref_audio", "missing", "Either path or wav_base64 is needed")
    return clone


def parse_patch(body: bytes) -> Patch:
    """Raises ``InvalidFields``, also where nothing is to be changed."""
    return _parse_change(Patch, body, ("display_name", "language", "description"))


def parse_warmup(body: bytes) -> WarmUp:
    """Raises ``InvalidFields``. The body may be empty."""
    return _parse(WarmUp, read_fields(body) if body.strip() else {})


def parse_activate(body: bytes) -> Activate:
    """Raises ``InvalidFields``. The body may be empty. Null is as good as empty."""
    fields = read_fields(body) if body.strip() else {}
    given = {name: value.strip() if isinstance(value, str) else value for name, value in fields.items()}
    return _parse(Activate, {name: value for name, value in given.items() if value is not None and value != ""})


def parse_prefetch(body: bytes) -> Prefetch:
    """Raises ``InvalidFields``. The body may be empty."""
    return _parse(Prefetch, read_fields(body) if body.strip() else {})


def read_fields(body: bytes) -> Fields:
    """The JSON object of a body. Raises ``InvalidFields``."""
    try:
        return read_object(body)
    except InvalidRequest as error:
        raise InvalidFields([FieldError("json_invalid", ("body",), error.message)]) from None


def _parse_change(shape: Callable[..., T], body: bytes, names: tuple[str, ...]) -> T:
    fields = read_fields(body)
    if not any(name in fields for name in names):
        raise InvalidFields([FieldError("missing", ("body",), f"At least one of {', '.join(names)} is needed")])
    null = [name for name in names if name in fields and fields[name] is None]
    if len(null) == sum(name in fields for name in names):
        raise _refused(null[0], "none_forbidden", "Input should not be null")
    return _parse(shape, fields)


def _parse(shape: Callable[..., T], fields: Mapping[str, Any]) -> T:
    try:
        return _adapter(shape).validate_python(fields)
    except PydanticError as error:
        found = error.errors(include_url=False, include_context=False)
        raise InvalidFields(
            [FieldError(item["type"], ("body", *item["loc"]), item["msg"], _shown(item)) for item in found]
        ) from None


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


def _shown(item: Mapping[str, Any]) -> str | float | bool | None:
    """A small plain value as it was sent; larger ones are not repeated."""
    value = item["input"]
    if isinstance(value, str):
        return value[:SAMPLE_SHOWN]
    return value if isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 2**53) else None


def _refused(name: str, kind: str, message: str) -> InvalidFields:
    return InvalidFields([FieldError(kind, ("body", name), message)])
