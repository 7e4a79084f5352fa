"""The protocol between a host and the engine: one JSON object a line, told apart by its `kind`.

Who says what:

    hello    both, first     which protocol each of them speaks; another version is refused
    matte    host to engine  start a job: a shot, settings, what to do with frames that exist
    cancel   host to engine  stop a job; frames that are finished are kept
    stop     host to engine  end the engine; jobs that are not finished are cancelled
    start, stage, frame, warning, done
             engine to host  how a job goes on; the last of a good job is `done`
    error    engine to host  a job ended badly: what, where, why and what to do about it

`platematte matte --progress json` writes the last two rows on its standard output; it runs one job
and leaves `job` out. Lines are ASCII (JSON escapes the rest), so that no host's encoding matters.
A field that is not known is ignored, so that an engine may say more than an older host reads; a
field that is missing or of another type is an error.
"""

import json
import math
from dataclasses import MISSING, asdict, dataclass, field, fields
from typing import Any, Dict, Optional, Tuple, Type, Union

PROTOCOL = 1
"""Version of all that this file says; a change that an older reader would misread raises it."""

PROGRESS_KINDS = ("start", "stage", "frame", "warning", "done")
EXISTING = ("refuse", "overwrite", "resume")
LONGEST_LINE = 1 << 20
"""Characters. A longer line is not one of ours, and reading on would fill the memory."""


class ProtocolError(ValueError):
    """A line that is no message: broken JSON, an unknown kind, a missing or a wrong field."""


class VersionMismatch(ProtocolError):
    """The other side speaks another version of the protocol."""


@dataclass(frozen=True)
class Hello:
    """The first line of both sides."""

    program: str
    """Name and version for people, as in "platematte 0.1.0" or "Nuke 15.1v3"."""
    protocol: int = PROTOCOL


@dataclass(frozen=True)
class Matte:
    """Start a job."""

    job: str
    """Name that the host chooses; it comes back in every line about this job."""
    shot: Dict[str, Any]
    """plate, clean, out: patterns; frames: a range as text, or null for all of them; garbage,
    core, hint: patterns or null."""
    settings: Dict[str, Any] = field(default_factory=dict)
    """{section: {key: value}}, as docs/td.md lists them; what is left out keeps its default."""
    existing: str = "refuse"
    """What to do with frames that exist: refuse, overwrite or resume."""
    thumbnail: Optional[str] = None
    """Path of a PNG that shows the alpha of the newest finished frame; it is made anew as the job
    goes on, so it must be a name of its own. null: none is made."""


@dataclass(frozen=True)
class Cancel:
    """Stop a job; its answer is an error with the code "cancelled"."""

    job: str


@dataclass(frozen=True)
class Stop:
    """End the engine; the end of its input means the same."""


@dataclass(frozen=True)
class Progress:
    """How a job goes on."""

    kind: str
    """start, stage, frame (one more lies complete under its name), warning or done."""
    frame: Optional[int]
    """Frame number that it is about; null when it is about the shot."""
    done: int
    """Frames finished so far, those skipped by a resume included."""
    total: int
    """Frames of the job; 0 while it is not known."""
    seconds: float
    """Wall time since the job's start."""
    message: str
    """One sentence for people; may be empty."""
    job: Optional[str] = None
    thumbnail: Optional[str] = None
    """Path of the job's thumbnail, in the lines before which it was made anew."""


@dataclass(frozen=True)
class Failure:
    """A job that ended badly, in the words of the engine's errors."""

    code: str
    """Stable name for scripts, as in "input-missing"."""
    reason: str
    """Why, for people."""
    path: Optional[str]
    frame: Optional[int]
    fix: str
    """What the artist can do about it; may be empty."""
    exit_status: int
    """Status that the command line would have ended with."""
    job: Optional[str] = None


Message = Union[Hello, Matte, Cancel, Stop, Progress, Failure]

# A Progress carries its own kind; all others have one name each.
_KINDS: Dict[str, Type[Any]] = {
    "hello": Hello,
    "matte": Matte,
    "cancel": Cancel,
    "stop": Stop,
    "error": Failure,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}

# What JSON gives for each annotation. A whole number stands for a float, but not the other way.
_JSON_TYPES: Dict[Any, Tuple[type, ...]] = {
    str: (str,),
    int: (int,),
    float: (float, int),
    Optional[str]: (str, type(None)),
    Optional[int]: (int, type(None)),
    Dict[str, Any]: (dict,),
}


def encode(message: Message) -> str:
    """Return a message as one line, its line break included. Raises ProtocolError for NaN."""
    record = asdict(message)
    if isinstance(message, Progress):
        _check_progress(message)
    else:
        record["kind"] = _NAMES[type(message)]
    try:
        line = json.dumps(record, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ProtocolError("this message has no JSON: {}".format(error)) from error
    return line + "\n"


def decode(line: str) -> Message:
    """Return the message of a line. Raises ProtocolError, and VersionMismatch for a hello."""
    if len(line) > LONGEST_LINE:
        raise ProtocolError("a line of {} characters is no message".format(len(line)))
    try:
        record = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("not JSON: {}: {!r}".format(error, line[:80])) from error
    if not isinstance(record, dict):
        raise ProtocolError("a message is a JSON object, this is {!r}".format(line[:80]))
    kind = record.get("kind")
    if isinstance(kind, str) and kind in PROGRESS_KINDS:
        return _build(Progress, record)  # type: ignore[no-any-return]
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ProtocolError("there is no message of kind {!r}".format(kind))
    message = _build(_KINDS[kind], record)
    _check(message)
    return message  # type: ignore[no-any-return]


def _build(kind: Type[Any], record: Dict[str, Any]) -> Any:
    values = {}
    for entry in fields(kind):
        if entry.name not in record:
            if entry.default is MISSING and entry.default_factory is MISSING:
                raise ProtocolError("{} lacks {!r}".format(record["kind"], entry.name))
            continue
        value = record[entry.name]
        # True is an int to Python; nobody means it as one.
        if not isinstance(value, _JSON_TYPES[entry.type]) or isinstance(value, bool):
            raise ProtocolError("{}.{} cannot be {!r}".format(record["kind"], entry.name, value))
        if isinstance(value, float) and not math.isfinite(value):
            raise ProtocolError("{}.{} is not a number".format(record["kind"], entry.name))
        values[entry.name] = value
    return kind(**values)


def _check(message: Message) -> None:
    if isinstance(message, Hello) and message.protocol != PROTOCOL:
        raise VersionMismatch(
            "{} speaks protocol {}, this side speaks {}: install the same version of PlateMatte "
            "on both sides".format(message.program, message.protocol, PROTOCOL)
        )
    if isinstance(message, Matte) and message.existing not in EXISTING:
        raise ProtocolError("matte.existing cannot be {!r}".format(message.existing))


def _check_progress(message: Progress) -> None:
    if message.kind not in PROGRESS_KINDS:
        raise ProtocolError("there is no progress of kind {!r}".format(message.kind))


def _refuse_constant(name: str) -> float:
    raise ValueError("{} is not JSON".format(name))
