"""The command ``completion``, and what PowerShell wants for it; Click knows the other shells."""

from __future__ import annotations

import os

import click
from click.shell_completion import CompletionItem, ShellComplete, add_completion_class, get_completion_class

_PROGRAM, _VARIABLE = "edgeembed", "_EDGEEMBED_COMPLETE"
_POWERSHELL = r"""Register-ArgumentCompleter -Native -CommandName %(prog_name)s -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @(foreach ($element in $commandAst.CommandElements) {
        if ($element.Extent.EndOffset -lt $cursorPosition -or
            ($wordToComplete -eq '' -and $element.Extent.EndOffset -le $cursorPosition)) {
            if ($element -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $element.Value }
            else { $element.Extent.Text }
        }
    })
    $names = '%(complete_var)s', 'COMP_WORDS', 'COMP_CWORD'
    $encoding = [Console]::OutputEncoding
    try {
        [Console]::OutputEncoding = [System.Text.UTF8Encoding]::new($false)
        $env:%(complete_var)s = 'powershell_complete'
        $env:COMP_WORDS = $words -join "`n"
        $env:COMP_CWORD = $wordToComplete
        $lines = @(& $words[0])
    } finally {
        [Console]::OutputEncoding = $encoding
        foreach ($name in $names) { Remove-Item -Path "Env:$name" -ErrorAction SilentlyContinue }
    }
    foreach ($line in $lines) {
        $type, $value, $help = $line -split "`t", 3
        if ($type -eq 'plain') {
            $text = if ($value -match '[\s''"`$;&|(){},@#<>]') { "'" + $value.Replace("'", "''") + "'" } else { $value }
            $tip = if ($help) { $help } else { $value }
            [System.Management.Automation.CompletionResult]::new($text, $value, 'ParameterValue', $tip)
        } else {
            [System.Management.Automation.CompletionCompleters]::CompleteFilename($wordToComplete) |
                Where-Object { $type -ne 'dir' -or $_.ResultType -eq 'ProviderContainer' }
        }
    }
}
"""


@add_completion_class
class PowerShellComplete(ShellComplete):
    """Completion in PowerShell, by the protocol that Click has for fish: words, and the one that is being typed."""

    name = "powershell"
    source_template = _POWERSHELL

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one that is being typed, without the program's, and that one."""
        words = os.environ.get("COMP_WORDS", "").split("\n")
        return words[1:], os.environ.get("COMP_CWORD", "").strip("'\"")

    def format_completion(self, item: CompletionItem) -> str:
        """Kind, value and help, with tabs between."""
        return f"{item.type}\t{item.value}\t{' '.join((item.help or '').split())}"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish", "powershell"]))
def completion(shell: str) -> None:
    """Print a script that completes commands, options, files and models in SHELL.

    bash: `eval "$(edgeembed completion bash)"` in ~/.bashrc (bash 4.4 or newer). zsh: the same with zsh in ~/.zshrc,
    below `compinit`. fish: `edgeembed completion fish > ~/.config/fish/completions/edgeembed.fish`. PowerShell:
    `edgeembed completion powershell | Out-String | Invoke-Expression` in $PROFILE.
    """
    from ..main import cli

    kind = get_completion_class(shell)
    assert kind is not None
    # Not kind.source(), which for bash would start one to ask for its version, here and not where the script runs.
    click.echo(ShellComplete.source(kind(cli, {}, _PROGRAM, _VARIABLE)))
