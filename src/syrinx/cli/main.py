"""The command's frame: which commands there are, and how each kind of error ends the process.

Exit codes: 0 done; 1 it failed; 2 wrong usage, settings or text; 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from cyclopts import App, CycloptsError, Parameter

from syrinx import __version__
from syrinx.core.errors import ConfigError, InvalidRequest, SyrinxError

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""

COMMANDS = {
    "serve": "Serve speech over HTTP and WebSocket, with a page at /.",
    "say": "Speak a text to a file or to the loudspeaker.",
    "voices": "List the voices that can be chosen.",
    "models": "List the models and what each one needs; install, choose and remove models.",
    "text": "Show what will be said, without saying it.",
    "doctor": "Check what works on this machine and how to get the rest.",
    "smoke": "Try every promise of a server's sidecar API.",
    "play": "Play a server's sidecar stream through a queue, timing each chunk.",
    "bench": "Time many requests to a running server.",
    "tpm": "Count the transactions a minute that a running server speaks.",
    "warmup": "Have a running server speak once.",
    "metrics": "Sum up what a server spoke in the last hours and days.",
    "stop": "Stop the server that runs on a data folder.",
    "prefetch": "Fetch the models of the desktop sidecar.",
    "sidecar": "Serve as the desktop sidecar of VoiceReader does.",
    "purge": "Remove what Syrinx keeps in its data folder.",
}
"""Command to its line of help; ``x`` lives in ``syrinx.cli.x`` and is imported when it is called."""

SIDECAR_FLAGS = ("--server", "--host", "--port", "--token", "--token-env", "--data-dir", "--bootstrap-stdin")
"""Of ``syrinx.cli.sidecar``."""


def build_app() -> App:
    """Return the command line without importing any command."""
    app = App(
        name="syrinx",
        help="One streaming speech server for every open voice.",
        version=__version__,
        help_format="plaintext",
        default_parameter=Parameter(negative=()),
    )
    for name, line in COMMANDS.items():
        app.command(f"syrinx.cli.{name}:{name}", name=name, help=line)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. ``arguments`` default to those of the process."""
    tokens = without_stdin_sign(as_sidecar(sys.argv[1:] if arguments is None else list(arguments)))
    return guarded(lambda: build_app()(tokens, result_action="return_value", exit_on_error=False, print_error=False))


def guarded(run: Callable[[], int | None]) -> int:
    """Call ``run`` and turn expected errors into one line on stderr and an exit code."""
    try:
        code = run() or 0
        sys.stdout.flush()
        return code
    except CycloptsError as error:
        return complain(f"{error} See syrinx --help.", EXIT_USAGE)
    except (ConfigError, InvalidRequest) as error:
        return complain(str(error), EXIT_USAGE)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # the reader left: nothing more to say, at interpreter exit too
        return EXIT_FAILED
    except SyrinxError as error:
        return complain(str(error), EXIT_FAILED)
    except OSError as error:
        return complain(f"{error.filename}: {error.strerror}." if error.filename else str(error), EXIT_FAILED)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


def complain(message: str, code: int) -> int:
    """Print ``message`` for a person on stderr and return ``code``."""
    print(f"syrinx: {message}", file=sys.stderr)
    return code


def as_sidecar(tokens: list[str]) -> list[str]:
    """Name the command where there is none and the first flag is one of the sidecar's: it is started so, and shows its
    help without any."""
    if not tokens:
        return ["--help"]
    return ["sidecar", *tokens] if tokens[0].partition("=")[0] in SIDECAR_FLAGS else tokens


def without_stdin_sign(tokens: list[str]) -> list[str]:
    """Drop a lone ``-`` given as the text, which means stdin as no text does; keep it after ``-o`` and ``--text``.

    The parser would take it for a malformed option.
    """
    before = ["", *tokens[:-1]]
    return [
        token
        for token, last in zip(tokens, before, strict=True)
        if token != "-" or last in ("-o", "--output", "--text")
    ]
