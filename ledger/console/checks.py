"""Checks: long work on a ledger beside its console, in a process of its own, one at a time."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from ledger.console import outcomes
from ledger.console.checker import Job, Step
from ledger.console.outcomes import Outcome, Work
from ledger.console.packing import KeptPack, PackAsked, last_pack
from ledger.messages import text

PROGRAM = (sys.executable, "-P", "-m", "ledger.console.checker")
"""Not from the folder in which the console was started, whatever lies there."""
STOPPING_SECONDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Underway:
    """Work that is being done."""

    work: Work
    done: int
    of: int
    """In a unit of the work's own; 0 while that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the ledger is."""

    directory: Path
    rpc_url: str = ""
    """The node that the console was told to use; empty for what the folder says."""
    token_file: str = ""


class Checks:
    """What is checked, and what the last of each kind came to. `close` ends what is underway."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._following: threading.Thread | None = None
        self._work = Work.CHECK
        self._step = Step()
        self._stopped = False
        self._ended = 0
        self._closed = False

    def start(
        self,
        work: Work,
        *,
        day: int,
        language: str,
        engine: str = "",
        pack: PackAsked | None = None,
    ) -> bool:
        """Begin; False while something else is underway."""
        job = Job(
            directory=str(self._place.directory.resolve()),
            work=work,
            engine=engine,
            day=day,
            language=language,
            pack=pack,
            rpc_url=self._place.rpc_url,
            token_file=self._place.token_file,
        )
        with self._lock:
            if self._closed or self._process is not None:
                return False
            process = subprocess.Popen(
                PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
            self._process, self._work = process, work
            self._step, self._stopped, self._ended = Step(), False, 0
            self._following = threading.Thread(target=self._follow, args=(process, job))
            self._following.start()
        return True

    def stop(self) -> None:
        """End what is underway; what was found before stays."""
        with self._lock:
            if self._process is not None:
                self._stopped = True
                self._process.terminate()

    def close(self) -> None:
        """End what is underway and begin nothing more."""
        with self._lock:
            self._closed = True
            process, following = self._process, self._following
        self.stop()
        if process is not None:
            try:
                process.wait(STOPPING_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        if following is not None:
            following.join()

    @property
    def underway(self) -> Underway | None:
        """What is being done, if anything."""
        with self._lock:
            if self._process is None:
                return None
            return Underway(work=self._work, done=self._step.done, of=self._step.of)

    @property
    def says(self) -> tuple[str, ...]:
        """Why the last that was begun came to nothing; empty where it did not."""
        with self._lock:
            if self._process is not None:
                return ()
            if self._stopped:
                return (text("console.check_stopped"),)
            if self._ended and not self._step.says:
                return (text("console.check_ended", code=self._ended),)
            return self._step.says

    def last(self, work: Work) -> Outcome | None:
        """What the last of a kind came to, that was not cut short; by whichever console."""
        return outcomes.read(self._place.directory, work)

    @property
    def pack(self) -> KeptPack | None:
        """The pack that was made last."""
        return last_pack(self._place.directory)

    def packed(self, pack: KeptPack) -> bytes:
        """The file of a pack."""
        return (self._place.directory / outcomes.FOLDER / pack.file).read_bytes()

    def _follow(self, process: subprocess.Popen[bytes], job: Job) -> None:
        """Hand over the job and listen until the process ends."""
        assert process.stdin is not None and process.stdout is not None
        with suppress(BrokenPipeError):
            process.stdin.write(job.model_dump_json().encode() + b"\n")
            process.stdin.flush()
        with process.stdout:
            for line in process.stdout:
                with suppress(ValidationError):
                    self._hear(Step.model_validate_json(line))
        ended = process.wait()
        with suppress(BrokenPipeError):
            process.stdin.close()
        with self._lock:
            self._process, self._ended = None, ended

    def _hear(self, step: Step) -> None:
        with self._lock:
            self._step = step
