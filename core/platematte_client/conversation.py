"""One engine process and the lines that go to and fro; threads read, so that no host ever waits."""

import queue
import subprocess
import threading
from collections import deque
from typing import Any, Deque, Dict, List, Optional, Union

from platematte_client.errors import EngineDied
from platematte_client.lines import read_lines, write_line
from platematte_client.messages import (
    Failure,
    Hello,
    Message,
    Progress,
    ProtocolError,
    Stop,
    VersionMismatch,
    decode,
    encode,
)
from platematte_client.process import describe_exit, kill_process, start_process

LAST_WORDS = 20
"""Lines of the engine's stderr that are kept."""
_LONGEST_WORDS = 500
_CLOSING_PATIENCE_S = 5.0

Answer = Union[Progress, Failure]
Mailbox = Any
"""queue.Queue of Answers; None in it means that no more will come."""


class Conversation:
    """Speaks with one engine process, from its start to its end; may be used by many threads."""

    def __init__(self, command: List[str], host: str) -> None:
        """Start the process and say hello; raises EngineDied where it cannot be started."""
        pipes = {name: subprocess.PIPE for name in ("stdin", "stdout", "stderr")}
        self._process = start_process(command, **pipes)
        self._program = command[0]
        self._greeting = ""
        self._writing = threading.Lock()
        self._boxes: Dict[str, Mailbox] = {}
        self._is_greeted = self._has_ended = False
        self._lock = threading.Lock()
        self._hello = threading.Event()
        self._refusal: Optional[Exception] = None
        self._words: Deque[str] = deque(maxlen=LAST_WORDS)
        self._hearer = self._thread("stderr", self._hear)
        self._reader = self._thread("stdout", self._read)
        self._send_quietly(Hello(host))

    @property
    def is_alive(self) -> bool:
        """Whether answers may still come."""
        return not self._has_ended

    @property
    def greeting(self) -> str:
        """The engine's name and version as its hello told them; empty before it."""
        return self._greeting

    def wait_for_hello(self, patience_s: float) -> None:
        """Wait until the engine has said hello; raises EngineDied and VersionMismatch."""
        if not self._hello.wait(patience_s):
            self.end(0.0)
            raise self._death("said nothing for {:.0f} seconds".format(patience_s))
        if isinstance(self._refusal, VersionMismatch):
            self.end(0.0)
            raise self._refusal
        if self._has_ended:
            raise self.death()

    def open(self, job: str) -> Mailbox:
        """Return the mailbox in which all answers about a job arrive; raises ValueError if open."""
        box: Mailbox = queue.Queue()
        with self._lock:
            if job in self._boxes:
                raise ValueError("a job named {!r} runs already".format(job))
            self._boxes[job] = box
            if self._has_ended:
                box.put(None)
        return box

    def close(self, job: str) -> None:
        """Throw away whatever else is said about a job."""
        with self._lock:
            del self._boxes[job]

    def send(self, message: Message) -> None:
        """Send a message; raises EngineDied when the engine does not listen any more."""
        try:
            with self._writing:
                write_line(self._process.stdin, encode(message))
        except (OSError, ValueError) as error:
            # Its end says more than the broken pipe; the reader sees it in a moment.
            self._reader.join(_CLOSING_PATIENCE_S)
            raise self.death() from error

    def death(self) -> EngineDied:
        """Return how the process ended, with its last words."""
        if isinstance(self._refusal, Exception):
            return self._death("does not speak PlateMatte's protocol ({})".format(self._refusal))
        status = self._process.poll()
        return self._death("closed its pipe" if status is None else describe_exit(status))

    def end(self, patience_s: float) -> None:
        """Ask the engine to end, wait so long, then kill it; safe to call at any time."""
        self._send_quietly(Stop())
        with self._writing:
            _close(self._process.stdin)
        self._reader.join(patience_s)
        if self._reader.is_alive():
            kill_process(self._process)
        self._reader.join(_CLOSING_PATIENCE_S)

    def _thread(self, name: str, run: Any) -> threading.Thread:
        thread = threading.Thread(target=run, name="platematte-" + name, daemon=True)
        thread.start()
        return thread

    def _send_quietly(self, message: Message) -> None:
        try:
            with self._writing:
                write_line(self._process.stdin, encode(message))
        except (OSError, ValueError):
            # It has gone; whoever waits for it is told by the reader.
            return

    def _hear(self) -> None:
        for line in read_lines(self._process.stderr):
            self._words.append(line[:_LONGEST_WORDS])
        _close(self._process.stderr)

    def _read(self) -> None:
        try:
            for line in read_lines(self._process.stdout):
                if not self._take(line):
                    kill_process(self._process)
                    break
        finally:
            self._finish()

    def _take(self, line: str) -> bool:
        """Pass on what a line says; return whether to go on."""
        try:
            message = decode(line)
        except ProtocolError as error:
            if not self._is_greeted and not isinstance(error, VersionMismatch):
                # Before its hello a shell or an environment may print; it is kept as last words.
                self._words.append(line[:_LONGEST_WORDS])
                return True
            self._refusal = error
            return False
        if isinstance(message, Hello):
            self._is_greeted = True
            self._greeting = message.program
            self._hello.set()
        elif isinstance(message, (Progress, Failure)):
            self._deliver(message)
        return True

    def _deliver(self, answer: Answer) -> None:
        with self._lock:
            # An error about no job is about a line of ours that the engine could not read, and
            # whoever wrote it would wait for ever.
            is_for_all = answer.job is None and isinstance(answer, Failure)
            for job, box in self._boxes.items():
                if is_for_all or job == answer.job:
                    box.put(answer)

    def _finish(self) -> None:
        try:
            self._process.wait(_CLOSING_PATIENCE_S)
        except subprocess.TimeoutExpired:
            kill_process(self._process)
            self._process.wait()
        self._hearer.join(_CLOSING_PATIENCE_S)
        _close(self._process.stdout)
        with self._writing:
            _close(self._process.stdin)
        with self._lock:
            self._has_ended = True
            for box in self._boxes.values():
                box.put(None)
        self._hello.set()

    def _death(self, how: str) -> EngineDied:
        kept = " Frames that it had finished are kept." if self._is_greeted else ""
        text = "PlateMatte's engine {}.{}\n{}".format(how, kept, self._program)
        words = list(self._words)
        if words:
            text += "\nIts last words:\n" + "\n".join("  " + line for line in words)
        return EngineDied(text)


def _close(pipe: Any) -> None:
    try:
        pipe.close()
    except OSError:
        # What could not be flushed has no reader any more.
        return
