"""Service files are read back by what reads such files."""

from __future__ import annotations

import configparser
import plistlib
import shlex
import sys

import pytest

from edgeembed.watching.service import SERVICES, service_advice, service_of_this_system, service_text

COMMANDS = [
    ["/usr/bin/python3", "-m", "edgeembed", "watch", "/home/ada/notes"],
    ["/opt/my python/bin/python", "-m", "edgeembed", "watch", "/home/jörg/Fotos & Größe/100 %", "/日本語/メモ"],
    ["/bin/p", "watch", '/a "b" c', "/it's $HOME/%h", "/back\\slash", "/ends with\\", "--index", "", "/a;b|c<d>"],
]


@pytest.mark.parametrize("command", COMMANDS)
def test_systemd_starts_that_command(command: list[str]) -> None:
    parser = configparser.RawConfigParser(delimiters=("=",), strict=True)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(service_text("systemd", command))
    assert parser.sections() == ["Unit", "Service", "Install"]
    words = shlex.split(parser["Service"]["ExecStart"])
    assert [word.replace("$$", "$").replace("%%", "%") for word in words] == command
    assert parser["Service"]["Restart"] == "on-failure"
    assert parser["Install"]["WantedBy"] == "default.target"


@pytest.mark.parametrize("command", COMMANDS)
def test_launchd_starts_that_command(command: list[str]) -> None:
    facts = plistlib.loads(service_text("launchd", command).encode())
    assert facts["ProgramArguments"] == command
    assert facts["RunAtLoad"] is True
    assert facts["KeepAlive"] == {"SuccessfulExit": False}


def powershell(text: str, option: str) -> str:
    """The value of an option in single quotes, of which two stand for one."""
    rest = text.split(f"-{option} '", 1)[1]
    value, at = "", 0
    while True:
        if rest[at] == "'":
            if rest[at + 1] != "'":
                return value
            at += 1
        value += rest[at]
        at += 1


def arguments(line: str) -> list[str]:
    """As CommandLineToArgvW takes a command line apart, written after its documentation."""
    words, at = [], 0
    while at < len(line):
        word, quoted = "", False
        while at < len(line) and (quoted or line[at] != " "):
            slashes = len(line[at:]) - len(line[at:].lstrip("\\"))
            at += slashes
            if line[at : at + 1] == '"':
                word += "\\" * (slashes // 2)
                if slashes % 2:
                    word += '"'
                else:
                    quoted = not quoted
                at += 1
            elif slashes:
                word += "\\" * slashes
            else:
                word += line[at]
                at += 1
        words.append(word)
        at += 1
    return words


@pytest.mark.parametrize(
    "command",
    [
        *COMMANDS,
        [r"C:\Program Files\Python\python.exe", "-m", "edgeembed", "watch", "C:\\Users\\Jörg Müller\\", r"D:\it's"],
    ],
)
def test_windows_starts_that_command(command: list[str]) -> None:
    text = service_text("windows", command)
    assert text.count("\n") == 1
    assert arguments(powershell(text, "Execute")) == command[:1]
    assert arguments(powershell(text, "Argument")) == command[1:]
    assert "-ExecutionTimeLimit ([TimeSpan]::Zero)" in text


@pytest.mark.parametrize("kind", SERVICES)
def test_what_cannot_be_written_is_refused(kind: str) -> None:
    with pytest.raises(ValueError, match="no service file can hold"):
        service_text(kind, ["/bin/p", "/two\nlines"])
    with pytest.raises(ValueError, match="no service file can hold"):
        service_text(kind, ["/bin/p", "/raw\udcff"])
    assert service_advice(kind)


@pytest.mark.parametrize(("platform", "kind"), [("linux", "systemd"), ("darwin", "launchd"), ("win32", "windows")])
def test_each_system_has_its_own(monkeypatch: pytest.MonkeyPatch, platform: str, kind: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert service_of_this_system() == kind
