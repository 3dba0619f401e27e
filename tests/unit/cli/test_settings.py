"""The settings file and environment variables: where they count, and what is refused."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from edgeembed.cli.settings import Settings, settings_file, user_settings
from tests.support.commands import edge


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("EDGEEMBED_")]:
        monkeypatch.delenv(name)
    path = tmp_path / "config" / "settings.toml"
    path.parent.mkdir()
    monkeypatch.setenv("EDGEEMBED_SETTINGS", str(path))
    path.write_text("")
    return path


def test_where_nothing_is_said_nothing_is_set(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert user_settings() == Settings(file=file)
    monkeypatch.delenv("EDGEEMBED_SETTINGS")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(file.parent / "none"))
    monkeypatch.setenv("HOME", str(file.parent / "none"))
    monkeypatch.setenv("LOCALAPPDATA", str(file.parent / "none"))
    if sys.platform != "win32":
        assert user_settings() == Settings()


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="XDG is of other systems")
def test_the_file_is_in_the_configuration_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert settings_file({}) == tmp_path / "edgeembed" / "settings.toml"
    assert settings_file({"EDGEEMBED_SETTINGS": "/x.toml"}) == Path("/x.toml")


def test_variables_stand_above_the_file(file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file.write_text('model = "minilm-static"\nthreads = 3\nignore = ["*.log", "!a.log"]\neditor = "zed://file{path}"\n')
    settings = user_settings()
    assert (settings.model, settings.threads, settings.ignore) == ("minilm-static", 3, ("*.log", "!a.log"))
    assert settings.sources == dict.fromkeys(("model", "threads", "ignore", "editor"), "file")
    monkeypatch.setenv("EDGEEMBED_MODEL", str(tmp_path / "bundle"))
    monkeypatch.setenv("EDGEEMBED_IMAGE_MODEL", "none")
    monkeypatch.setenv("EDGEEMBED_THREADS", "2")
    monkeypatch.setenv("EDGEEMBED_IGNORE", "*.bak\nbuild/\n")
    monkeypatch.setenv("EDGEEMBED_EDITOR", "")  # as if it were not there
    settings = user_settings()
    assert (settings.model, settings.image_model) == (str(tmp_path / "bundle"), "none")
    assert (settings.threads, settings.ignore) == (2, ("*.bak", "build/"))
    assert settings.editor == "zed://file{path}"
    assert settings.sources["threads"] == "EDGEEMBED_THREADS"


LISTS = 'ignore = [\n  "a",\n  "b",\n]\n'


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('modle = "minilm-static"', 1, "unknown key 'modle'; did you mean model?"),
        (f"# c\n{LISTS}\n\nnothing = 1", 8, "unknown key 'nothing'; there are model, image_model, ignore"),
        (f"{LISTS}[index]\nmodel = 'x'", 5, "unknown key 'index'"),
        ("index.model = 'x'", 1, "unknown key 'index'"),
        ('threads = "4"', 1, "threads: must be a whole number, at least 1, not '4'"),
        ("# one\nthreads = 0", 2, "threads: must be a whole number, at least 1, not 0"),
        ("threads = true", 1, "threads: must be a whole number, at least 1, not true"),
        ("threads = 1.5", 1, "threads: must be a whole number, at least 1, not 1.5"),
        ('ignore = "*.log"', 1, "ignore: must be a list of patterns"),
        (f"threads = 1\n\n{LISTS}".replace('"b"', "7"), 3, "ignore: item 2 must be a text, not 7"),
        ('ignore = ["a\\nb"]', 1, "ignore: item 1: 'a\\nb' is no pattern"),
        ('model = "unheard-of"', 1, "model: 'unheard-of' is neither a model in the package"),
        ('model = "bundles/small"', 1, "nor an absolute path"),  # would be another one in each folder
        ("model = 3", 1, "model: must be a text, not 3"),
        ('editor = "code --goto {path}"', 1, "is no address with {path} in it"),
        ('editor = "vscode://file"', 1, "is no address with {path} in it"),
        ('editor = "https://example.org/{path}"', 1, "leads to another machine"),
        ('editor = "http://localhost.example.org/{path}"', 1, "leads to another machine"),
        ('editor = "HTTPS://example.org/{path}"', 1, "leads to another machine"),
        ("model = {a = 1}", 1, "model: must be a text, not a table"),
    ],
)
def test_what_is_no_setting_is_refused_with_file_line_and_key(file: Path, text: str, line: int, message: str) -> None:
    file.write_text(text)
    with pytest.raises(ValueError, match="line") as caught:
        user_settings()
    assert str(caught.value).startswith(f"{file}: line {line}: ")
    assert message in str(caught.value)


def test_what_is_no_toml_is_refused(file: Path) -> None:
    for data, message in (
        (b"model = \n", "not TOML: Invalid value (at line 1, column 9)"),
        (b"a = 1\na = 2\n", "not TOML"),
        (b"# \xff\n", "line 1: not UTF-8"),
        (b"#\n\n" + "threads = 1".encode("utf-16"), "line 3: not UTF-8"),
        (b"#" * (1 << 20) + b"#", "larger than 1 MiB"),
    ):
        file.write_bytes(data)
        with pytest.raises(ValueError, match="settings") as caught:
            user_settings()
        assert message in str(caught.value)
    file.write_bytes(b"\xef\xbb\xbfthreads = 2\r\nignore = [\r\n'a']\r\n")  # as editors on Windows write it
    assert (user_settings().threads, user_settings().ignore) == (2, ("a",))


def test_a_file_that_cannot_be_read_is_an_error(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.unlink()
    with pytest.raises(FileNotFoundError, match="EDGEEMBED_SETTINGS names it"):
        user_settings()
    file.mkdir()
    with pytest.raises(OSError, match="the settings cannot be read"):
        user_settings()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("THREADS", "many", "EDGEEMBED_THREADS: must be a whole number, at least 1, not 'many'"),
        ("THREADS", "-1", "EDGEEMBED_THREADS: must be"),
        ("MODEL", "x", "EDGEEMBED_MODEL: 'x' is neither"),
        ("EDITOR", "vi", "EDGEEMBED_EDITOR: 'vi' is no address"),
    ],
)
def test_a_variable_that_holds_no_setting_is_refused(
    file: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(f"EDGEEMBED_{name}", value)
    with pytest.raises(ValueError, match=f"EDGEEMBED_{name}") as caught:
        user_settings()
    assert str(caught.value).startswith(message)


def test_a_bad_file_ends_commands_that_go_by_it_and_no_others(file: Path, notes: Path) -> None:
    file.write_text("thread = 1\n")
    run = edge("search", "boat", notes, "--json")
    assert (run.returncode, run.stdout) == (2, "")
    error = json.loads(run.stderr)
    assert (error["path"], error["reason"]) == (str(file), "line 1: unknown key 'thread'; did you mean threads?")
    assert edge("models").returncode == 0
    assert edge("search", "--help").returncode == 0


def test_a_preferred_model_is_one_for_new_indexes(file: Path, notes: Path, tiny_bundle: Path, tmp_path: Path) -> None:
    file.write_text(f"model = {json.dumps(str(tiny_bundle))}\nimage_model = 'none'\n")
    assert edge("index", notes).returncode == 0
    status = json.loads(edge("status", notes, "--json").stdout)
    assert (status["model"], status["image_model"], status["settings"]) == ("tiny", None, str(file))
    file.write_text('model = "minilm-static"\n')
    (notes / "more.txt").write_text("one more boat\n")
    run = edge("search", "boat", notes, "-l", "--min-score", "0")
    assert (run.returncode, len(run.stdout.splitlines())) == (0, 3), run.stderr
    assert json.loads(edge("status", notes, "--json").stdout)["model"] == "tiny"
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.txt").write_text("a boat\n")
    assert edge("index", other, "--model", tiny_bundle).returncode == 0  # options stand above
    assert json.loads(edge("status", other, "--json").stdout)["model"] == "tiny"


def test_embed_uses_the_preferred_model(file: Path, tiny_bundle: Path) -> None:
    file.write_text(f"model = {json.dumps(str(tiny_bundle))}\n")
    own, named = edge("embed", stdin="a boat\n"), edge("embed", "--model", tiny_bundle, stdin="a boat\n")
    assert own.stdout == named.stdout != ""


def test_patterns_leave_out_files_until_they_are_taken_back(file: Path, notes: Path, tiny_bundle: Path) -> None:
    def found() -> set[str]:
        run = edge("search", "boat garden", ".", "-l", "--min-score", "0", "--model", tiny_bundle, cwd=notes)
        return set(run.stdout.splitlines())

    (notes / "keep.txt").write_text("keep the boat\n")
    (notes / ".gitignore").write_text("!keep.txt\n")
    everything = {"boat.md", "Übung/garden.txt", "keep.txt"}
    assert found() == everything
    file.write_text('ignore = ["*.txt", "/boat"]\n')
    assert found() == {"boat.md", "keep.txt"}
    status = json.loads(edge("status", notes, "--json").stdout)
    assert [(item["path"], item["rule"]) for item in status["left_out"] if "garden" in item["path"]] == [
        ("Übung/garden.txt", "settings: *.txt")
    ]
    assert status["options"]["patterns"] == ["*.txt", "/boat"]
    assert edge("index", notes, "--no-ignore").returncode == 0
    assert found() == everything
    assert edge("index", notes, "--ignore").returncode == 0
    assert found() == {"boat.md", "keep.txt"}
    file.write_text('ignore = ["/Übung/"]\n')
    assert found() == {"boat.md", "keep.txt"}
    file.write_text("")
    planned = [json.loads(line) for line in edge("index", ".", "--dry-run", "--json", cwd=notes).stdout.splitlines()]
    assert [(item["what"], item["path"]) for item in planned] == [("new", "Übung/garden.txt")]
    assert found() == everything


def test_a_rebuild_goes_by_the_patterns(file: Path, notes: Path, tiny_bundle: Path) -> None:
    file.write_text('ignore = ["Übung/"]\n')
    assert edge("index", notes, "--model", tiny_bundle).returncode == 0
    assert edge("index", notes, "--rebuild").stderr == "1 new; 1 file in the index\n"


def test_status_says_which_settings_count(file: Path, notes: Path, tiny_bundle: Path) -> None:
    file.write_text("threads = 1\n")
    assert edge("index", notes, "--model", tiny_bundle).returncode == 0
    first = edge("status", notes, EDGEEMBED_IGNORE="*.log").stdout.splitlines()[0]
    assert first == f"settings {file} (threads), EDGEEMBED_IGNORE"


def test_links_of_texts_lead_into_the_editor(file: Path, notes: Path, tiny_bundle: Path) -> None:
    file.write_text('editor = "ed://open{path}#{line}"\n')
    run = edge("search", "boat", notes, "--color", "always", "-k", "1", "--model", tiny_bundle)
    assert f"\x1b]8;;ed://open{notes / 'boat.md'}#1\x1b\\" in run.stdout
