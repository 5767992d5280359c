"""What ``smoke`` and ``play`` ask of their user alike: which sidecar, its token, or one of their own."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, validators

from .target import key_of

if TYPE_CHECKING:
    from syrinx.client.sidecar import Sidecar

    from .own_server import OwnServer


@dataclass(frozen=True, slots=True)
class AnyServer:
    """One that runs already."""

    url: str
    token: str

    def log_tail(self) -> str:
        """Its log is not ours to read."""
        return ""


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class SidecarOptions:
    """A server that speaks the desktop sidecar's API."""

    url: Annotated[str, Parameter(name=("--url", "--base-url"), help="Address of the server.")] = (
        "http://127.0.0.1:8000"
    )
    token: Annotated[
        str | None, Parameter(help="Its key; better in SYRINX_API_KEY, since others can read a command line.")
    ] = None
    use_subprotocol_auth: Annotated[
        bool, Parameter(help="Send the token as a subprotocol of the socket, as a browser must.")
    ] = False
    start: Annotated[bool, Parameter(help="Start a server for this, on a free port, and end it afterwards.")] = False
    model: Annotated[str, Parameter(help="The model that --start serves.")] = "auto"
    data_dir: Annotated[Path | None, Parameter(help="The folder that --start uses; else a new one that goes too.")] = (
        None
    )

    @contextmanager
    def server(self) -> Generator[OwnServer | AnyServer, None, None]:
        """The server for the length of the block: one of our own if that is wanted."""
        token = self.token or key_of(os.environ)
        if not self.start:
            yield AnyServer(self.url, token)
            return
        from .own_server import own_server

        with own_server(self.model, token, self.data_dir) as own:
            yield own

    def client(self, server: OwnServer | AnyServer, wait_s: float, token: str | None = None) -> Sidecar:
        """A client of it, with another token if one is given. Raises ``InvalidRequest`` for an address that is none."""
        from syrinx.client.sidecar import Sidecar

        token = server.token if token is None else token
        return Sidecar(server.url, token, subprotocol_auth=self.use_subprotocol_auth, wait_s=wait_s)


ANY_SIDECAR = SidecarOptions()

WaitS = Annotated[
    float,
    Parameter(
        name=("--ws-timeout-s", "--ws-timeout-sec"),
        validator=validators.Number(gt=0, lte=3600),
        help="Longest wait for an answer, and between two events of a job.",
    ),
]
