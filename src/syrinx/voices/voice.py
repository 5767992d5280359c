"""A cloned voice as values: what its maker says of it, what is kept, and the ``meta.json`` between them. Pure."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from syrinx.core.errors import InvalidRequest
from syrinx.core.types import VoicePrompt

META, PROMPT, CLIP = "meta.json", "prompt.safetensors", "reference_audio.wav"
"""The files of a voice's folder, named as the desktop sidecar of the founding systems names them."""
MAX_NAME_CHARS = 80
MAX_DESCRIPTION_CHARS = 240
MAX_CONSENT_CHARS = 1000
MAX_REFERENCE_TEXT_CHARS = 2000
_ALIAS = re.compile(r"[A-Za-z0-9_-]{1,64}")
_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}")


@dataclass(frozen=True, slots=True)
class VoiceDraft:
    """What its maker says about a voice."""

    name: str
    """For people, 1 to 80 characters."""
    alias: str = ""
    """A client's own id for it, unique in the store (``[A-Za-z0-9_-]{1,64}``); empty: none."""
    language: str = ""
    """BCP 47 tag, or ``auto``; empty: the model's."""
    description: str = ""
    """At most 240 characters."""
    consent: str = ""
    """Who allowed the voice to be cloned, and how; at most 1000 characters."""
    reference_text: str = ""
    """What is said in the reference clip; at most 2000 characters."""


@dataclass(frozen=True, slots=True)
class StoredVoice:
    """A voice as kept."""

    voice_id: str
    """UUID, lower case, with dashes."""
    draft: VoiceDraft
    created_at: str
    """ISO 8601 with offset."""
    model: str
    """Of whose making the prompt is."""
    revision: str
    """That model's, then."""
    prompt: VoicePrompt
    reference: Path
    """The clip, a WAV file."""
    replaces: str = ""
    """Id of the voice that it was made in place of, which is gone from the moment this one is there."""


def check_draft(draft: VoiceDraft) -> VoiceDraft:
    """Return the draft without spaces around its texts. Raises ``InvalidRequest`` naming the field that is out of
    bounds in ``param``."""
    draft = replace(
        draft,
        name=draft.name.strip(),
        language=draft.language.strip(),
        description=draft.description.strip(),
        consent=draft.consent.strip(),
        reference_text=draft.reference_text.strip(),
    )
    if not draft.name:
        raise InvalidRequest("A voice needs a name.", param="name")
    if draft.alias and not _ALIAS.fullmatch(draft.alias):
        raise InvalidRequest("An alias is 1 to 64 letters, digits, '-' and '_'.", param="alias")
    if draft.language and not _TAG.fullmatch(draft.language):
        raise InvalidRequest("The language must be a tag such as 'en' or 'pt-BR', or 'auto'.", param="language")
    for param, text, most in (
        ("name", draft.name, MAX_NAME_CHARS),
        ("description", draft.description, MAX_DESCRIPTION_CHARS),
        ("consent", draft.consent, MAX_CONSENT_CHARS),
        ("reference_text", draft.reference_text, MAX_REFERENCE_TEXT_CHARS),
    ):
        _check_text(param, text, most)
    return draft


def _check_text(param: str, text: str, most: int) -> None:
    what = param.replace("_", " ")
    if len(text) > most:
        raise InvalidRequest(f"The {what} has {len(text)} characters; the limit is {most}.", param=param)
    allowed = "" if param == "name" else "\n\t"
    if any(unicodedata.category(sign) in ("Cc", "Cs", "Zl", "Zp") and sign not in allowed for sign in text):
        raise InvalidRequest(f"The {what} has control characters in it.", param=param)


class _Meta(msgspec.Struct, frozen=True):
    """``meta.json``: the founding sidecar's fields, then ours."""

    voice_id: str
    display_name: str
    created_at: str
    tts_model_id: str
    language_hint: str | None = None
    description: str | None = None
    ref_text: str | None = None
    alias: str = ""
    consent: str = ""
    revision: str = ""
    prompt_sha256: str = ""
    replaces: str = ""


def encode_meta(voice: StoredVoice) -> bytes:
    """The bytes of ``meta.json``."""
    draft = voice.draft
    meta = _Meta(
        voice.voice_id,
        draft.name,
        voice.created_at,
        voice.model,
        draft.language,
        draft.description,
        draft.reference_text,
        draft.alias,
        draft.consent,
        voice.revision,
        voice.prompt.digest,
        voice.replaces,
    )
    return msgspec.json.format(msgspec.json.encode(meta), indent=2) + b"\n"


def decode_meta(data: bytes, folder: Path) -> StoredVoice:
    """Read ``meta.json`` of a voice's folder. A founding sidecar's, without our fields, has no digest and no revision.

    Raises ``InvalidRequest`` (``bad_meta``) for anything else than such a file.
    """
    meta, draft = _parse(data)
    if meta.voice_id != folder.name:
        raise _bad("it is of another voice")
    try:
        created = datetime.fromisoformat(meta.created_at)
    except ValueError as error:
        raise _bad(str(error)) from None
    created = created.replace(tzinfo=created.tzinfo or UTC)
    return StoredVoice(
        folder.name,
        draft,
        created.isoformat(),
        meta.tts_model_id,
        meta.revision,
        VoicePrompt(meta.prompt_sha256, str(folder / PROMPT)),
        folder / CLIP,
        meta.replaces,
    )


def decode_draft(data: bytes) -> VoiceDraft:
    """Read what a voice's ``meta.json`` says about it, whatever its id. Raises ``InvalidRequest`` (``bad_meta``)."""
    return _parse(data)[1]


def _parse(data: bytes) -> tuple[_Meta, VoiceDraft]:
    try:
        meta = msgspec.json.decode(data, type=_Meta)
        language = meta.language_hint or ""
        return meta, check_draft(
            VoiceDraft(
                name=meta.display_name,
                alias=meta.alias,
                language=language if _TAG.fullmatch(language) else "",
                description=meta.description or "",
                consent=meta.consent,
                reference_text=meta.ref_text or "",
            )
        )
    except (msgspec.MsgspecError, ValueError, RecursionError, InvalidRequest) as error:
        raise _bad(str(error)) from None


def _bad(why: str) -> InvalidRequest:
    return InvalidRequest(f"The {META} of the voice cannot be used: {why}", code="bad_meta")
