"""The command line of the export stage, in processes of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

PROGRAM = "import sys; from edgeembed_export.cli.main import main; sys.argv[0] = 'edgeembed-export'; main()"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("command", [["text"], ["bundle"], []])
def test_make_a_bundle(bert: Path, tmp_path: Path, command: list[str]) -> None:
    done = run(*command, bert, tmp_path / "out", "--name", "mine", "--max-tokens", 40, "--precision", "float32")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{tmp_path / 'out'}: mine (")
    assert "32 dimensions" in done.stdout
    assert "token ids: 0 (allowed: 0)" in done.stderr
    assert "Warning" not in done.stderr
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert (manifest["name"], manifest["text"]["max_tokens"], manifest["precision"]) == ("mine", 40, "float32")


def test_what_is_unsuitable_ends_in_one_sentence(tmp_path: Path) -> None:
    done = run("text", tmp_path, tmp_path / "out")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == f"error: {tmp_path}: holds no config.json, so it is no model folder\n"
    (tmp_path / "letters").mkdir()
    assert run("evaluate", tmp_path / "letters", "--data", tmp_path).returncode == 2


def test_measure_while_exporting_and_again(bert: Path, tmp_path: Path) -> None:
    import gzip

    pairs = [("a cat", "a cat", 5), ("a cat", "a dog", 3), ("a cat", "the sea", 0), ("rain", "snow", 2)]
    with gzip.open(tmp_path / "pairs.jsonl.gz", "wt") as file:
        file.writelines(json.dumps({"a": a, "b": b, "score": score}) + "\n" for a, b, score in pairs)
    done = run(bert, tmp_path / "out", "--data", tmp_path)
    assert done.returncode == 0, done.stderr
    quality = json.loads((tmp_path / "out/manifest.json").read_text())["quality"]
    assert set(quality) == {"cosine_to_reference", "scores", "source_scores", "typos", "bias"}
    assert "| pairs | spearman |" in (tmp_path / "out/README.md").read_text()

    shown = run("evaluate", tmp_path / "out", "--data", tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.splitlines()[0].split() == ["bundle", "source"]
    assert shown.stdout.splitlines()[1].split()[:2] == ["pairs", "spearman"]
    found = json.loads(run("evaluate", tmp_path / "out", "--data", tmp_path, "--json").stdout)
    assert found["scores"] == quality["scores"]
    assert found["source_scores"] == quality["source_scores"]
    assert run("evaluate", tmp_path / "out", "--data", tmp_path, "--set", "absent").returncode == 2


def test_help_is_quick() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, edgeembed_export.cli; print('torch' in sys.modules, 'onnx' in sys.modules)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "False False\n"
    for command in ("text", "bundle", "recipe", "evaluate"):
        assert command in run("--help").stdout
        assert run(command, "--help").returncode == 0
    assert "minilm-l6-int8" in run("recipe", "--help").stdout


def test_without_the_extra() -> None:
    """As if onnx were not installed."""
    hide = "import sys; sys.modules['onnx'] = None; sys.modules['huggingface_hub'] = None; "
    command = [sys.executable, "-c", hide + PROGRAM, "text", "no/such", "out"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'edgeembed[export]'" in done.stderr
