"""``syrinx say``."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter, validators

from syrinx.core.errors import EmptyText, InvalidRequest
from syrinx.core.types import Audio, AudioFormat, Delivery, SpeechRequest

from .formats import container_of
from .progress import Progress
from .sinks import STDOUT, Sink, open_sink

MAX_STDIN_CHARS = 10_000_000
"""Most text read at once for a server: the highest max_text_chars."""


def _between(low: float, high: float) -> validators.Number:
    return validators.Number(gte=low, lte=high)


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class SayOptions:
    """How it is said and where it goes."""

    output: Annotated[
        Path | None,
        Parameter(
            name=("--output", "-o"), allow_leading_hyphen=True, help="File to write; - for stdout; else it is played."
        ),
    ] = None
    format: Annotated[
        str | None, Parameter(help="wav, mp3, opus, aac, flac, webm, pcm, ...; else by the file's suffix.")
    ] = None
    voice: Annotated[str | None, Parameter(help="A voice of `syrinx voices`, or male or female.")] = None
    model: Annotated[str | None, Parameter(help="A model of `syrinx models`.")] = None
    language: Annotated[
        str | None, Parameter(help="BCP 47 tag of the text, e.g. de or pt-BR; else the voice's own.")
    ] = None
    speed: Annotated[
        float, Parameter(validator=_between(0.25, 4.0), help="Times faster, 0.25 to 4; pitch is kept.")
    ] = 1.0
    pitch: Annotated[float, Parameter(validator=_between(0.5, 2.0), help="Times higher, 0.5 to 2; length is kept.")] = (
        1.0
    )
    volume: Annotated[float, Parameter(validator=_between(0.0, 2.0), help="Times louder, 0 to 2.")] = 1.0
    url: Annotated[str | None, Parameter(help="A running server to use, with the key in SYRINX_API_KEY.")] = None

    def request(self) -> SpeechRequest:
        """What is asked of the engine or of a server."""
        container = "wav" if self.output is None else container_of(self.format, self.output)
        return SpeechRequest(
            model=self.model,
            voice=self.voice,
            language=self.language,
            delivery=Delivery(self.speed, self.pitch, self.volume),
            audio=AudioFormat(container),
        )


def say(
    text: Annotated[str | None, Parameter(help="What to say; else standard input, spoken as it arrives.")] = None,
    /,
    *,
    options: SayOptions = SayOptions(),
) -> int:
    """Speak a text to a file or to the loudspeaker, without a server unless --url names one."""
    if text is not None and not text.strip():
        raise EmptyText("There is nothing to say.")
    request = options.request()
    progress = Progress()
    sink = open_sink(options.output, request.audio.container)
    try:
        if options.url is not None:
            _say_there(options.url, text, request, sink, progress)
        else:
            asyncio.run(_say_here(text, request, sink, progress))
        sink.close(progress.samples)
    except BaseException:  # an interrupt too must leave no half file
        sink.abandon()
        raise
    finally:
        progress.clear()
    if options.output is not None and options.output != STDOUT:
        print(f"{options.output}: {progress.summary()}", file=sys.stderr)
    return 0


async def _say_here(text: str | None, request: SpeechRequest, sink: Sink, progress: Progress) -> None:
    from syrinx.config import read_settings

    from .local import one_text, speak_here
    from .stdin import stdin_text

    flags = {"models": (request.model,) if request.model else None, "warmup_on_startup": False}
    settings = read_settings(os.environ, flags)
    source = stdin_text() if text is None else one_text(text)
    async with contextlib.aclosing(speak_here(settings, source, request)) as events:
        async for event in events:
            if isinstance(event, Audio):
                await asyncio.to_thread(sink.write, event.audio.data)  # a player blocks while its device is full
                progress.add(len(event.audio.data), event.audio)


def _say_there(url: str, text: str | None, request: SpeechRequest, sink: Sink, progress: Progress) -> None:
    from syrinx.client import SpeechClient

    whole = sys.stdin.read(MAX_STDIN_CHARS) if text is None else text
    if not whole.strip():
        raise EmptyText("There is nothing to say.")
    with SpeechClient(url, os.environ.get("SYRINX_API_KEY", "")) as client:
        for piece in client.speech(whole, request):
            sink.write(piece)
            progress.add(len(piece))
    if not progress.size:
        raise InvalidRequest("The server sent no audio.")
