"""A model hub on the loopback address that serves what it is given, as far as the real client library asks."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
Repos = Mapping[str, Mapping[str, bytes]]
"""Files by name, by repository."""


class Hub:
    """A running hub."""

    def __init__(self, repos: Repos) -> None:
        self.repos = repos
        self.asked: list[str] = []
        """Method and path of every request."""
        self.broken: set[str] = set()
        """Names of files that break off in the middle."""
        self.spoiled: set[str] = set()
        """Names of files whose bytes are not what their checksum says."""
        self.large: set[str] = set()
        """Names of files that have a SHA-256 there."""
        self.sizes: dict[str, int] = {}
        """What is said of a file's bytes, where it is not how many there are."""
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                hub.answer(self)

            def do_HEAD(self) -> None:
                hub.answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        path = unquote(urlsplit(request.path).path)
        self.asked.append(f"{request.command} {path}")
        for repo, files in self.repos.items():
            if path.startswith(f"/api/models/{repo}"):
                self._api(request, path, repo, files)
                return
            name = path.partition(f"/{repo}/resolve/")[2].partition("/")[2]
            if name in files:
                self._file(request, name, files[name])
                return
        request.send_response(404)
        request.send_header("X-Error-Code", "RepoNotFound")
        request.send_header("Content-Length", "0")
        request.end_headers()

    def _api(self, request: BaseHTTPRequestHandler, path: str, repo: str, files: Mapping[str, bytes]) -> None:
        if "/tree/" in path:
            found: Any = [
                {"type": "file", "path": name, "size": len(data), "oid": _oid(data)} for name, data in files.items()
            ]
        else:
            siblings = [
                {
                    "rfilename": name,
                    "size": self.sizes.get(name, len(data)),
                    "blobId": _oid(data),
                    **self._lfs(name, data),
                }
                for name, data in files.items()
            ]
            found = {"id": repo, "modelId": repo, "sha": COMMIT, "private": False, "tags": [], "siblings": siblings}
        _send(request, json.dumps(found).encode(), {"Content-Type": "application/json"})

    def _lfs(self, name: str, data: bytes) -> dict[str, Any]:
        if name not in self.large:
            return {}
        return {"lfs": {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 130}}

    def _file(self, request: BaseHTTPRequestHandler, name: str, data: bytes) -> None:
        headers = {"ETag": f'"{_oid(data)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if name in self.broken and request.command == "GET":
            request.send_response(200)
            for key, value in {**headers, "Content-Length": str(len(data))}.items():
                request.send_header(key, value)
            request.end_headers()
            request.wfile.write(data[: len(data) // 2])
            request.close_connection = True
            return
        _send(request, data[::-1] if name in self.spoiled else data, headers)


def _send(request: BaseHTTPRequestHandler, data: bytes, headers: Mapping[str, str]) -> None:
    request.send_response(200)
    for key, value in headers.items():
        request.send_header(key, value)
    request.send_header("Content-Length", str(len(data)))
    request.end_headers()
    if request.command == "GET":
        request.wfile.write(data)


def _oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@contextmanager
def hub(repos: Repos) -> Iterator[Hub]:
    """A hub for the length of the block."""
    running = Hub(repos)
    running.start()
    try:
        yield running
    finally:
        running.stop()
