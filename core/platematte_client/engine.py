"""The engine as a host sees it: start it, run jobs on it, stop it.

    engine = Engine(find_engine(), "Nuke 15.1v3")
    engine.run(Matte("job 1", {"plate": ..., "clean": ..., "out": ...}), show, is_cancelled)
    engine.stop()

The process stays between jobs and keeps the network loaded. It is no child that outlives its host:
when the host ends, its pipes close, and it ends as well.
"""

import queue
import threading
from typing import Callable, List, Optional, Union

from platematte_client.conversation import Conversation, Mailbox
from platematte_client.errors import EngineDied, EngineFailed, EngineMissing
from platematte_client.locate import find_engine
from platematte_client.messages import Cancel, Failure, Matte, Progress

__all__ = ["Engine", "EngineDied", "EngineFailed", "EngineMissing", "find_engine"]

HELLO_PATIENCE_S = 60.0
"""The engine says hello before it loads anything; a busy file server may take long over Python."""
STOP_PATIENCE_S = 5.0
"""What a running job may take to end cleanly before the process is killed."""
_POLL_S = 0.1


class Engine:
    """An engine process that jobs are run on; may be used by several threads."""

    def __init__(self, command: List[str], host: str) -> None:
        """Take `find_engine()` and the host's name and version, as in "Nuke 15.1v3".

        Nothing is started yet.
        """
        self._command = list(command)
        self._host = host
        self._lock = threading.Lock()
        self._conversation: Optional[Conversation] = None

    @property
    def is_running(self) -> bool:
        """Whether the process is there and ready for jobs."""
        conversation = self._conversation
        return conversation is not None and conversation.is_alive

    @property
    def program(self) -> str:
        """Name and version, as in "platematte 0.1.0"; empty unless it runs and has said hello."""
        conversation = self._conversation
        is_there = conversation is not None and conversation.is_alive
        return conversation.greeting if conversation is not None and is_there else ""

    def start(self) -> None:
        """Start the process unless it runs already, and wait for its hello.

        Raises EngineDied and VersionMismatch.
        """
        self._started()

    def run(
        self,
        job: Matte,
        on_progress: Callable[[Progress], None],
        is_cancelled: Callable[[], bool],
    ) -> Progress:
        """Run a job and return its last message, `done`; starts the process if it does not run.

        Blocks the calling thread, calls back in it only, and asks is_cancelled about ten times a
        second. After a cancel it waits for the frame in work, so that nothing is half written. What
        a callback raises cancels the job and is raised on. Raises EngineFailed (with the code
        "cancelled" after a cancel), EngineDied, VersionMismatch, and ValueError for the name of a
        job that runs already.
        """
        conversation = self._started()
        box = conversation.open(job.job)
        has_ended = False
        try:
            conversation.send(job)
            is_asked = False
            while True:
                if not is_asked and is_cancelled():
                    conversation.send(Cancel(job.job))
                    is_asked = True
                answer = _next(box, conversation)
                if answer is None:
                    continue
                has_ended = isinstance(answer, Failure) or answer.kind == "done"
                if isinstance(answer, Failure):
                    raise EngineFailed(answer)
                on_progress(answer)
                if has_ended:
                    return answer
        finally:
            if not has_ended and conversation.is_alive:
                _cancel_quietly(conversation, job.job)
            conversation.close(job.job)

    def stop(self) -> None:
        """End the process: a running job is cancelled; what does not end in time is killed.

        Waits until it is gone. Safe to call twice, and from another thread than `run`, which then
        raises. A later `start` or `run` starts a new process.
        """
        with self._lock:
            conversation, self._conversation = self._conversation, None
        if conversation is not None:
            conversation.end(STOP_PATIENCE_S)

    def _started(self) -> Conversation:
        with self._lock:
            if self._conversation is None or not self._conversation.is_alive:
                self._conversation = Conversation([*self._command, "serve"], self._host)
            conversation = self._conversation
            try:
                conversation.wait_for_hello(HELLO_PATIENCE_S)
            except Exception:
                self._conversation = None
                raise
        return conversation


def _next(box: Mailbox, conversation: Conversation) -> Optional[Union[Progress, Failure]]:
    """Return the next answer, None if there is none yet; raises EngineDied when none will come."""
    try:
        answer: Optional[Union[Progress, Failure]] = box.get(timeout=_POLL_S)
    except queue.Empty:
        return None
    if answer is None:
        raise conversation.death()
    return answer


def _cancel_quietly(conversation: Conversation, job: str) -> None:
    try:
        conversation.send(Cancel(job))
    except EngineDied:
        # The error that is on its way already says more.
        return
