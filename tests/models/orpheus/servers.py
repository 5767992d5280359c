"""A completions server and an engine of vLLM's shape, both of which say what they are told to."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any


@dataclass
class Script:
    """What the server answers: lines of its stream, and whether it then waits for ever."""

    lines: list[str] = field(default_factory=list)
    hangs: bool = False
    status: int = 200
    key: str = ""
    models: list[str] = field(default_factory=lambda: ["one"])
    asked: list[dict[str, Any]] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)
    """Set when a client went away in mid-answer."""


def event(ids: list[int] | None = None, text: str = "", reason: str | None = None) -> str:
    choice: dict[str, Any] = {"index": 0, "text": text, "finish_reason": reason}
    if ids is not None:
        choice["token_ids"] = ids
    return f"data: {json.dumps({'choices': [choice]})}\n\n"


@contextmanager
def completions(script: Script) -> Iterator[str]:
    """Run a server with that script; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            ok = not script.key or self.headers.get("Authorization") == f"Bearer {script.key}"
            self._say(200 if ok else 401, json.dumps({"data": [{"id": name} for name in script.models]}))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            script.asked.append({"path": self.path, "key": self.headers.get("Authorization"), **body})
            if script.status != 200:
                return self._say(script.status, '{"error": "no"}')
            self.send_response(200)
            self.end_headers()
            for line in script.lines:
                self.wfile.write(line.encode())
            self.wfile.flush()
            if script.hangs and not self.connection.recv(1):
                script.left.set()

        def _say(self, status: int, body: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Engine:
    """As much of vLLM's ``AsyncLLM`` as is used: one id an output, and requests that can be aborted."""

    def __init__(self, ids: list[int], hangs: bool = False, reason: str = "stop") -> None:
        self.ids, self.hangs, self.reason = ids, hangs, reason
        self.running: set[str] = set()
        self.aborted: list[str] = []
        self.asked: list[tuple[Any, Any]] = []
        self.stopped = False
        self.errored = False
        """As when its processes have died: what it is asked for breaks."""

    async def generate(self, prompt: Any, sampling_params: Any, request_id: str) -> AsyncIterator[Any]:
        assert request_id not in self.running
        self.asked.append((prompt, sampling_params))
        self.running.add(request_id)
        for n, token in enumerate(self.ids):
            await asyncio.sleep(0)
            if self.errored:
                raise RuntimeError("EngineCore encountered an issue.")
            last = n == len(self.ids) - 1 and not self.hangs
            said = SimpleNamespace(token_ids=[token], finish_reason=self.reason if last else None)
            yield SimpleNamespace(outputs=[said], finished=last)
        if self.hangs:
            await asyncio.Event().wait()
        self.running.discard(request_id)

    async def abort(self, request_id: str) -> None:
        self.running.discard(request_id)
        self.aborted.append(request_id)

    def shutdown(self) -> None:
        self.stopped = True
