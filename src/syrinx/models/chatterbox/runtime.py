"""Brings the libraries in: from local files only, without a word, and without what they would do to the process."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import sys
import warnings
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from types import ModuleType
from typing import Any


@contextmanager
def quiet() -> Generator[None]:
    """Keep banners and warnings of the libraries to themselves, and them off the network."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def bring_in() -> None:
    """Import chatterbox. What this process's other code sees is as before."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    with quiet():
        _without_extension()
        import chatterbox.models.s3gen.flow_matching as flow_matching  # and with it all that is used here
    root.handlers[:], root.level = handlers, level
    for name in ("chatterbox", "s3tokenizer"):
        logging.getLogger(name).setLevel(logging.ERROR)  # it warns of each token that it draws twice
    flow_matching.tqdm = _plainly
    flow_matching.print = _nothing  # a line for each chunk of Turbo


def _without_extension() -> None:
    """Have torchaudio believe that it was built without its extension.

    Chatterbox and Perth use what torchaudio does in Python alone (``kaldi.fbank``, ``Resample``, ``Spectrogram``). Its
    one wheel has libraries that are linked against CUDA, and importing it fails where that is not: this stands in for
    the module that loads them (``torchaudio/_extension/__init__.py`` of 2.11), with the answers for "not there".
    """
    if "torchaudio" in sys.modules:
        return
    stand_in: Any = ModuleType("torchaudio._extension")
    stand_in._IS_TORCHAUDIO_EXT_AVAILABLE = False
    stand_in._IS_ALIGN_AVAILABLE = False
    stand_in.fail_if_no_align = _unchanged
    sys.modules[stand_in.__name__] = stand_in


def _unchanged(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


def _plainly(items: Iterable[Any], **_: object) -> Iterable[Any]:
    return items


def _nothing(*_: object) -> None:
    return None
