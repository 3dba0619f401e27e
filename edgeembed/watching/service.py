"""What starts a watcher at log-in: a unit of systemd, a property list of launchd, a task of Windows' scheduler."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

SERVICES = ("systemd", "launchd", "windows")
NAME = "edgeembed-watch"
_LABEL = "org.edgeembed.watch"


def service_of_this_system() -> str:
    """Which of :data:`SERVICES` this system has."""
    return {"darwin": "launchd", "win32": "windows"}.get(sys.platform, "systemd")


def service_text(kind: str, command: Sequence[str]) -> str:
    """What to store, or to type, so that a command runs from log-in to log-out.

    Args:
        kind: one of :data:`SERVICES`.
        command: program and arguments; paths are absolute.

    Raises:
        ValueError: an argument holds a character that cannot be written there.
    """
    for argument in command:
        if re.search("[\x00-\x1f\x7f\ud800-\udfff]", argument):
            raise ValueError(f"{argument!r}: holds a character that no service file can hold")
    return {"systemd": _systemd, "launchd": _launchd, "windows": _windows}[kind](command)


def service_advice(kind: str) -> str:
    """What to do with the text."""
    return {
        "systemd": f"save it as ~/.config/systemd/user/{NAME}.service, then type "
        f"`systemctl --user daemon-reload && systemctl --user enable --now {NAME}`",
        "launchd": f"save it as ~/Library/LaunchAgents/{_LABEL}.plist, then type "
        f"`launchctl bootstrap gui/$(id -u) ~/Library/LaunchAgents/{_LABEL}.plist`",
        "windows": "paste it into PowerShell; it runs from the next log-in on, or with "
        f"`Start-ScheduledTask -TaskName {NAME}` at once",
    }[kind]


def _systemd(command: Sequence[str]) -> str:
    # $ and % mean variables and specifiers, and a backslash escapes: systemd.service(5), systemd.syntax(7).
    escapes = {"\\": "\\\\", '"': '\\"', "$": "$$", "%": "%%"}
    quoted = ['"' + "".join(escapes.get(c, c) for c in argument) + '"' for argument in command]
    return "\n".join(
        (
            "[Unit]",
            "Description=edgeembed: keeps indexes up to date",
            "",
            "[Service]",
            f"ExecStart={' '.join(quoted)}",
            "Restart=on-failure",
            "RestartSec=30",
            "Nice=10",
            "IOSchedulingClass=idle",
            "",
            "[Install]",
            "WantedBy=default.target",
            "",
        )
    )


def _launchd(command: Sequence[str]) -> str:
    import plistlib

    facts = {
        "Label": _LABEL,
        "ProgramArguments": list(command),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ProcessType": "Background",
        "LowPriorityIO": True,
    }
    return plistlib.dumps(facts, sort_keys=False).decode()


def _windows(command: Sequence[str]) -> str:
    # By PowerShell: schtasks.exe takes at most 261 characters, and ends each task after three days.
    arguments = " ".join(map(_windows_argument, command[1:]))
    return (
        f"Register-ScheduledTask -Force -TaskName {_powershell(NAME)} "
        "-Trigger (New-ScheduledTaskTrigger -AtLogOn -User $env:USERNAME) "
        f"-Action (New-ScheduledTaskAction -Execute {_powershell(_windows_argument(command[0]))} "
        f"-Argument {_powershell(arguments)}) "
        "-Settings (New-ScheduledTaskSettingsSet -ExecutionTimeLimit ([TimeSpan]::Zero) -AllowStartIfOnBatteries "
        "-DontStopIfGoingOnBatteries -Priority 7)\n"
    )


def _powershell(text: str) -> str:
    """A string in which nothing has a meaning but its quotation marks, of which PowerShell takes several for them."""
    return "'" + re.sub("(['\u2018\u2019\u201a\u201b])", r"\1\1", text) + "'"


def _windows_argument(argument: str) -> str:
    """As programs take their command line apart there: a backslash counts before a quotation mark only."""
    if argument and not re.search(r'[\s"]', argument):
        return argument
    escaped = re.sub(r'(\\*)"', r'\1\1\\"', argument)
    return '"' + re.sub(r"(\\+)$", r"\1\1", escaped) + '"'
