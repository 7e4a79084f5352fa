"""What can go wrong, said to an artist: which file, which frame, why, and what to do about it.

Every error carries a stable `code` for scripts, the exit status of the command line and a `fix`
for people. They are raised where the fact is known and caught in the command line, the serve loop
and the hosts, nowhere else.
"""

from __future__ import annotations

from pathlib import Path


class MatteError(Exception):
    """Base of every error that is about the artist's input or machine, never about our own bug."""

    code = "error"
    exit_status = 1
    fix = ""

    def __init__(
        self,
        reason: str,
        *,
        path: Path | str | None = None,
        frame: int | None = None,
        fix: str | None = None,
    ) -> None:
        """Take the reason in words and, where known, the file, the frame and a better fix."""
        super().__init__(reason)
        self.reason = reason
        self.path = None if path is None else str(path)
        self.frame = frame
        if fix is not None:
            self.fix = fix

    def __str__(self) -> str:
        """Return frame, file and reason in one line."""
        where = "".join(
            [
                "" if self.frame is None else f"frame {self.frame}: ",
                "" if self.path is None else f"{self.path}: ",
            ]
        )
        return where + self.reason

    def as_record(self) -> dict[str, str | int | None]:
        """Return the same facts as a flat record, for JSON lines and for hosts."""
        return {
            "code": self.code,
            "reason": self.reason,
            "path": self.path,
            "frame": self.frame,
            "fix": self.fix,
            "exit_status": self.exit_status,
        }


class UsageInvalid(MatteError):
    """A command line or shot that cannot mean anything."""

    code, exit_status = "usage-invalid", 2
    fix = "`platematte matte --help` shows what the command takes."


class SettingsInvalid(MatteError):
    """A setting with an unknown name or a value outside its range."""

    code, exit_status = "settings-invalid", 2
    fix = "docs/td.md lists every setting with its range."


class ColourSpaceUnknown(SettingsInvalid):
    """A colour space name that the OCIO config does not have."""

    code = "colour-space-unknown"
    fix = "`platematte doctor` prints the config in use and its colour spaces."


class OutputExists(MatteError):
    """A frame that would be overwritten without the artist having said so."""

    code, exit_status = "output-exists", 2
    fix = "Choose a new version folder, or pass --overwrite, or --resume to keep finished frames."


class InputMissing(MatteError):
    """A file or some frames of a sequence are not there."""

    code, exit_status = "input-missing", 3
    fix = "Check the path and the frame range; `platematte info PATH` lists the holes."


class InputUnreadable(MatteError):
    """A file is there but is damaged, in an unknown format or not what its role needs."""

    code, exit_status = "input-unreadable", 3
    fix = "Open the file in a viewer; render or copy this frame again if it is damaged."


class DeviceMemoryExhausted(MatteError):
    """The device ran out of memory even with the smallest tiles."""

    code, exit_status = "device-memory", 4
    fix = (
        "Lower engine.memory_mib, take the device cpu (--device cpu), or allow the fallback "
        "(--set engine.cpu_fallback=true)."
    )


class CleanUnusable(MatteError):
    """The clean plate does not show the plate's set, or shows the subject itself."""

    code, exit_status = "clean-unusable", 5
    fix = "Give a clean plate of the same set, shot from the same place, without the subject."


class DeviceMissing(SettingsInvalid):
    """A device was asked for by name and this machine does not have it."""

    code = "device-missing"
    fix = "`platematte doctor` lists the devices; auto (--device auto) takes the best one there is."


class WeightsInvalid(MatteError):
    """A weights file that is missing, damaged or not one of ours."""

    code, exit_status = "weights-invalid", 3
    fix = "Leave --weights out to use the ones in the package; `platematte doctor` lists them."


class OutputUnwritable(MatteError):
    """A frame could not be written: no permission, no space, no folder."""

    code, exit_status = "output-unwritable", 1
    fix = "Check the permissions and the free space of the output folder."


class Cancelled(MatteError):
    """The artist or the farm stopped the work; every finished frame is kept."""

    code, exit_status = "cancelled", 130
    fix = "Run the same command with --resume to go on from the frames that are finished."
