"""``syrinx play``."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter, validators

from syrinx.core.clock import SystemClock
from syrinx.core.errors import EmptyText, InvalidRequest, ModelFailed, SyrinxError

from .play_timing import Heard, PlayQueue
from .playback import Loudspeaker, Player, find_loudspeaker
from .sidecar_options import ANY_SIDECAR, SidecarOptions, WaitS
from .sinks import save_wav
from .target import TEXT

if TYPE_CHECKING:
    from syrinx.client.sidecar import Job, Sidecar, SpeakRequest
    from syrinx.client.sidecar_events import JobAudio, JobEvent

OK = "STREAM_PLAY_QUEUE_TEST_OK"
MAX_STDIN_CHARS = 10_000_000
MAX_HELD_BYTES = 1_000_000_000
"""Most audio held between network and ear, some six hours: the socket is read at once whatever waits, since a server
drops who takes nothing for a few seconds."""
SLICE_S = 0.25
"""Written to the device at once; an interrupt waits for no longer."""
DEVICE_LEAD_S = 0.3
"""A device gets the next chunk so long before the last one ends, and does not run dry between them."""
CANCEL_WAIT_S = 1.0


def _between(low: float, high: float) -> validators.Number:
    return validators.Number(gte=low, lte=high)


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class PlayOptions:
    """What is said, and how it is played."""

    text: Annotated[
        str, Parameter(allow_leading_hyphen=True, show_default=False, help="What to say; - for standard input.")
    ] = TEXT
    voice: Annotated[str, Parameter(name=("--voice", "--voice-id"), help="Id of a voice; 0 is the built-in one.")] = "0"
    language: Annotated[str | None, Parameter(help="Language of the text; else the voice's own.")] = None
    rate: Annotated[float, Parameter(validator=_between(0.25, 4.0), help="Times faster.")] = 1.0
    pitch: Annotated[float, Parameter(validator=_between(0.5, 2.0), help="Times higher.")] = 1.0
    volume: Annotated[float, Parameter(validator=_between(0.0, 2.0), help="Times louder.")] = 1.0
    chunk_max_chars: Annotated[int, Parameter(validator=_between(100, 2000), help="Longest chunk of the text.")] = 160
    prefetch: Annotated[
        int,
        Parameter(
            name=("--prefetch", "--prefetch-queue-size"), validator=_between(2, 1000), help="Chunks in the queue."
        ),
    ] = 5
    start_after: Annotated[
        int,
        Parameter(
            name=("--start-after", "--start-playback-after"),
            validator=_between(1, 1000),
            help="Chunks that must be there before playback begins.",
        ),
    ] = 2
    save_wav: Annotated[Path | None, Parameter(name=("--save-wav", "--save-wav-path"), help="Save all audio.")] = None
    silent: Annotated[bool, Parameter(help="Only time the playback, without a sound.")] = False
    warmup_wait: Annotated[bool, Parameter(help="Warm the model up first and wait for it (--start does).")] = False
    warmup_force: Annotated[bool, Parameter(help="Warm it up even if it is warm.")] = False
    skip_warmup: Annotated[bool, Parameter(help="Do not warm up what --start started.")] = False
    quit_on_done: Annotated[bool, Parameter(help="Have the server end afterwards.")] = False

    def request(self) -> SpeakRequest:
        """What the server is asked. Raises ``EmptyText``, ``InvalidRequest``."""
        from syrinx.client.sidecar import SpeakRequest

        if self.start_after > self.prefetch:
            raise InvalidRequest("--start-after cannot be more than --prefetch: so many chunks never wait at once.")
        text = sys.stdin.read(MAX_STDIN_CHARS) if self.text == "-" else self.text
        if not text.strip():
            raise EmptyText("There is nothing to say.")
        delivery = (self.rate, self.pitch, self.volume)
        return SpeakRequest(text, self.voice, self.language, *delivery, max_chars=self.chunk_max_chars)


AS_USUAL = PlayOptions()


def play(
    *,
    options: PlayOptions = AS_USUAL,
    sidecar: SidecarOptions = ANY_SIDECAR,
    ws_timeout_s: WaitS = 120.0,
) -> int:
    """Play a server's sidecar stream through a queue, and tell of each chunk when it came and when it was heard."""
    request = options.request()
    speaker = None if options.silent else find_loudspeaker()
    if speaker is None:
        print("No sound: playback is only timed." if options.silent else "No way to play sound here: it is only timed.")
    with sidecar.server() as server:
        asyncio.run(_play(sidecar.client(server, ws_timeout_s), request, options, speaker, sidecar.start))
    print(OK)
    return 0


async def _play(
    api: Sidecar, request: SpeakRequest, options: PlayOptions, speaker: Loudspeaker | None, own: bool
) -> None:
    async with api:
        warm = options.warmup_wait or (own and not options.skip_warmup)
        if warm or options.warmup_force:
            answer = await api.warmup(wait=warm, force=options.warmup_force, reason="play")
            print(f"warm-up: {answer.get('warmup', {}).get('status')}")
        asked_at = SystemClock().now()
        job = await api.speak(request)
        print(f"job {job.job_id}", flush=True)
        stage = _Stage(
            PlayQueue(options.prefetch, options.start_after, asked_at), speaker, options.save_wav is not None
        )
        try:
            last = await stage.run(api, job)
        except BaseException:  # on Ctrl-C too: nobody listens any more
            await _give_up(api, job)
            raise
        print(_name(last))
        if options.save_wav is not None and stage.sample_rate:
            save_wav(options.save_wav, stage.kept, stage.sample_rate)
            audio_s = sum(map(len, stage.kept)) / 2 / stage.sample_rate
            print(f"saved {options.save_wav}: {audio_s:.2f} s of audio")
        if options.quit_on_done:
            await api.quit()
        _check(last)


class _Stage:
    """Takes chunks from the network at once, and plays them in their time."""

    def __init__(self, queue: PlayQueue, speaker: Loudspeaker | None, keep: bool) -> None:
        self.sample_rate = 0
        self.kept: list[bytes] = []
        self._keep = keep
        self._queue = queue
        self._speaker = speaker
        self._waiting: deque[JobAudio] = deque()
        self._held = 0
        self._news = asyncio.Event()
        self._clock = SystemClock()

    async def run(self, api: Sidecar, job: Job) -> JobEvent:
        """Play all of a job; return its terminal event. Raises what went wrong on the way."""
        listening = asyncio.create_task(self._listen(api, job))
        playing = asyncio.create_task(self._play_all())
        try:
            last, _ = await asyncio.gather(listening, playing)
            return last
        finally:
            listening.cancel()
            playing.cancel()
            await asyncio.gather(listening, playing, return_exceptions=True)

    async def _listen(self, api: Sidecar, job: Job) -> JobEvent:
        from syrinx.client.sidecar_events import TERMINAL, JobAudio

        try:
            async with contextlib.aclosing(api.events(job)) as events:
                async for event in events:
                    if isinstance(event, JobAudio):
                        self._take(event)
                    elif isinstance(event, TERMINAL):
                        return event
            raise ModelFailed("The job had no end.")
        finally:
            self._queue.complete()
            self._news.set()

    def _take(self, piece: JobAudio) -> None:
        self.sample_rate = self.sample_rate or piece.sample_rate
        if piece.sample_rate != self.sample_rate:
            raise ModelFailed(f"The sample rate changed from {self.sample_rate} to {piece.sample_rate} Hz.")
        self._held += len(piece.data)
        if self._held > MAX_HELD_BYTES:
            raise ModelFailed("The server sent more than can be held; give a shorter text.")
        self._queue.arrived(self._clock.now())
        if self._keep:
            self.kept.append(piece.data)
        self._waiting.append(piece)
        self._news.set()

    async def _play_all(self) -> None:
        player: Player | None = None
        while await self._next_is_there():
            piece = self._waiting.popleft()
            self._held -= 0 if self._keep else len(piece.data)
            if player is None and self._speaker is not None:
                player = self._speaker.open(piece.sample_rate)
            heard = self._queue.play(self._clock.now(), piece.duration_s)
            print(line_of(piece, heard), flush=True)
            if player is not None:
                await _write(player, piece)
            lead_s = 0.0 if player is None else DEVICE_LEAD_S
            await asyncio.sleep(max(heard.ends_at - self._clock.now() - lead_s, 0.0))
        if player is not None:
            await asyncio.to_thread(player.close)

    async def _next_is_there(self) -> bool:
        """Wait for a chunk to play; False once there will be none."""
        while not self._queue.may_play:
            if self._queue.is_over:
                return False
            self._news.clear()
            await self._news.wait()
        return True


def line_of(piece: JobAudio, heard: Heard) -> str:
    """What is told of a chunk when its playback begins."""
    return (
        f"chunk {piece.seq}: gap_since_prev={heard.gap_since_prev:.3f}s playback_wait={heard.playback_wait:.3f}s "
        f"playback_dur={heard.playback_dur:.3f}s text={piece.start_char}-{piece.end_char}"
    )


async def _write(player: Player, piece: JobAudio) -> None:
    step = int(piece.sample_rate * SLICE_S) * 2
    for at in range(0, len(piece.data), step):
        await asyncio.to_thread(player.write, piece.data[at : at + step])


async def _give_up(api: Sidecar, job: Job) -> None:
    with contextlib.suppress(SyrinxError, TimeoutError):
        async with asyncio.timeout(CANCEL_WAIT_S):
            await api.cancel(job.job_id)


def _name(last: JobEvent) -> str:
    from syrinx.client.sidecar_events import NAMES

    return NAMES[type(last)]


def _check(last: JobEvent) -> None:
    """Raise what a job that was not spoken to its end means."""
    from syrinx.client.sidecar_events import JobCanceled, JobFailed

    if isinstance(last, JobFailed):
        raise last.error
    if isinstance(last, JobCanceled):
        raise ModelFailed("The job was canceled by somebody else.")
