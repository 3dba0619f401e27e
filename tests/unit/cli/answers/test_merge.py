"""Several folders in one search."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.commands import edge


@pytest.fixture
def folders(tmp_path: Path, tiny_bundle: Path) -> Path:
    texts = {
        "a/boat.md": "The boat leaves the harbour at dawn.\n",
        "a/sub/tomato.md": "Tomato seedlings.\n",
        "b/harbour.txt": "A harbour for every boat.\n",
        "b/garden.txt": "Tomato seedlings for the garden.\n",
        "c/fence.txt": "painting the fence\n",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    for name in "abc":
        assert edge("index", tmp_path / name, "--model", tiny_bundle).returncode == 0
    return tmp_path


def found(*args: object, cwd: Path) -> list[dict[str, object]]:
    run = edge("search", *args, "--json", cwd=cwd)
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_the_best_of_all_folders_are_shown_as_each_shows_them_alone(folders: Path) -> None:
    options = ("--min-score", "0")
    alone = [*found("boat", "a", *options, cwd=folders), *found("boat", "b", *options, cwd=folders)]
    together = found("boat", "a", "b", *options, cwd=folders)
    assert together == sorted(alone, key=lambda hit: -float(str(hit["score"])))
    assert len(together) == 4
    assert {str(hit["path"])[:2] for hit in together[:2]} == {"a/", "b/"}
    assert found("boat", "a", "b", *options, "-k", "1", cwd=folders) == together[:1]


def test_a_file_that_two_folders_hold_is_one_hit(folders: Path) -> None:
    paths = [hit["path"] for hit in found("tomato", "a/sub", "a", "./a", "a/../a", "--min-score", "0", cwd=folders)]
    assert sorted(map(str, paths)) == ["a/boat.md", "a/sub/tomato.md"]


def test_similar_looks_into_several_folders(folders: Path) -> None:
    run = edge("similar", "a/sub/tomato.md", "a", "b", "--json", "--min-similarity", "-1", cwd=folders)
    hits = [json.loads(line) for line in run.stdout.splitlines()]
    assert hits[0]["path"] == "b/garden.txt"
    values = [hit["similarity"] for hit in hits]
    assert (len(hits), values) == (3, sorted(values, reverse=True))


def test_an_error_in_one_folder_leaves_the_others_alone(folders: Path) -> None:
    run = edge("search", "boat", "a", "missing", "b", "-l", cwd=folders)
    assert run.returncode == 2
    assert sorted(run.stdout.splitlines()) == ["a/boat.md", "b/harbour.txt"]
    assert run.stderr.splitlines() == ["edgeembed: missing: no such folder; give the folder that holds your files"]
    run = edge("search", "boat", "missing", "b", "--json", cwd=folders)
    assert run.returncode == 2
    assert json.loads(run.stderr)["path"] == "missing"
    assert json.loads(run.stdout)["path"] == "b/harbour.txt"


def test_a_damaged_index_leaves_the_others_alone(folders: Path) -> None:
    (folders / "a" / ".edgeembed" / "catalog.sqlite").write_bytes(b"no catalog" * 500)
    run = edge("search", "boat", "a", "b", "-l", cwd=folders)
    assert (run.returncode, run.stdout) == (2, "b/harbour.txt\n")
    assert "a/.edgeembed" in run.stderr
    assert "Traceback" not in run.stderr


def test_no_hit_at_all_is_a_negative_answer_with_a_reason_for_each_folder(folders: Path) -> None:
    run = edge("search", "boat", "a", "c", "--path", "*.none", cwd=folders)
    assert (run.returncode, run.stdout) == (1, "")
    why = "no file that --path, --kind and the other options leave over fits"
    assert run.stderr.splitlines() == [f"a: {why}", f"c: {why}"]
    run = edge("search", "boat", "a", "c", "--path", "boat*", "-l", cwd=folders)
    assert (run.returncode, run.stdout, run.stderr) == (0, "a/boat.md\n", "")
    run = edge("search", "boat", "a", "missing", "--path", "*.none", cwd=folders)
    assert (run.returncode, run.stdout) == (2, "")


def test_wrong_use_is_said_once(folders: Path) -> None:
    run = edge("search", "red", "bicycle", "wheel", cwd=folders)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == (
        'edgeembed: no such folders: bicycle, wheel; a query of several words is put in quotes: "red bicycle"\n'
    )
    run = edge("search", "boat", "a", "b", "--index", "elsewhere", cwd=folders)
    assert (run.returncode, "names the index of one folder" in run.stderr) == (2, True)


def test_filters_count_in_every_folder(folders: Path) -> None:
    hits = found("boat tomato", "a", "b", "--ext", "txt", "--min-score", "0", cwd=folders)
    assert {hit["path"] for hit in hits} == {"b/harbour.txt", "b/garden.txt"}
    hits = found("tomato", "a", "b/garden.txt", "--min-score", "0", "--path", "*tomato*", cwd=folders)
    assert [hit["path"] for hit in hits] == ["a/sub/tomato.md"]
