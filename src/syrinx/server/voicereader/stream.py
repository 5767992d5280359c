"""``WS /v1/stream/{job_id}``: one listener of a job, from its beginning to its last event and a normal close."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect

from syrinx.core.errors import InvalidRequest, Overloaded, Unauthorized
from syrinx.protocols.voicereader.answers import audio_chunk, job_started
from syrinx.server.answers import INTERNAL_ERROR, POLICY_VIOLATION, TRY_AGAIN_LATER, Refusal, abort, refuse_socket
from syrinx.server.auth import Keys, subprotocol
from syrinx.server.limits import SocketCap
from syrinx.server.observe import Metrics
from syrinx.server.voicereader.jobs import PROTOCOL, Job, Jobs
from syrinx.server.voicereader.tape import FellBehind

_log = structlog.get_logger("syrinx.voicereader")

UNAUTHORIZED, UNKNOWN_JOB = 4401, 4404
"""Close codes of the sidecar's own; it refused before accepting, so that no client ever saw them."""
NORMAL = 1000


@dataclass(frozen=True, slots=True)
class StreamRoutes:
    """What the listeners share."""

    jobs: Jobs
    keys: Keys
    cap: SocketCap
    metrics: Metrics
    stall_s: float
    """A listener that takes nothing for this long is dropped."""

    def routes(self) -> list[BaseRoute]:
        """To be asked after every other path under ``/v1/stream``."""
        return [WebSocketRoute("/v1/stream/{job_id:path}", self.stream)]

    async def stream(self, websocket: WebSocket) -> None:
        """Everything that was said and will be said by a job. What the client sends is not looked at."""
        try:
            owner = self.keys.admit(websocket.scope)
            job = self.jobs.find(websocket.path_params["job_id"], owner if self.keys.required else None)
            with self.cap.slot():
                await self._serve(websocket, job)
        except Unauthorized as error:
            await _refuse(websocket, UNAUTHORIZED, error.message)
        except Overloaded as error:
            await _refuse(websocket, TRY_AGAIN_LATER, error.message)
        except InvalidRequest:
            await _refuse(websocket, UNKNOWN_JOB, "There is no such job.")

    async def _serve(self, websocket: WebSocket, job: Job) -> None:
        await websocket.accept(subprotocol(websocket.scope.get("subprotocols", [])))
        sending = asyncio.create_task(self._tell(websocket, job), name="job listener")
        leaving = asyncio.create_task(_until_gone(websocket), name="job listener's leave")
        try:
            with self.metrics.sockets.labels(PROTOCOL).track_inprogress():
                await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            leaving.cancel()
            outcomes = await asyncio.gather(sending, leaving, return_exceptions=True)
            for outcome in outcomes:
                if isinstance(outcome, Exception):
                    _log.error("listener_failed", exc_info=outcome)

    async def _tell(self, websocket: WebSocket, job: Job) -> None:
        try:
            await self._send(websocket, _text(job_started(job.id)))
            async for said in job.tape.listen():
                if isinstance(said, bytes):
                    await self._send(websocket, _text(said))
                else:
                    await job.tape.unless_stopped(self._send(websocket, _text(audio_chunk(job.id, said))))
                await asyncio.sleep(0)  # sending to a client that reads does not wait: others get their turn
            await self._send(websocket, _close(NORMAL))
        except FellBehind as error:
            await self._send(websocket, _close(POLICY_VIOLATION, error.message))
        except TimeoutError:
            _log.warning("slow_reader_dropped", timeout_s=self.stall_s)
            abort(websocket.scope)
        except WebSocketDisconnect:
            pass  # it went while we wrote
        except Exception:  # noqa: BLE001 - a bug is logged and told by its close code, not shown as a broken network
            _log.exception("socket_failed")
            await self._send(websocket, _close(INTERNAL_ERROR, "The server failed."))

    async def _send(self, websocket: WebSocket, message: Message) -> None:
        async with asyncio.timeout(self.stall_s):
            await websocket.send(message)


async def _until_gone(websocket: WebSocket) -> None:
    while (await websocket.receive())["type"] != "websocket.disconnect":
        pass


def _text(message: bytes) -> Message:
    return {"type": "websocket.send", "text": message.decode()}


def _close(code: int, reason: str = "") -> Message:
    return {"type": "websocket.close", "code": code, "reason": reason}


async def _refuse(websocket: WebSocket, code: int, reason: str) -> None:
    offered = subprotocol(websocket.scope.get("subprotocols", []))
    await refuse_socket(websocket.receive, websocket.send, Refusal(code, reason, offered))
