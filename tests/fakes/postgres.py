"""A real Postgres server in a folder of its own, on a free port, as a user that is not root: it refuses root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import time
from pathlib import Path
from types import TracebackType

from tests.fakes.server_process import free_port

HOMES = "/usr/lib/postgresql"
"""Where Debian keeps a version's programs, which are not on the path."""
WAIT_S = 60.0


class Postgres:
    """Use as a context manager: it answers on entry, and is gone with its files on exit."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self._programs = programs()
        self.port = free_port()
        self._databases = 0

    def __enter__(self) -> Postgres:
        if os.geteuid() == 0:
            shutil.chown(self._folder, self._user)
        options = ["--auth=trust", "--username=syrinx", "--no-sync", "--encoding=UTF8", "--locale=C"]
        self._run("initdb", "--pgdata", str(self._folder / "data"), *options)
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Begin to answer, on the same port each time."""
        where = f"-c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -p {self.port}"
        log = str(self._folder / "log")
        self._control("start", "--log", log, "--options", where, "--wait", f"--timeout={WAIT_S:.0f}")

    def stop(self) -> None:
        """Stop answering, connections or not."""
        self._control("stop", "--mode", "immediate", "--wait")

    def database(self) -> str:
        """Make an empty database; return its URL."""
        self._databases += 1
        name = f"test{self._databases}"
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "syrinx", name)
        return f"postgresql://syrinx@127.0.0.1:{self.port}/{name}"

    def _control(self, *words: str) -> None:
        self._run("pg_ctl", "--pgdata", str(self._folder / "data"), *words)

    def _run(self, program: str, *words: str) -> None:
        command = [str(self._programs / program), *words]
        if os.geteuid() == 0:
            command = ["setpriv", f"--reuid={self._user}", f"--regid={self._user}", "--init-groups", *command]
        said = self._folder / f"said-{time.monotonic_ns()}"
        with said.open("wb") as output:  # a file: the server would keep a pipe open
            done = subprocess.run(command, stdout=output, stderr=output, cwd="/", timeout=2 * WAIT_S, check=False)
        if done.returncode:
            raise RuntimeError(f"{program} ended with {done.returncode}:\n{said.read_text(errors='replace')}")


def programs() -> Path:
    """The folder of ``initdb``. Raises ``RuntimeError`` with advice where there is none."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    versions = sorted(Path(HOMES).glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not versions:
        raise RuntimeError("These tests start a Postgres server: install it first (apt-get install postgresql).")
    return versions[-1].parent
