"""Distillation: what is trained on, that training helps and can go on, and that students become proved bundles."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

import torch
from click.testing import CliRunner
from edgeembed_export.cli.main import cli
from edgeembed_export.distillation.corpus import SETS, TrainingSet, read_corpus, read_set
from edgeembed_export.distillation.distill import distill
from edgeembed_export.distillation.recipe import Characters, DistillRecipe, Layers, Static
from edgeembed_export.distillation.recipes import STUDENTS
from edgeembed_export.distillation.students.characters import character_student, write_character_graph
from edgeembed_export.distillation.students.layers import layer_student, prune_tokenizer
from edgeembed_export.distillation.students.static import StaticStudent, static_student, write_static_graph
from edgeembed_export.distillation.teacher_vectors import Teacher, teacher_vectors, torch_teacher
from edgeembed_export.distillation.training import Plan, losses, read_log, train
from edgeembed_export.errors import ExportError
from edgeembed_export.references.text import TorchReference
from edgeembed_export.sealing.options import BundleOptions
from edgeembed_export.sealing.proof.golden import background_texts
from edgeembed_export.sources.text_source import open_text
from edgeembed_export.sources.tokenizer import bundle_tokenizer
from tokenizers import Tokenizer

import edgeembed
from edgeembed.bundle.shipped import shipped_names
from edgeembed.maintenance.check_bundle import check, cosines

TINY_CHARACTERS = Characters(width=8, filters=((1, 8), (2, 16)), hidden=16)
OWN = (TrainingSet("own", "the project's own", paragraphs=True),)


def write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def own_data(tmp_path: Path) -> Path:
    """The project's ordinary texts as a training set, and a small similarity set of them."""
    texts = background_texts()
    write(tmp_path / "data/text/own.jsonl.gz", [{"text": text} for text in texts])
    pairs = [{"a": a, "b": b, "score": len(set(a) & set(b))} for a, b in zip(texts[:60], texts[60:120], strict=True)]
    write(tmp_path / "data/eval/pairs_dev.jsonl.gz", pairs)
    return tmp_path / "data"


def test_rows_that_forbid_commercial_use_are_left_out(tmp_path: Path) -> None:
    rows = [("nq.dev", "who wrote it"), ("msmarco-dev", "not this"), ("msmarco-v2", "nor this"), ("web-mq", "a b")]
    write(tmp_path / "queries.jsonl.gz", [{"text": text, "source": source} for source, text in rows])
    pairs = [{"text": "a dog", "source": "sick"}, {"text": "a cat", "source": "stsb"}]
    write(tmp_path / "pair_sentences.jsonl.gz", pairs)
    by_name = {item.name: item for item in SETS}
    assert read_set(tmp_path, by_name["queries"]) == ["who wrote it", "a b"]
    assert read_set(tmp_path, by_name["pair_sentences"]) == ["a cat"]
    assert not {"caption_groups", "textbook_paragraphs"} & set(by_name)
    write(tmp_path / "queries.jsonl.gz", [{"text": "whence?"}])
    with pytest.raises(ExportError, match="names no source"):
        read_set(tmp_path, by_name["queries"])


def test_the_shipped_students_use_no_other_sets(data: Path) -> None:
    for recipe in STUDENTS.values():
        assert recipe.name.endswith("-research") or recipe.sets == SETS
        assert recipe.name not in shipped_names() or recipe.sets == SETS
    texts = set(read_corpus(data, joined=0, seed=0))
    forbidden = {"queries": "msmarco", "pair_sentences": "sick"}
    for name, source in forbidden.items():
        own, shared = set(), set()
        with gzip.open(data / "text" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                (own if row["source"].startswith(source) else shared).add(row["text"])
        assert len(own - shared) > 500
        # A few are also in sets whose terms allow them.
        assert len((own - shared) & texts) < 0.02 * len(own), name


def test_teacher_vectors_are_computed_once(bert: Path, tmp_path: Path, texts: list[str]) -> None:
    reference = TorchReference(open_text(bert))
    real = torch_teacher(reference, bfloat16=False)
    asked: list[int] = []

    def counting(items: Sequence[str]) -> Any:
        asked.append(len(items))
        return real.embed(items)

    teacher = Teacher(counting, real.key, real.title)
    first = teacher_vectors(teacher, texts, tmp_path / "cache")
    np.testing.assert_allclose(first, reference.embed(texts), atol=2e-3)
    assert np.array_equal(teacher_vectors(teacher, texts, tmp_path / "cache"), first)
    assert asked == [len(texts)]
    # Another selection in another order: each text is found by itself, and only what is new is computed, once.
    others = ["a text that is new", *texts[:0:-1], "a text that is new"]
    found = teacher_vectors(teacher, others, tmp_path / "cache")
    assert np.array_equal(found[1:-1], first[:0:-1])
    assert np.array_equal(found[0], found[-1])
    teacher_vectors(Teacher(counting, "another", ""), texts, tmp_path / "cache")
    assert asked == [len(texts), 1, len(texts)]


def test_losses() -> None:
    teacher = torch.nn.functional.normalize(torch.randn(8, 5, generator=torch.Generator().manual_seed(0)), dim=1)
    assert float(losses(teacher, teacher, relation=2.0)["loss"]) == pytest.approx(0, abs=1e-6)
    turned = losses(teacher.flip(1), teacher, relation=2.0)  # the same angles among each other, elsewhere
    assert float(turned["relation"]) == pytest.approx(0, abs=1e-6)
    assert float(turned["vector"]) > 0.1
    mixed = losses(teacher.flip(0), teacher, relation=2.0)
    assert float(mixed["loss"]) == pytest.approx(float(mixed["vector"]) + 2 * float(mixed["relation"]))


def toy() -> tuple[StaticStudent, list[list[int]], Any]:
    rng = np.random.default_rng(0)
    ids = [rng.integers(1, 40, rng.integers(1, 9)).tolist() for _ in range(200)]
    table = rng.normal(size=(40, 12))
    vectors = np.stack([table[row].mean(axis=0) for row in ids])
    torch.manual_seed(0)
    student = StaticStudent(40, 6, 12)
    for parameter in (student.table, student.projection):
        torch.nn.init.normal_(parameter)
    return student, ids, (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)


@pytest.mark.parametrize("batch_tokens", [None, 64])
def test_training_goes_on_where_it_was_interrupted(tmp_path: Path, batch_tokens: int | None) -> None:
    plan = Plan(steps=30, batch_texts=16, batch_tokens=batch_tokens, learning_rate=0.05, log_every=5, evaluate_every=10)
    whole, ids, targets = toy()
    train(whole, ids, targets, plan, tmp_path / "whole")
    parts, _, _ = toy()
    train(parts, ids, targets, plan, tmp_path / "parts", stop_after=17)  # seven steps after the last checkpoint
    again, _, _ = toy()
    train(again, ids, targets, plan, tmp_path / "parts")
    for name, value in whole.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    logs = [read_log(tmp_path / name / "log.jsonl") for name in ("whole", "parts")]
    assert [[line["step"] for line in log] for log in logs] == [[5, 10, 15, 20, 25, 30]] * 2
    assert [line["loss"] for line in logs[0]] == [line["loss"] for line in logs[1]]
    assert logs[0][-1]["loss"] < 0.7 * logs[0][0]["loss"]


def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    student, ids, targets = toy()
    train(student, ids, targets, Plan(steps=2, batch_texts=16, learning_rate=0.05), tmp_path)
    with pytest.raises(ExportError, match="another recipe"):
        train(student, ids, targets, Plan(steps=3, batch_texts=16, learning_rate=0.05), tmp_path)
    with pytest.raises(ExportError, match="another recipe"):
        train(student, ids, targets[::-1].copy(), Plan(steps=2, batch_texts=16, learning_rate=0.05), tmp_path)


def test_smaller_vocabulary_spells_every_word(teacher: Path, texts: list[str]) -> None:
    source = open_text(teacher)
    whole = bundle_tokenizer(TorchReference(source).tokenizer.backend_tokenizer)
    before = Tokenizer.from_str(whole.decode())
    several = [*texts, *background_texts()]
    counts = np.bincount([i for text in several for i in before.encode(text).ids], minlength=30522)
    smaller, kept = prune_tokenizer(whole, counts, 9000)
    after = Tokenizer.from_str(smaller.decode())
    assert after.get_vocab_size() == len(kept) < 12_000
    unknown = [tokenizer.token_to_id("[UNK]") for tokenizer in (before, after)]
    changed = 0
    # Words that the counts have never seen, too.
    for text in [*several, "sesquipedalian antidisestablishmentarianism", *list(before.get_vocab())[::50]]:
        old, new = before.encode(text), after.encode(text)
        assert old.ids.count(unknown[0]) == new.ids.count(unknown[1]), text
        joined = ["".join(encoding.tokens).replace("##", "") for encoding in (old, new)]
        assert joined[0] == joined[1]
        changed += old.tokens != new.tokens
        same = [before.token_to_id(token) == kept[i] for token, i in zip(new.tokens, new.ids, strict=True)]
        assert all(same)
    assert changed > 10
    with pytest.raises(ExportError, match="only WordPiece"):
        prune_tokenizer(b'{"model": {"type": "BPE"}}', counts, 10)


def test_all_layers_and_tokens_are_the_teacher_itself(bert: Path, texts: list[str]) -> None:
    reference = TorchReference(open_text(bert))
    rows = int(reference.model.config.vocab_size)
    student = layer_student(reference, (0, 1), token_ids=np.arange(rows), positions=96).eval()
    with torch.inference_mode():
        vectors = student(reference.token_ids(texts)).numpy()
    np.testing.assert_allclose(vectors, reference.embed(texts), atol=1e-5)
    with pytest.raises(ExportError, match="has layers 0 to 1"):
        layer_student(reference, (0, 2), token_ids=np.arange(rows), positions=96)


def test_static_graph_computes_the_student(tmp_path: Path) -> None:
    import onnxruntime

    student, ids, _ = toy()
    write_static_graph(student, tmp_path / "static.onnx", pad_id=0)
    session = onnxruntime.InferenceSession(str(tmp_path / "static.onnx"), providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        expected = student(ids).numpy()
    alone = np.stack([session.run(None, {"input_ids": np.array([row])})[0][0] for row in ids])
    assert cosines(alone, expected).min() > 0.999
    padded = np.array([row + [0] * (9 - len(row)) for row in ids])
    np.testing.assert_allclose(session.run(None, {"input_ids": padded})[0], alone, atol=1e-6)
    assert session.run(None, {"input_ids": np.zeros((1, 2), np.int64)})[0].tolist() == [[0.0] * 12]


def test_static_student_starts_from_what_tokens_mean(bert: Path, texts: list[str]) -> None:
    reference = TorchReference(open_text(bert))
    student = static_student(reference, reference.token_ids(texts), 32)  # as wide as the teacher: nothing is lost
    word = reference.token_ids(["a"])[0][1]
    vector = (student.table[word] @ student.projection).detach().numpy()
    assert cosines(vector[None], reference.embed(["a"])).item() == pytest.approx(1, abs=1e-5)
    common = max(range(len(student.importance)), key=lambda i: sum(row.count(i) for row in reference.token_ids(texts)))
    assert int(student.importance.argmin()) == common


def test_character_graph_computes_the_student(bert: Path, texts: list[str], tmp_path: Path) -> None:
    import onnxruntime

    reference = TorchReference(open_text(bert))
    tokenizer = bundle_tokenizer(reference.tokenizer.backend_tokenizer)
    ids = [row for row in reference.token_ids(texts) if row]
    counts = np.bincount(np.concatenate(ids), minlength=reference.model.config.vocab_size)
    torch.manual_seed(0)
    student = character_student(tokenizer, counts, TINY_CHARACTERS, 12).eval()
    # Tokens that are spelt otherwise are told apart, and the same letters within a word are not those at its beginning.
    vocabulary = Tokenizer.from_str(tokenizer.decode()).get_vocab()
    inner = next(token for token in vocabulary if token.startswith("##") and token[2:] in vocabulary)
    rows = student.characters[[vocabulary[inner], vocabulary[inner[2:]]]]
    assert rows[0, 0] != rows[1, 0]
    assert torch.equal(rows[0, 1:], rows[1, 1:])
    write_character_graph(student, tmp_path / "characters.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "characters.onnx"), providers=["CPUExecutionProvider"])
    with torch.inference_mode():
        expected = student(ids).numpy()
    alone = [
        session.run(None, {"input_ids": np.array([row]), "attention_mask": np.ones((1, len(row)), np.int64)})[0][0]
        for row in ids
    ]
    np.testing.assert_allclose(alone, expected, atol=1e-5)


@pytest.mark.parametrize(
    "student", [Static(width=16), Layers(layers=(1,), rows=60), TINY_CHARACTERS], ids=["static", "layers", "characters"]
)
def test_distill_makes_a_proved_bundle(bert: Path, own_data: Path, tmp_path: Path, student: Any) -> None:
    recipe = DistillRecipe(
        bundle=BundleOptions(
            name="small", license="Apache-2.0", training_data=[{"name": "the teacher's", "terms": "x"}]
        ),
        student=student,
        plan=Plan(steps=60, batch_texts=64, learning_rate=0.01, relation=1.0, log_every=10, evaluate_every=20, seed=3),
        sets=OWN,
    )
    made = distill(bert, own_data, tmp_path / "out", recipe)
    log = read_log(tmp_path / "out/log.jsonl")
    found = [line["loss"] for line in log if "loss" in line]
    assert found[-1] < 0.8 * found[0]
    assert [line["step"] for line in log if "pairs_dev spearman" in line] == [0, 20, 40, 60]
    assert (tmp_path / "out/curves.png").read_bytes().startswith(b"\x89PNG")
    bundle = edgeembed.Embedder.load(tmp_path / "out/small").bundle
    assert all(stage.ok for stage in check(bundle))
    manifest = bundle.manifest
    assert [item["name"] for item in manifest.training_data] == ["the teacher's", "own (distillation)"]
    assert manifest.source["recipe"] == "small"
    assert manifest.source["seed"] == "3"
    assert manifest.space.startswith("small@")
    assert set(made.scores) == {"bundle", "teacher"}
    card = (bundle.path / "README.md").read_text(encoding="utf-8")
    assert "smaller student" in card
    assert "seed 3, for 60 steps" in card
    again = distill(bert, own_data, tmp_path / "out", recipe)  # trained already: sealed anew, and the same
    assert again.bundle.manifest.digest == manifest.digest


def test_a_short_distillation_beats_its_start(teacher: Path, data: Path, tmp_path: Path) -> None:
    """Layers 0, 1 and 3 of MiniLM, a minute of training: five points at the least on STS-B's development set."""
    (tmp_path / "data/eval").mkdir(parents=True)
    (tmp_path / "data/text").mkdir()
    (tmp_path / "data/eval/stsb_dev.jsonl.gz").write_bytes((data / "eval/stsb_dev.jsonl.gz").read_bytes())
    pairs = "pair_sentences.jsonl.gz"
    (tmp_path / "data/text" / pairs).write_bytes((data / "text" / pairs).read_bytes())
    recipe = DistillRecipe(
        bundle=BundleOptions(name="short", source_id="sentence-transformers/all-MiniLM-L6-v2", max_tokens=256),
        student=Layers(layers=(0, 1, 3), rows=12_000),
        plan=Plan(steps=80, batch_texts=32, learning_rate=4e-4, relation=5.0, log_every=10, evaluate_every=80),
        texts=1600,
        sets=tuple(item for item in SETS if item.name == "pair_sentences"),
        teacher="minilm-l6-int8",
    )
    distill(teacher, tmp_path / "data", tmp_path / "out", recipe)
    log = read_log(tmp_path / "out/log.jsonl")
    found = [line["loss"] for line in log if "loss" in line]
    scores = [line["stsb_dev spearman"] for line in log if "stsb_dev spearman" in line]
    assert found[-1] < 0.75 * found[0]
    assert scores[-1] >= scores[0] + 5


def test_command(own_data: Path, tmp_path: Path) -> None:
    run = CliRunner().invoke(cli, ["distill", "--recipe", "none", "--data", str(own_data), "--out", str(tmp_path)])
    assert run.exit_code == 2
    assert "minilm-static" in run.output
    run = CliRunner().invoke(
        cli, ["distill", "--recipe", "minilm-static", "--data", str(own_data), "--out", str(tmp_path), "--source", "no"]
    )
    assert run.exit_code != 0
    assert isinstance(run.exception, ExportError)
