"""How soon an ear hears a user who speaks over the server's own voice, and how often that voice alone deceives it."""

from __future__ import annotations

import time

from bench.figure import Effort, Figure
from bench.harness import ms, percentile
from bench.hearing import RATE, Clip, Room, echo_of, heard, mixed, pcm_of, recorded, server_voice
from syrinx.core.types import Samples
from syrinx.ears.ear import Ear
from syrinx.ears.events import SpeechStarted
from syrinx.ears.settings import EarSettings

REACH_MS = 150.0
SERVER_S = 1.0
"""When the server begins to speak."""
USERS_S = (3.0, 7.0, 11.0)
"""When the user does, after that; once in each run."""
ALONE_S = 60.0


async def measure(effort: Effort) -> list[Figure]:
    """Latency in the audio given, by the server's echo; false alarms; cost. The same on every machine but the cost."""
    voice, clips = server_voice(effort.pick(int(ALONE_S), 15)), recorded()
    losses = (20.0, 15.0, 10.0)[: effort.pick(3, 1)]
    users = USERS_S[: effort.pick(3, 1)]
    figures = [_latency(voice, clips, loss, users) for loss in losses]
    return [*figures, *(_alarms(voice, loss) for loss in losses), _cost(voice)]


def _latency(voice: Samples, clips: list[Clip], loss_db: float, users_s: tuple[float, ...]) -> Figure:
    late = [_late_ms(voice, clip, loss_db, user_s) for clip in clips for user_s in users_s]
    quiet = [_late_ms(None, clip, loss_db, user_s) for clip in clips for user_s in users_s[:1]]
    return Figure(
        what=f"user over the server's echo at -{loss_db:g} dB: audio from the onset of speech until it is heard",
        reach=f"<= {REACH_MS:g} ms at -20 dB",
        measured=_spread(late),
        yardstick=f"without echo {_spread(quiet)}",
        ok=loss_db != 20.0 or max(late) <= REACH_MS,
    )


def _late_ms(voice: Samples | None, clip: Clip, loss_db: float, user_s: float) -> float:
    """Infinity: not heard, or the ear fired before the onset."""
    begin_s = SERVER_S + user_s
    echo = [] if voice is None else [(SERVER_S, echo_of(voice[: round((user_s + 2) * RATE)], Room(loss_db)))]
    sound = mixed(begin_s + 1.5, *echo, (begin_s, clip.samples))
    sent = [] if voice is None else [(SERVER_S, voice)]
    told = heard(Ear(EarSettings(), RATE), sound, sent=sent)
    starts = [each.event.at_ms for each in told if isinstance(each.event, SpeechStarted)]
    late = starts[0] - 1000 * (begin_s + clip.onset_s) if starts else float("inf")
    return late if late > -50 else float("inf")


def _spread(values: list[float]) -> str:
    known = [value for value in values if value != float("inf")]
    if not known:
        return f"none of {len(values)} heard"
    told = f"p50 {percentile(known, 50):.0f}, p90 {percentile(known, 90):.0f}, max {max(known):.0f} ms"
    return f"{told}; {len(known)} of {len(values)} heard"


def _alarms(voice: Samples, loss_db: float) -> Figure:
    delays = (0.06, 0.3)
    seconds = len(voice) / RATE
    count = 0
    for delay_s in delays:
        sound = mixed(SERVER_S + seconds, (SERVER_S, echo_of(voice, Room(loss_db, delay_s))))
        told = heard(Ear(EarSettings(), RATE), sound, sent=[(SERVER_S, voice)])
        count += sum(isinstance(each.event, SpeechStarted) for each in told)
    deaf = heard(Ear(EarSettings(), RATE), mixed(15.0, (SERVER_S, echo_of(voice, Room(loss_db)))))
    return Figure(
        what=f"times that the server's echo at -{loss_db:g} dB was taken for a user, in {2 * seconds:.0f} s",
        reach="0 at -20 and -15 dB",
        measured=str(count),
        yardstick=f"an ear that is not told what is sent: {len(deaf)} events in 15 s",
        ok=count == 0 or loss_db < 15.0,
    )


def _cost(voice: Samples) -> Figure:
    """Of one ear, while the server speaks: the dearer case."""
    seconds = min(10.0, len(voice) / RATE)
    pcm, ear = pcm_of(voice[: round(seconds * RATE)]), Ear(EarSettings(), RATE)
    ear.note_played(pcm, RATE)
    began = time.process_time()
    for begin in range(0, len(pcm), 960):
        ear.hear(pcm[begin : begin + 960])
    cost_s = (time.process_time() - began) / seconds
    return Figure(
        what="one ear: processor time per second of audio",
        reach="<= 50 ms",
        measured=ms(cost_s),
        yardstick="of one core: 1000 ms",
        ok=cost_s <= 0.05,
    )
