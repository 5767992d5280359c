"""What Deepgram's socket says beside audio, warnings and errors; and the ids that its clients want to be UUIDs."""

from __future__ import annotations

import uuid

import msgspec

from syrinx.protocols.openai.errors import clean

_NAMESPACE = uuid.UUID("b3c6b1f2-5d0e-5a53-9a0e-5f6f0f3c7a11")
"""Any fixed one will do: the same name has the same UUID on every server."""


def as_uuid(name: str) -> str:
    """``name`` if it is a UUID already, else one that always stands for it."""
    try:
        return str(uuid.UUID(name))
    except ValueError:
        return str(uuid.uuid5(_NAMESPACE, clean(name)))


def metadata_message(request_id: str, model_name: str, version: str) -> str:
    """Render ``Metadata``, the first message of a connection."""
    body = {
        "type": "Metadata",
        "request_id": request_id,
        "model_name": clean(model_name),
        "model_version": version,
        "model_uuid": as_uuid(model_name),
        "additional_model_uuids": [],
    }
    return msgspec.json.encode(body).decode()


def flushed_message(sequence_id: int) -> str:
    """Render ``Flushed``: all audio of the flushed text was sent."""
    return _sequenced("Flushed", sequence_id)


def cleared_message(sequence_id: int) -> str:
    """Render ``Cleared``: no audio of what was said before follows."""
    return _sequenced("Cleared", sequence_id)


def _sequenced(kind: str, sequence_id: int) -> str:
    return msgspec.json.encode({"type": kind, "sequence_id": sequence_id}).decode()
