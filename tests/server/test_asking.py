"""A codec that asks for what takes time, over a real socket: one thing at once, and nobody waits for it in vain."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect

from syrinx.config import Settings
from syrinx.core.errors import InvalidRequest, SyrinxError
from syrinx.core.types import Cancel, ServerEvent
from syrinx.engine.policy import SessionOptions
from syrinx.protocols.base import Action, Ask, Close, Drain, Reply
from syrinx.server.auth import Keys
from syrinx.server.limits import SocketCap
from syrinx.server.observe import Metrics
from syrinx.server.run import DrainingServer, bind, uvicorn_config
from syrinx.server.sockets import Dialect, SocketRoutes
from syrinx.server.websocket import PumpPolicy
from tests.fakes.engine import FakeEngine
from tests.fakes.live import WAIT_S, close_code, hang_up, until


class Asking:
    """Asks for every message, for one twice; ``!`` echoes, ``.`` drains."""

    ordered = True

    def opened(self) -> list[Action]:
        return []

    def receive(self, message: str | bytes) -> list[Action]:
        if message == ".":
            return [Drain()]
        if message == "twice":
            return [Ask("one", lambda one: [Ask("two", lambda two: [Reply(f"{one}, {two}"), Cancel("unknown")])])]
        return [Reply(message)] if message == "!" else [Ask(message, lambda outcome: [Reply(f"{outcome}")])]

    def refuse(self, error: SyrinxError) -> list[Action]:
        return [Reply(error.code)]

    def render(self, event: ServerEvent) -> list[Reply | Close]:
        return []


@dataclass
class Answers:
    """Answers when the test lets it."""

    go: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[object] = field(default_factory=list)
    canceled: bool = False

    async def __call__(self, question: object) -> object:
        self.asked.append(question)
        if question == "wrong":
            raise InvalidRequest("That is wrong.")
        if question == "bug":
            raise RuntimeError("a bug")
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.canceled = True
            raise
        return f"answer to {question}"


@dataclass
class Running:
    port: int
    engine: FakeEngine
    answers: Answers

    def socket(self) -> connect:
        return connect(f"ws://127.0.0.1:{self.port}/asking", proxy=None)


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    async with _serve(Answers()) as server:
        yield server


@asynccontextmanager
async def _serve(answers: Answers) -> AsyncIterator[Running]:
    engine, settings = FakeEngine(), Settings()
    routes = SocketRoutes(engine.as_engine(), Keys(()), SocketCap(5), Metrics(), PumpPolicy())
    dialect = Dialect("/asking", lambda _: Asking(), SessionOptions("asking"), answer=answers)
    app = Starlette(routes=routes.routes([dialect]))
    with bind("127.0.0.1", 0) as listener:
        server = DrainingServer(uvicorn_config(app, settings), engine.as_engine(), drain_timeout_s=WAIT_S)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield Running(listener.getsockname()[1], engine, answers)
        finally:
            server.should_exit = True
            await serving


async def hear(socket: ClientConnection) -> str | bytes:
    async with asyncio.timeout(WAIT_S):
        return await socket.recv()


async def test_the_answer_comes_while_other_messages_are_served(running: Running) -> None:
    async with running.socket() as socket:
        await socket.send("what")
        await socket.send("!")
        assert await hear(socket) == "!"
        running.answers.go.set()
        assert await hear(socket) == "answer to what"
        await socket.send("more")
        assert await hear(socket) == "answer to more"


async def test_a_second_question_before_the_answer_is_refused(running: Running) -> None:
    async with running.socket() as socket:
        await socket.send("first")
        await socket.send("second")
        assert await hear(socket) == "overloaded"
        running.answers.go.set()
        assert await hear(socket) == "answer to first"
    assert running.answers.asked == ["first"]


async def test_an_answer_may_ask_for_the_next_thing(running: Running) -> None:
    running.answers.go.set()
    async with running.socket() as socket:
        await socket.send("twice")
        assert await hear(socket) == "answer to one, answer to two"
        await socket.send("what")
        assert await hear(socket) == "answer to what", "and then it is over"
    assert running.answers.asked == ["one", "two", "what"]


async def test_what_went_wrong_is_told_and_a_bug_too(running: Running) -> None:
    async with running.socket() as socket:
        await socket.send("wrong")
        assert await hear(socket) == "That is wrong."
        await socket.send("bug")
        assert "failed" in str(await hear(socket))


async def test_who_leaves_takes_his_question_along(running: Running) -> None:
    async with running.socket() as socket:
        await socket.send("what")
        await until(lambda: running.answers.asked)
        await hang_up(socket)
    await until(lambda: running.answers.canceled)


async def test_the_end_of_a_session_waits_for_the_answer(running: Running) -> None:
    async with running.socket() as socket:
        await socket.send("what")
        await socket.send(".")
        await socket.send("!")
        assert await hear(socket) == "!"
        running.answers.go.set()
        assert await hear(socket) == "answer to what"
        assert (await close_code(socket))[0] == 1000
