"""The WebSocket routes: a dialect's codec for each path, behind the key and the connection cap. See ``dialects``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute, WebSocketRoute
from starlette.types import Message
from starlette.websockets import WebSocket

from syrinx.core.errors import InvalidRequest, Overloaded, SyrinxError, Unauthorized
from syrinx.engine.policy import SessionOptions
from syrinx.protocols.base import Handshake, Reply, SocketCodec
from syrinx.protocols.frames import RefusedAddress, frame_s
from syrinx.server.answers import POLICY_VIOLATION, TRY_AGAIN_LATER, Refusal, refuse_socket, request_id
from syrinx.server.auth import Keys, subprotocol
from syrinx.server.first_message import first_message
from syrinx.server.framed import framed
from syrinx.server.limits import SocketCap
from syrinx.server.observe import Metrics
from syrinx.server.websocket import INLINE_BYTES, Answer, Pump, PumpPolicy, content

if TYPE_CHECKING:
    from syrinx.engine.engine import Engine


@dataclass(frozen=True, slots=True)
class Dialect:
    """A path, what is spoken there, and how its session is run. Adding one is a codec and an entry in
    ``dialects.DIALECTS``."""

    path: str
    codec: Callable[[Handshake], SocketCodec]
    """Makes the codec of a connection. Raises nothing: what is wrong with a handshake, ``opened`` tells."""
    options: SessionOptions
    speaks: Callable[[str | bytes], bool] | None = None
    """Where several dialects share a path: whether a client's first message is of this one. The first dialect of a
    path takes what no other one does. Codecs of such paths have nothing to say before the first message."""
    full_code: int = TRY_AGAIN_LATER
    """Close code when no more connections are taken."""
    answer: Answer | None = None
    """Does what the codec asks for (``protocols.base.Ask``), where it does."""


@dataclass(frozen=True, slots=True)
class SocketRoutes:
    """What the routes share."""

    engine: Engine
    keys: Keys
    cap: SocketCap
    metrics: Metrics
    policy: PumpPolicy

    def routes(self, dialects: Sequence[Dialect], others: Sequence[BaseRoute] = ()) -> list[BaseRoute]:
        """One per path, then ``others``, and a last one that tells that there is nothing at a path."""
        by_path: dict[str, list[Dialect]] = {}
        for dialect in dialects:
            by_path.setdefault(dialect.path, []).append(dialect)
        known: list[BaseRoute] = [WebSocketRoute(path, self._endpoint(spoken)) for path, spoken in by_path.items()]
        return [*known, *others, WebSocketRoute("/{path:path}", _nothing_here)]

    def _endpoint(self, dialects: Sequence[Dialect]) -> Callable[[WebSocket], object]:
        async def endpoint(websocket: WebSocket) -> None:
            try:
                owner = self.keys.admit(websocket.scope)
                with self.cap.slot():
                    await self._run(websocket, dialects, owner)
            except Unauthorized as error:
                await _refuse(websocket, dialects[0], POLICY_VIOLATION, error)
            except Overloaded as error:
                await _refuse(websocket, dialects[0], dialects[0].full_code, error)

        return endpoint

    async def _run(self, websocket: WebSocket, dialects: Sequence[Dialect], owner: str) -> None:
        """Accept, find out which dialect is spoken, and pump until the end."""
        dialect, first = dialects[0], None
        handshake, error = _handshake(websocket)
        session = self.engine.session(_options(dialect, owner, handshake))
        try:
            await websocket.accept(subprotocol(websocket.scope.get("subprotocols", [])))
            if len(dialects) > 1:
                with self._counted(dialect):
                    first = await first_message(websocket, session)
                    dialect = await _spoken_in(first, dialects)
                if dialect is not dialects[0]:
                    session.close()
                    session = self.engine.session(_options(dialect, owner, handshake))
            with self._counted(dialect):
                codec = dialect.codec(handshake)
                if error is not None:
                    codec = RefusedAddress(codec, error)
                await Pump(websocket, codec, session, self.policy, dialect.answer).run(first)
        finally:
            session.close()

    def _counted(self, dialect: Dialect) -> AbstractContextManager[None]:
        return self.metrics.sockets.labels(dialect.options.protocol).track_inprogress()


def _handshake(websocket: WebSocket) -> tuple[Handshake, InvalidRequest | None]:
    """What the address says, and what is wrong with it for every dialect alike."""
    query, error = websocket.query_params, None
    try:
        length_s = frame_s(query)
    except InvalidRequest as refusal:
        length_s, error = None, refusal
    return Handshake(websocket.path_params, query, length_s, request_id(websocket.scope)), error


def _options(dialect: Dialect, owner: str, handshake: Handshake) -> SessionOptions:
    return framed(with_owner(dialect.options, owner), handshake.frame_s)


async def _spoken_in(first: Message | None, dialects: Sequence[Dialect]) -> Dialect:
    if first is None or first["type"] != "websocket.receive":
        return dialects[0]
    said = content(first)
    if len(said) > INLINE_BYTES:
        return await asyncio.to_thread(spoken_in, said, dialects)
    return spoken_in(said, dialects)


def spoken_in(said: str | bytes, dialects: Sequence[Dialect]) -> Dialect:
    """The dialect of a first message: the one that says it is, else the path's first."""
    return next((d for d in dialects[1:] if d.speaks is not None and d.speaks(said)), dialects[0])


async def _refuse(websocket: WebSocket, dialect: Dialect, code: int, error: SyrinxError) -> None:
    """Say it in the dialect's own words, then close with the code."""
    handshake, _ = _handshake(websocket)
    said = [action.message for action in dialect.codec(handshake).refuse(error) if isinstance(action, Reply)]
    offered = subprotocol(websocket.scope.get("subprotocols", []))
    await refuse_socket(websocket.receive, websocket.send, Refusal(code, error.message, offered, said))


async def _nothing_here(websocket: WebSocket) -> None:
    refusal = Refusal(POLICY_VIOLATION, "There is no WebSocket at this path.")
    await refuse_socket(websocket.receive, websocket.send, refusal)


def with_owner(options: SessionOptions, owner: str) -> SessionOptions:
    """The same options for one caller."""
    return replace(options, owner=owner)
