"""Evaluation as a whole: sets found, bundles measured, tables and the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("torch", reason="the export stage is not installed")

from click.testing import CliRunner, Result
from edgeembed_export.cli.main import cli
from edgeembed_export.errors import ExportError
from edgeembed_export.evaluation.evaluate import evaluate, left_out, table
from edgeembed_export.evaluation.report import encoder_of

import edgeembed
from tests.support.tiny_image import tiny_image_bundle, tiny_two_tower_bundle

WORDS = ["boat", "garden", "letter", "passport", "window", "bicycle"]


@pytest.fixture
def sets(tmp_path: Path) -> Path:
    """One small set of each kind."""
    folder = tmp_path / "sets"
    (folder / "search").mkdir(parents=True)

    def write(name: str, rows: list[dict[str, object]]) -> None:
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))

    pairs = [{"a": f"the {one}", "b": f"a {two}", "score": float(one == two)} for one in WORDS for two in WORDS]
    write("pairs.jsonl", pairs)
    write("topics.jsonl", [{"text": f"{word} {i}", "label": word} for word in WORDS for i in range(12)])
    write("search/corpus.jsonl", [{"_id": word, "title": "", "text": f"the {word} there"} for word in WORDS])
    write("search/queries.jsonl", [{"_id": word, "text": word} for word in WORDS])
    (folder / "search/qrels.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(f"{w}\t{w}\t1\n" for w in WORDS))
    for i, word in enumerate(WORDS):
        Image.new("RGB", (40, 40), (40 * i, 255 - 40 * i, 90)).save(folder / f"{word}.png")
    write("photos_captions.jsonl", [{"image": f"{word}.png", "captions": [f"a {word}", word]} for word in WORDS])
    write("things_labels.jsonl", [{"image": f"{word}.png", "label": word} for word in WORDS])
    return folder


@pytest.fixture(scope="module")
def two_towers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_two_tower_bundle(tmp_path_factory.mktemp("bundles") / "two-towers")


@pytest.fixture(scope="module")
def image_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_image_bundle(tmp_path_factory.mktemp("bundles") / "image-only")


def run(*args: object) -> Result:
    return CliRunner().invoke(cli, ["evaluate", *map(str, args)])


def test_every_set_on_two_towers(sets: Path, two_towers: Path) -> None:
    with edgeembed.Embedder.load(two_towers) as embedder:
        encoder = encoder_of(embedder)
        scores = evaluate(encoder.texts, sets, embed_images=encoder.images)
        assert evaluate(encoder.texts, [sets], embed_images=encoder.images) == scores
        assert left_out(encoder.texts, sets, encoder.images) == {}
    assert list(scores) == ["pairs", "photos", "things", "topics", "search"]
    assert scores["search"] == {"ndcg@10": 100.0, "recall@100": 100.0}  # the one document with the word in it
    assert scores["topics"]["knn accuracy"] > 90
    assert 0 <= scores["photos"]["text to image R@1"] <= scores["photos"]["text to image R@5"]
    assert set(scores["things"]) == {"zero-shot top-1", "zero-shot top-5"}


def test_sets_that_a_bundle_cannot_be_measured_on(sets: Path, tiny_bundle: Path, image_bundle: Path) -> None:
    with edgeembed.Embedder.load(tiny_bundle) as embedder:
        encoder = encoder_of(embedder)
        assert list(evaluate(encoder.texts, sets, embed_images=encoder.images)) == ["pairs", "topics", "search"]
        reasons = left_out(encoder.texts, sets, encoder.images)
        assert reasons == dict.fromkeys(("photos", "things"), "the model has no image encoder")
        with pytest.raises(ExportError, match="nothing can be measured: photos: the model has no image encoder"):
            evaluate(encoder.texts, sets, only=["photos"])
    with edgeembed.Embedder.load(image_bundle) as embedder:
        encoder = encoder_of(embedder)
        assert encoder.texts is None
        assert len(left_out(None, sets, encoder.images)) == 5  # one image a class leaves no neighbours
        for word in WORDS:
            (sets / f"{word}.png").unlink()
        assert "none of its pictures is beside" in left_out(None, sets, encoder.images)["things"]


def test_table() -> None:
    text = table({"bundle": {"a": {"x": 1.5}, "longer": {"y": 22.25}}, "a-long-title": {"a": {"x": 100.0}}})
    assert text.splitlines() == [
        "             bundle a-long-title",
        "a x            1.50       100.00",
        "longer y      22.25            -",
    ]


def test_command(sets: Path, tiny_bundle: Path) -> None:
    done = run(tiny_bundle, "--data", sets)
    assert done.exit_code == 0, done.output
    assert "search ndcg@10" in done.stdout
    assert "100.00" in done.stdout
    assert "tiny: photos is left out: the model has no image encoder" in done.stderr
    once = run(tiny_bundle, "--data", sets, "--set", "pairs", "--typos", "search", "--json")
    assert once.exit_code == 0, once.output
    found = json.loads(once.stdout)
    assert found["bundle"] == "tiny"
    assert list(found["scores"]) == ["pairs"]
    assert found["typos"][0]["set"] == "search"
    assert found["typos"][0]["scores"][0] == 100.0
    assert run(tiny_bundle, "--data", sets, "--set", "pairs", "--typos", "search", "--json").stdout == once.stdout


def test_text_side_from_another_bundle(sets: Path, tiny_bundle: Path, image_bundle: Path, tmp_path: Path) -> None:
    done = run(image_bundle, "--data", sets, "--text-bundle", tiny_bundle, "--prompt", "a {}", "--set", "things")
    assert done.exit_code == 0, done.output
    assert "things zero-shot top-1" in done.stdout
    other = tiny_image_bundle(tmp_path / "other", seed=5)
    refused = run(other, "--data", sets, "--text-bundle", tiny_bundle)
    assert isinstance(refused.exception, ExportError)
    assert "cannot be compared" in str(refused.exception)


def test_several_bundles_and_figures(sets: Path, tiny_bundle: Path, image_bundle: Path, tmp_path: Path) -> None:
    out = tmp_path / "pictures"
    chosen = ("--data", sets, "--set", "pairs", "--set", "topics", "--typos", "pairs", "--pictures", out)
    done = run(tiny_bundle, tiny_bundle, *chosen)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[0].split() == ["tiny", str(tiny_bundle)]
    assert "pairs spearman, tiny  0 %: " in done.stdout
    assert sorted(path.name for path in out.iterdir()) == ["tiny-topics.png", "typos.png"]
    first = (out / "tiny-topics.png").read_bytes()
    assert run(tiny_bundle, *chosen).exit_code == 0
    assert (out / "tiny-topics.png").read_bytes() == first
    done = run(image_bundle, "--pictures", out)
    assert done.exit_code == 0, done.output
    assert "no map is drawn: the model has no text encoder" in done.stderr


def test_bias_needs_no_data(tiny_bundle: Path) -> None:
    done = run(tiny_bundle, "--bias")
    assert done.exit_code == 0, done.output
    assert len([line for line in done.stdout.splitlines() if line.startswith("WEAT")]) == 14
    found = json.loads(run(tiny_bundle, "--bias", "--json").stdout)
    assert found["bias"][0]["test"] == "WEAT 1"
    assert found["scores"] == {}


def test_nothing_to_measure(tiny_bundle: Path) -> None:
    done = run(tiny_bundle)
    assert done.exit_code == 2
    assert "give --data, or --bias, or --pictures" in done.stderr


@pytest.mark.slow
def test_the_shipped_bundle_on_a_public_set(embedder: edgeembed.Embedder, data: Path) -> None:
    """Its float source has 86.72, by sentence-transformers' own evaluation too."""
    scores = evaluate(encoder_of(embedder).texts, data / "eval" / "stsb_dev.jsonl.gz")
    assert scores == {"stsb_dev": {"spearman": pytest.approx(86.72, abs=0.3)}}
