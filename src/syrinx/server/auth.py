"""Who may call: the keys, where clients put them, and a comparison that tells nothing by its time."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.types import Scope

from syrinx.core.errors import ConfigError, Unauthorized
from syrinx.engine.voices import ListedVoice

SUBPROTOCOLS = ("auth.bearer.v1", "token", "realtime")
"""Offered by browsers together with the key, because they cannot set WebSocket headers; only this name is echoed. The
second is Deepgram's, the third OpenAI's."""
KEY_PREFIX = "openai-insecure-api-key."
"""What OpenAI's clients put before a key that they offer."""
KEY_HEADERS = ("x-api-key", "xi-api-key")
SCHEMES = ("bearer", "token")
QUERY_FIELDS = ("api_key", "access_token")


class Keys:
    """The accepted keys; without any, everyone may call. Holds digests only."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._digests = [_digest(key) for key in keys]

    @property
    def required(self) -> bool:
        return bool(self._digests)

    def admit(self, scope: Scope) -> str:
        """Return the caller's name for fairness and logs: a key's fingerprint, or the address where no key is needed.

        Raises ``Unauthorized`` when a key is required and none of the offered ones is right.
        """
        if not self._digests:
            client = scope.get("client")
            return client[0] if client else ""
        offered = credentials(scope)
        for token in offered:
            digest = _digest(token)
            if any([hmac.compare_digest(digest, known) for known in self._digests]):
                return "key-" + digest.hex()[:8]
        raise Unauthorized("The key is wrong." if offered else "A key is needed: Authorization: Bearer <key>.")


def listed_for(keys: Keys, scope: Scope, voices: Sequence[ListedVoice]) -> list[ListedVoice]:
    """Of public lists of voices, what this caller may see: cloned ones are nobody's business without the key."""
    try:
        keys.admit(scope)
    except Unauthorized:
        return [voice for voice in voices if voice.stored is None]
    return list(voices)


def read_keys(api_key: str, key_file: Path | None) -> Keys:
    """Collect the keys of the settings. Raises ``ConfigError`` if the file cannot be read or holds none, and for a key
    that no header can carry: it would let nobody in."""
    if api_key != api_key.strip() or not api_key.isprintable():
        raise ConfigError(
            "The key (api_key) begins or ends with a space or has control characters in it: nobody could send it."
        )
    keys = [api_key] if api_key else []
    if key_file is not None:
        try:
            lines = key_file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"The key file {key_file} cannot be read: {error}.") from None
        found = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        if not found:
            raise ConfigError(f"The key file {key_file} holds no key.")
        keys += found
    return Keys(keys)


def credentials(scope: Scope) -> list[str]:
    """Every key that the request offers, in any of the places the dialects use; empty ones left out."""
    headers = Headers(scope=scope)
    scheme, _, token = headers.get("authorization", "").partition(" ")
    found = [token.strip()] if scheme.lower() in SCHEMES else []
    found += [headers.get(name, "") for name in KEY_HEADERS]
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    found += [key for name in QUERY_FIELDS for key in query.get(name, [])]
    offered = scope.get("subprotocols", [])
    if (name := subprotocol(offered)) is not None:
        found.append(offered[offered.index(name) + 1].removeprefix(KEY_PREFIX))
    return [key for key in found if key]


def subprotocol(offered: Sequence[str]) -> str | None:
    """The name to echo: one of ``SUBPROTOCOLS`` that was offered directly before a key, else none."""
    return next((name for name in SUBPROTOCOLS if name in offered[:-1]), None)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
