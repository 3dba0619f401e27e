"""Completion: the scripts run in their shells, where these are there, and answers by the protocol of each."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgeembed.bundle.shipped import shipped_names
from tests.support.commands import edge


def answers(shell: str, words: list[str], incomplete: str) -> list[str]:
    """What the program answers to a shell; its kind and value."""
    environment = {"_EDGEEMBED_COMPLETE": f"{shell}_complete"}
    if shell == "powershell":
        environment |= {"COMP_WORDS": "\n".join(["edgeembed", *words]), "COMP_CWORD": incomplete}
    elif shell == "fish":
        line = shlex.join(["edgeembed", *words])
        environment |= {"COMP_WORDS": f"{line} {incomplete}", "COMP_CWORD": incomplete}
    else:
        line = shlex.join(["edgeembed", *words, *([incomplete] if incomplete else [])])
        environment |= {"COMP_WORDS": line, "COMP_CWORD": str(len(words) + 1)}
    code = "import sys; sys.argv[0] = 'edgeembed'; from edgeembed.cli.main import main; main()"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, **environment}
    )
    assert run.stderr == ""
    return run.stdout.splitlines()


@pytest.fixture
def shims(tmp_path: Path) -> str:
    """A PATH on which this edgeembed is found by its name."""
    shim = tmp_path / "bin" / "edgeembed"
    shim.parent.mkdir()
    code = "import sys; sys.argv[0] = 'edgeembed'; from edgeembed.cli.main import main; main()"
    shim.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(code)} "$@"\n')
    shim.chmod(0o755)
    return f"{shim.parent}{os.pathsep}{os.environ['PATH']}"


def script(shell: str) -> str:
    run = edge("completion", shell)
    assert (run.returncode, run.stderr) == (0, "")
    return run.stdout


def test_each_shell_has_a_script_and_others_are_refused() -> None:
    assert len({script(shell) for shell in ("bash", "zsh", "fish", "powershell")}) == 4
    run = edge("completion", "tcsh")
    assert (run.returncode, run.stdout) == (2, "")
    assert "'powershell'" in run.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_names_of_models_commands_and_options_are_answered(shell: str) -> None:
    for option, also in (("--model", []), ("--image-model", ["none"])):
        answer = "\n".join(answers(shell, ["index", option], ""))
        assert all(name in answer for name in [*shipped_names(), *also])
    assert any("search" in line for line in answers(shell, [], "sea"))
    assert any("--paths-only" in line for line in answers(shell, ["search", "x", "notes"], "--pa"))
    assert any("powershell" in line for line in answers(shell, ["completion"], "p"))


def test_what_is_a_path_is_completed_by_the_shell() -> None:
    for words in (["search"], ["search", "x"], ["search", "x", "a"], ["similar"], ["index"], ["embed"]):
        assert answers("powershell", words, "no") == ["file\tno\t"], words
    assert answers("powershell", ["index", "--model"], "bundles/x") == ["dir\tbundles/x\t"]
    assert answers("powershell", ["check"], "minilm-s") == ["plain\tminilm-static\t"]


def test_values_in_quotes_are_taken_as_they_are_meant_by_powershell() -> None:
    assert answers("powershell", ["search", "red bicycle", "--mode"], "'k") == ["plain\tkeyword\t"]


def test_the_script_completes_in_bash(shims: str, tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash")
    (tmp_path / "completion.bash").write_text(script("bash"))
    program = """
        source "$1"; shift
        complete -p edgeembed
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
        compopt() { echo "compopt $1 $2"; }
        _edgeembed_completion edgeembed
        printf '%s\\n' "${COMPREPLY[@]}"
    """

    def complete(*words: str) -> list[str]:
        command = [bash, "--norc", "-c", program, "bash", str(tmp_path / "completion.bash"), "edgeembed", *words]
        run = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PATH": shims})
        assert (run.returncode, run.stderr) == (0, "")
        registered, *rest = run.stdout.splitlines()
        assert "-F _edgeembed_completion edgeembed" in registered
        return rest

    assert complete("sim") == ["similar"]
    assert complete("index", "--model", "minilm-l") == ["minilm-l6-int8", "minilm-l3-int8"]
    assert complete("index", "--model", "bundles/") == ["compopt -o dirnames", ""]
    assert complete("search", "boat", "") == ["compopt -o default", ""]
    assert complete("search", "'two words'", "--form") == ["--format"]


def test_the_script_completes_in_fish(shims: str, tmp_path: Path) -> None:
    fish = shutil.which("fish")
    if fish is None:
        pytest.skip("no fish")
    (tmp_path / "edgeembed.fish").write_text(script("fish"))
    command = f"source {shlex.quote(str(tmp_path / 'edgeembed.fish'))}; complete -C 'edgeembed sim'"
    run = subprocess.run([fish, "-c", command], capture_output=True, text=True, env={**os.environ, "PATH": shims})
    assert run.stdout.split("\t")[0] == "similar"


def test_zsh_takes_the_script(tmp_path: Path) -> None:
    zsh = shutil.which("zsh")
    if zsh is None:
        pytest.skip("no zsh")
    (tmp_path / "completion.zsh").write_text(script("zsh"))
    assert subprocess.run([zsh, "-n", str(tmp_path / "completion.zsh")]).returncode == 0


def test_the_script_completes_in_powershell(shims: str, tmp_path: Path) -> None:
    pwsh = shutil.which("pwsh")
    if pwsh is None:
        pytest.skip("no PowerShell")
    (tmp_path / "completion.ps1").write_text(script("powershell"))
    line = "edgeembed index --model minilm-s"
    command = (
        f". '{tmp_path / 'completion.ps1'}'; "
        f"(TabExpansion2 -inputScript '{line}' -cursorColumn {len(line)}).CompletionMatches.CompletionText"
    )
    run = subprocess.run([pwsh, "-NoProfile", "-c", command], capture_output=True, text=True, env={"PATH": shims})
    assert run.stdout.split() == ["minilm-static"]
