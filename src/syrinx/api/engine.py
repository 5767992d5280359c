"""Syrinx in a program of one's own: text in, audio out, no server."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import AsyncIterable, Callable, Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from syrinx.core.errors import InvalidRequest, SyrinxError
from syrinx.core.types import Delivery, Samples, ServiceClass

from .config import TTSConfig
from .life import Life
from .reading import BlockingSpeech, SpeechStream
from .speech import Ask, Speaker

if TYPE_CHECKING:
    from .service import Spoken

T = TypeVar("T")

RANGE = (0.5, 2.0)
"""Of speed and pitch."""
HEALTH_S = 5.0
"""An engine that does not answer for this long is not healthy."""


class Batch(list["Samples | None"]):
    """The samples of every text (float32 mono at ``TTSConfig.sample_rate``), None where one failed."""

    def __init__(self, spoken: Sequence[Spoken]) -> None:
        super().__init__(each.samples for each in spoken)
        self.errors: list[SyrinxError | None] = [each.error for each in spoken]
        """Why, in the same places."""


class TTSEngine:
    """Speaks text. Costs nothing until it is first used; after ``cleanup`` it starts anew when it is used again.

    It runs in a thread of its own, so any thread and any event loop may use it, several at once too. One ``async with``
    (or ``with``) frees all of it. Everything it raises is a ``SyrinxError``.
    """

    def __init__(self, config: TTSConfig | None = None) -> None:
        self.config = config or TTSConfig()
        self._lock = threading.Lock()
        self._life: Life | None = None
        self._forgotten: weakref.finalize[..., TTSEngine] | None = None
        """Ends the life of an engine that goes away without ``cleanup``."""

    # --- start and end ----------------------------------------------------------------------------------------------

    async def initialize(self) -> None:
        """Load the model. Does nothing where that is done; calls at the same time share one loading.

        Raises ``ConfigError``, ``ModelNotFound``, ``ModelNotReady``, and ``InvalidRequest`` about the recording. It may
        be called again after that.
        """
        await self._running()

    async def cleanup(self) -> None:
        """Stop what is being spoken, end the model's process, free all. May be called again, and at any time."""
        life = self._life
        if life is not None:
            await asyncio.wrap_future(life.stop())

    async def health_check(self) -> dict[str, Any]:
        """How it is. Starts nothing, raises nothing.

        ``status`` (``healthy``: it can speak now; else ``initializing``, ``not_initialized`` or ``unhealthy``),
        ``model``, ``streaming_enabled``, ``sample_rate``, ``detail`` (why it is not healthy); of a running one also
        ``reason`` (why this model), ``running`` (utterances in the works), ``restarts`` (of the model's process).
        """
        return {
            "streaming_enabled": self.config.streaming,
            "sample_rate": self.config.sample_rate,
            **await self._state(),
        }

    async def __aenter__(self) -> TTSEngine:
        await self.initialize()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.cleanup()

    def __enter__(self) -> TTSEngine:
        self._running_blocking()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        life = self._life
        if life is not None:
            life.stop().result()

    # --- speaking ---------------------------------------------------------------------------------------------------

    def synthesize_streaming(
        self, text: str | AsyncIterable[str], speaker_id: Speaker = None, speed: float = 1.0, pitch: float = 1.0
    ) -> SpeechStream:
        """Speak; the first chunk comes while the rest is being made. Chunks are 16-bit little-endian mono samples.

        ``text``: whole, or piece by piece as a language model writes it. ``speaker_id``: an index into the list of
        speakers, or a name. ``speed`` and ``pitch``: 0.5 to 2. What is wrong is raised by the first step.
        """

        async def running() -> Life:
            _check(speed, pitch)
            return await self._running()

        return SpeechStream(text, Ask(speaker_id, Delivery(speed, pitch)), running)

    def speak(
        self, text: str | Iterable[str], speaker_id: Speaker = None, speed: float = 1.0, pitch: float = 1.0
    ) -> BlockingSpeech:
        """The same for ``for`` loops of plain scripts."""

        def running() -> Life:
            _check(speed, pitch)
            return self._running_blocking()

        return BlockingSpeech(text, Ask(speaker_id, Delivery(speed, pitch)), running)

    async def synthesize_batch(self, texts: Sequence[str], speaker_ids: Sequence[Speaker] | None = None) -> Batch:
        """Speak every text, several at once, in the time that listeners of streams leave.

        What fails is None, and ``errors`` of the list says why. Raises ``InvalidRequest`` for lists that do not match,
        and as ``initialize`` does.
        """
        if isinstance(texts, str) or not isinstance(cast(object, texts), Sequence):
            raise InvalidRequest(f"The texts must be a list of str, not {type(texts).__name__}.", param="texts")
        speakers = [None] * len(texts) if speaker_ids is None else list(speaker_ids)
        if len(speakers) != len(texts):
            raise InvalidRequest(f"There are {len(texts)} texts and {len(speakers)} speakers.", param="speaker_ids")
        asks = [Ask(speaker, service_class=ServiceClass.BULK) for speaker in speakers]
        life = await self._running()
        work = life.ready.result().batch(list(zip(texts, asks, strict=True)))
        return Batch(await asyncio.wrap_future(life.run(work)))

    async def get_available_speakers(self) -> list[str]:
        """``default`` first, then every voice of the model and every cloned one. A place in it is a ``speaker_id``."""
        life = await self._running()
        return await asyncio.wrap_future(life.run(_call(life.ready.result().speakers)))

    # --- inside -----------------------------------------------------------------------------------------------------

    async def _running(self) -> Life:
        life = self._current()
        await asyncio.wrap_future(life.ready)
        return life

    def _running_blocking(self) -> Life:
        life = self._current()
        life.ready.result()
        return life

    def _current(self) -> Life:
        """The life that is, or a new one."""
        with self._lock:
            if self._life is None or self._life.over:
                self._life = life = Life(self.config)
                life.start()
                if self._forgotten is not None:
                    self._forgotten.detach()
                self._forgotten = weakref.finalize(self, life.stop)
                self._forgotten.atexit = False  # that is the life's own matter, and it waits
            return self._life

    async def _state(self) -> dict[str, Any]:
        life, model = self._life, self.config.model
        if life is None or (life.over and not life.failed):
            return {"status": "not_initialized", "model": model, "detail": "It was not used yet, or was cleaned up."}
        if life.failed:
            return {"status": "unhealthy", "model": model, "detail": str(life.ready.exception())}
        if not life.ready.done():
            return {"status": "initializing", "model": model, "detail": "The model is being loaded."}
        try:
            async with asyncio.timeout(HEALTH_S):
                return await asyncio.wrap_future(life.run(_call(life.ready.result().health)))
        except TimeoutError:
            return {"status": "unhealthy", "model": model, "detail": f"It did not answer for {HEALTH_S:g} s."}
        except SyrinxError as error:
            return {"status": "unhealthy", "model": model, "detail": str(error)}


async def _call(ask: Callable[[], T]) -> T:
    return ask()


def _check(speed: object, pitch: object) -> None:
    for name, value in (("speed", speed), ("pitch", pitch)):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidRequest(f"The {name} must be a number, not {value!r:.100}.", param=name)
        if not RANGE[0] <= value <= RANGE[1]:  # also true of NaN
            raise InvalidRequest(f"A {name} of {value} is out of range; choose 0.5 to 2.", param=name)
