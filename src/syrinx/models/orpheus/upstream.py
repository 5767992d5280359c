"""Tokens from a server with an OpenAI-compatible ``/v1/completions`` (vLLM, llama.cpp): a connection, a thread a job.

With the standard library alone, because any environment has it. Closing a job closes its connection, and with it the
server's work.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from syrinx.core.errors import ModelFailed, ModelNotReady

from .ids import TokenIds
from .options import OrpheusOptions
from .source import FedSource, Feed, Order, Taken
from .tags import TagReader, tag

MAX_ANSWER_BYTES = 65_536
"""Of an error, a list of models or one event."""
JOIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Upstream:
    """The server."""

    url: str
    model: str
    vllm: bool
    """It takes vLLM's fields and gives ids; any other gives text."""
    key: str
    timeout_s: float

    def connection(self) -> http.client.HTTPConnection:
        at = urlsplit(self.url)
        if at.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(at.hostname or "", at.port, timeout=self.timeout_s, context=context)
        return http.client.HTTPConnection(at.hostname or "", at.port, timeout=self.timeout_s)

    def path(self, name: str) -> str:
        return f"{urlsplit(self.url).path.rstrip('/')}/v1/{name}"

    def headers(self) -> dict[str, str]:
        key = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return {"Content-Type": "application/json", "Accept": "text/event-stream", **key}


def find_upstream(options: OrpheusOptions) -> Upstream:
    """The server that the options name, asked what it has. Raises ``ModelNotReady``."""
    if not options.url:
        raise ModelNotReady("source = 'upstream' needs url, such as http://127.0.0.1:8001, in model_options.")
    vllm = options.upstream_kind == "vllm"
    server = Upstream(options.url, options.upstream_model, vllm, _key(options.api_key_file), options.timeout_s)
    models = _models(server)
    if not server.model and not models:
        raise ModelNotReady(f"The server {server.url} lists no model: name one by upstream_model.")
    return Upstream(server.url, server.model or models[0], vllm, server.key, server.timeout_s)


def _key(path: str) -> str:
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").split("\n", 1)[0].strip()
    except (OSError, ValueError):
        raise ModelNotReady(f"The key of the server cannot be read from api_key_file = {path!r}.") from None


def _models(server: Upstream) -> list[str]:
    connection = server.connection()
    try:
        connection.request("GET", server.path("models"), headers=server.headers())
        with connection.getresponse() as answer:
            body = answer.read(MAX_ANSWER_BYTES)
        if answer.status != 200:
            raise ModelNotReady(f"The server {server.url} answered {answer.status} to a question for its models.")
        return [str(model["id"]) for model in json.loads(body)["data"]]
    except (OSError, http.client.HTTPException) as error:
        raise ModelNotReady(f"The server {server.url} cannot be reached: {error}") from None
    except (ValueError, KeyError, TypeError):
        raise ModelNotReady(f"The server {server.url} does not answer as an OpenAI-compatible one.") from None
    finally:
        connection.close()


class UpstreamSource(FedSource):
    """Requests that run side by side; the server batches them."""

    def __init__(self, server: Upstream, ids: TokenIds) -> None:
        super().__init__()
        self._server = server
        self._ids = ids
        self._threads: list[threading.Thread] = []

    def begin(self, feed: Feed) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=self._run, args=(feed,), name="completion", daemon=True)
        self._threads.append(thread)
        thread.start()

    def unload(self) -> None:
        super().unload()
        for thread in self._threads:
            thread.join(JOIN_S)

    def _run(self, feed: Feed) -> None:
        connection = self._server.connection()
        try:
            connection.connect()
            link = connection.sock  # the answer takes it over
            feed.cancels_by(lambda: _hang_up(link))
            body = json.dumps(request_of(feed.order, self._server, self._ids))
            connection.request("POST", self._server.path("completions"), body, self._server.headers())
            with connection.getresponse() as answer:
                self._read(answer, feed)
        except (OSError, http.client.HTTPException, ValueError) as error:
            feed.end(Taken(done=True, error=ModelFailed(f"The server {self._server.url} broke off: {error}")))
        except ModelFailed as error:
            feed.end(Taken(done=True, error=error))
        finally:
            connection.close()

    def _read(self, answer: http.client.HTTPResponse, feed: Feed) -> None:
        if answer.status != 200:
            said = answer.read(MAX_ANSWER_BYTES).decode("utf-8", "replace")
            raise ModelFailed(f"The server {self._server.url} answered {answer.status}: {' '.join(said.split())[:300]}")
        tags = TagReader(self._ids.custom_base)
        for event in events(answer):
            ids, reason = tokens_of_event(event, tags)
            for place, token in enumerate(ids):
                if token in self._ids.stops:
                    ids, reason = ids[:place], "stop"
                    break
            feed.put(ids)
            if reason is not None:
                return feed.end(Taken(done=True, cut=reason == "length"))
        raise ModelFailed(f"The server {self._server.url} ended its answer before the speech had ended.")


def request_of(order: Order, server: Upstream, ids: TokenIds) -> dict[str, Any]:
    """The body of a request. The prompt is text, which needs no tokenizer here."""
    asked: dict[str, Any] = {
        "model": server.model,
        "prompt": order.prompt.text,
        "stream": True,
        "max_tokens": order.limit,
        "temperature": order.sampling.temperature,
        "top_p": order.sampling.top_p,
        **({} if order.seed is None else {"seed": order.seed & 0x7FFFFFFF}),
    }
    if not server.vllm:
        stops = [tag(token, ids.custom_base) for token in ids.stops]
        return {**asked, "repeat_penalty": order.sampling.repetition_penalty, "stop": stops}
    return {
        **asked,
        "repetition_penalty": order.sampling.repetition_penalty,
        "return_token_ids": True,
        "add_special_tokens": False,
        "skip_special_tokens": False,
        "stop_token_ids": list(ids.stops),
    }


def events(answer: Any) -> Iterator[dict[str, Any]]:
    """The JSON of server-sent events until ``[DONE]`` or the end. Raises ``ModelFailed`` for what is none."""
    while line := answer.readline(MAX_ANSWER_BYTES):
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.strip()
        if name != "data" or not value:
            continue
        if value == "[DONE]":
            return
        try:
            event = json.loads(value)
        except (ValueError, RecursionError):
            raise ModelFailed("The server sent an event that is no JSON.") from None
        if not isinstance(event, dict) or "error" in event:
            raise ModelFailed(f"The server sent an error: {str(event)[:300]}")
        yield event


def tokens_of_event(event: dict[str, Any], tags: TagReader) -> tuple[list[int], str | None]:
    """Ids and, in the last, why it ended: ids as vLLM or llama.cpp give them, else those written in the text."""
    choices = event.get("choices") or [{}]
    choice = choices[0] if isinstance(choices, list) and isinstance(choices[0], dict) else {}
    ids = choice.get("token_ids") or event.get("tokens")
    if not isinstance(ids, list) or not all(isinstance(token, int) for token in ids):
        ids = tags.feed(str(choice.get("text") or ""))
    reason = choice.get("finish_reason")
    return ids, None if reason is None else str(reason)


def _hang_up(link: socket.socket) -> None:
    """End a connection that another thread reads from."""
    with contextlib.suppress(OSError):  # it may have ended by itself
        link.shutdown(socket.SHUT_RDWR)
