"""The C interface of espeak-ng (its speak_lib.h, release 1.52) through ctypes, one private copy per object.

The library keeps its state in globals, and two threads in one copy crash it: so each object loads a copy of its own,
and is used by one thread at a time.
"""

from __future__ import annotations

import ctypes as C
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from syrinx.core.errors import ModelFailed, ModelNotReady

OUTPUT_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS
DONT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT: report missing data instead of ending the process
CHARS_UTF8 = 1  # espeakCHARS_UTF8
END_PAUSE = 0x1000  # espeakENDPAUSE: a sentence pause after the last clause
POS_CHARACTER = 1
EVENT_LIST_TERMINATED, EVENT_WORD = 0, 1
EE_OK = 0
RATE, VOLUME, PITCH, RANGE = 1, 2, 3, 4  # espeak_PARAMETER
NORMAL_VOLUME, NORMAL_PITCH, NORMAL_RANGE = 100, 50, 50
CALLBACK_MS = 60
"""Audio per callback: the least that the library gives (1324 samples), whatever less is asked for."""


class _EventId(C.Union):
    _fields_ = (("number", C.c_int), ("name", C.c_char_p), ("string", C.c_char * 8))


class _Event(C.Structure):
    """espeak_EVENT."""

    _fields_ = (
        ("type", C.c_int),
        ("unique_identifier", C.c_uint),
        ("text_position", C.c_int),
        ("length", C.c_int),
        ("audio_position", C.c_int),
        ("sample", C.c_int),
        ("user_data", C.c_void_p),
        ("id", _EventId),
    )


class _Voice(C.Structure):
    """espeak_VOICE."""

    _fields_ = (
        ("name", C.c_char_p),
        ("languages", C.c_void_p),
        ("identifier", C.c_char_p),
        ("gender", C.c_ubyte),
        ("age", C.c_ubyte),
        ("variant", C.c_ubyte),
        ("xx1", C.c_ubyte),
        ("score", C.c_int),
        ("spare", C.c_void_p),
    )


_Callback = C.CFUNCTYPE(C.c_int, C.POINTER(C.c_short), C.c_int, C.POINTER(_Event))


@dataclass(frozen=True, slots=True)
class WordEvent:
    """The library begins to speak a word."""

    position: int
    """1-based, in characters; may lie outside the text for symbols that are read by name."""
    length: int
    sample: int
    """Where in the audio it begins."""


@dataclass(frozen=True, slots=True)
class RawVoice:
    """One voice file as the library lists it."""

    name: str
    identifier: str
    """Path in the data folder, e.g. ``gmw/en-US`` or ``!v/f3``; the one name that selects every voice."""
    languages: tuple[str, ...]
    """Best first."""
    gender: int
    """0 none, 1 male, 2 female (espeak_VOICE.gender)."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """All that decides how a text sounds. Every field is set anew for each, so nothing leaks to the next."""

    text: str
    voice: str
    """A ``RawVoice.identifier``, with ``+variant`` or not."""
    words_per_minute: int


Sink = Callable[[bytes, list[WordEvent]], bool]
"""Takes native int16 mono PCM and the words that begin in it; True stops the synthesis."""


class EspeakLibrary:
    """One private copy of the library. Raises ``ModelNotReady`` if it cannot be loaded or finds no data."""

    def __init__(self, library: Path, data: Path) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="syrinx-espeak-", ignore_cleanup_errors=True)
        try:
            self._lib = C.CDLL(shutil.copy(library, self._folder.name))
        except OSError as error:
            raise ModelNotReady(f"The espeak-ng library could not be loaded: {error}.") from error
        finally:
            if os.name == "posix":  # a mapped file outlives its name, so that even a killed process leaves nothing
                self._folder.cleanup()
        _declare(self._lib)
        self.data = data
        self.sample_rate = self._lib.espeak_Initialize(OUTPUT_SYNCHRONOUS, CALLBACK_MS, os.fsencode(data), DONT_EXIT)
        if self.sample_rate <= 0:
            raise ModelNotReady(f"espeak-ng found no usable data in {data}.")
        self._sink: Sink | None = None
        self._failure: BaseException | None = None
        self._voice: str | None = None
        self._callback = _Callback(self._on_audio)  # kept: the library holds only its address
        self._lib.espeak_SetSynthCallback(self._callback)

    @property
    def version(self) -> str:
        return self._lib.espeak_Info(None).decode()

    def voices(self) -> list[RawVoice]:
        """List the languages, in the library's order."""
        return _read_voices(self._lib.espeak_ListVoices(None))

    def variants(self) -> list[RawVoice]:
        """List the changes of timbre that any language takes (identifiers ``!v/...``), in the library's order."""
        kind = C.create_string_buffer(b"variant")
        return _read_voices(self._lib.espeak_ListVoices(C.byref(_Voice(languages=C.addressof(kind)))))

    def speak(self, utterance: Utterance, sink: Sink) -> None:
        """Synthesise at full speed, calling ``sink`` on this thread; return when all is done or the sink stopped it.

        Raises ``ModelFailed`` when the library refuses, and whatever ``sink`` raises.
        """
        self._select(utterance.voice)
        settings = ((RATE, utterance.words_per_minute), (VOLUME, NORMAL_VOLUME), (PITCH, NORMAL_PITCH))
        for parameter, value in (*settings, (RANGE, NORMAL_RANGE)):
            self._lib.espeak_SetParameter(parameter, value, 0)
        text = utterance.text.encode() + b"\0"
        self._sink, self._failure = sink, None
        try:
            code = self._lib.espeak_Synth(text, len(text), 0, POS_CHARACTER, 0, CHARS_UTF8 | END_PAUSE, None, None)
        finally:
            self._sink = None
        if self._failure is not None:
            raise self._failure
        if code != EE_OK:
            raise ModelFailed(f"espeak-ng could not speak (code {code}).")

    def close(self) -> None:
        """Give the library's memory back. The object is of no use afterwards."""
        self._lib.espeak_Terminate()
        self._folder.cleanup()

    def _select(self, voice: str) -> None:
        if voice == self._voice:
            return
        self._voice = None
        code = self._lib.espeak_SetVoiceByName(voice.encode())
        if code != EE_OK:
            raise ModelFailed(f"espeak-ng could not select the voice {voice} (code {code}).")
        self._voice = voice

    def _on_audio(self, wave: object, samples: int, events: object) -> int:
        try:
            assert self._sink is not None
            # ctypes has no types for pointers it is handed: a POINTER is a CArgObject and indexable all the same
            pcm = C.string_at(wave, samples * 2) if wave and samples > 0 else b""  # type: ignore[arg-type]
            stop = self._sink(pcm, _read_words(events))
        except BaseException as error:  # noqa: BLE001  it cannot cross the C frames; speak raises it again
            self._failure, stop = error, True
        if stop:
            self._voice = None  # stopped inside a phrase, the library may be in another language's rules
        return 1 if stop else 0


def _declare(lib: C.CDLL) -> None:
    lib.espeak_Initialize.argtypes = [C.c_int, C.c_int, C.c_char_p, C.c_int]
    lib.espeak_SetSynthCallback.argtypes = [_Callback]
    lib.espeak_SetSynthCallback.restype = None
    lib.espeak_SetParameter.argtypes = [C.c_int, C.c_int, C.c_int]
    lib.espeak_SetVoiceByName.argtypes = [C.c_char_p]
    lib.espeak_ListVoices.argtypes = [C.POINTER(_Voice)]
    lib.espeak_ListVoices.restype = C.POINTER(C.POINTER(_Voice))
    lib.espeak_Info.argtypes = [C.c_void_p]
    lib.espeak_Info.restype = C.c_char_p
    lib.espeak_Terminate.argtypes = []
    lib.espeak_Synth.argtypes = [
        C.c_char_p,
        C.c_size_t,
        C.c_uint,
        C.c_int,
        C.c_uint,
        C.c_uint,
        C.POINTER(C.c_uint),
        C.c_void_p,
    ]


def _read_words(events: object) -> list[WordEvent]:
    words = []
    index = 0
    while (event := events[index]).type != EVENT_LIST_TERMINATED:  # type: ignore[index]  as above
        if event.type == EVENT_WORD:
            words.append(WordEvent(event.text_position, event.length, event.sample))
        index += 1
    return words


def _read_voices(table: object) -> list[RawVoice]:
    found = []
    index = 0
    while entry := table[index]:  # type: ignore[index]  as above
        voice = entry.contents
        languages = _read_languages(voice.languages)
        found.append(RawVoice(voice.name.decode(), voice.identifier.decode(), languages, voice.gender))
        index += 1
    return found


def _read_languages(address: int) -> tuple[str, ...]:
    """Read (priority byte, C string) pairs up to a zero byte; a lower priority is a better match."""
    found: list[tuple[int, str]] = []
    while (priority := C.string_at(address, 1)[0]) != 0:
        tag = C.string_at(address + 1)
        found.append((priority, tag.decode()))
        address += len(tag) + 2
    return tuple(tag for _, tag in sorted(found, key=lambda pair: pair[0]))
