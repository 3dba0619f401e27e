"""Where the user's own ignore file is, by git's configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeembed.sync.git_config import user_ignore_file


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config" / "git").mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("[core]\n\texcludesFile = ~/rules\n", "rules"),
        ("[user]\n name = x\n[CORE]\n ExcludesFile=rules # a comment\n", "rules"),
        ('[core]\nexcludesfile = "~/my rules" ; x\n', "my rules"),
        ("[core] excludesfile = ~/rules\n", "rules"),
        ("[core]\nexcludesfile = ~/a\nexcludesfile = ~/b\n", "b"),
        ('[core "x"]\nother = 1\n[other]\nexcludesfile = ~/a\n', "config/git/ignore"),
        ("", "config/git/ignore"),
    ],
)
def test_the_file_that_is_configured(home: Path, config: str, expected: str) -> None:
    (home / ".gitconfig").write_text(config)
    assert user_ignore_file() == home / expected


def test_the_nearer_configuration_wins_and_an_empty_value_is_none(home: Path) -> None:
    (home / "config/git/config").write_text("[core]\nexcludesfile = ~/far\n")
    assert user_ignore_file() == home / "far"
    (home / ".gitconfig").write_text("[core]\nexcludesfile =\n")
    assert user_ignore_file() is None
