"""All measures at once, as data for the manifest and as words for the card."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

from edgeembed_export.evaluation.report import Encoder, Quality, bias_table, encoder_of, measure_quality, typo_table
from edgeembed_export.sealing.model_card import card_text

import edgeembed


@pytest.fixture(scope="module")
def measured(tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Quality:
    folder = tmp_path_factory.mktemp("sets")
    words = ["boat", "garden", "letter", "passport"]
    pairs = [{"a": one, "b": f"the {two}", "score": float(one == two)} for one in words for two in words]
    (folder / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pairs))
    with edgeembed.Embedder.load(tiny_bundle) as embedder:
        return measure_quality(encoder_of(embedder), [folder])


def test_everything_by_default(measured: Quality) -> None:
    assert list(measured.scores) == ["pairs"]
    assert [curve.set for curve in measured.typos] == ["pairs"]
    assert measured.typos[0].scores[0] == measured.scores["pairs"]["spearman"]
    assert len(measured.bias) == 14  # seven tests, with words and with sentences


def test_as_data_is_json(measured: Quality) -> None:
    data = measured.as_data()
    assert json.loads(json.dumps(data)) == data
    assert set(data) == {"scores", "typos", "bias"}
    assert Quality({}).as_data() == {}


def test_what_needs_texts_is_left_out() -> None:
    assert measure_quality(Encoder(None), []) == Quality({})


def test_the_card_tells_it(measured: Quality, tiny_bundle: Path) -> None:
    manifest = edgeembed.Embedder.load(tiny_bundle).manifest
    card = card_text(dataclasses.replace(manifest, quality=measured.as_data()), {})
    score = f"{measured.scores['pairs']['spearman']:.2f}"
    assert f"| pairs | spearman | {score} |" in card
    assert "- spearman: rank correlation" in card
    assert "v-measure" not in card  # only what was measured is explained
    assert "| letters that go wrong | 0 % | 2 % | 5 % |" in card
    assert f"| pairs spearman | {score} |" in card
    found = measured.bias[0]
    assert (
        f"| WEAT 1 | flowers / insects | pleasant / unpleasant | {found.effect_size:+.2f} ({found.p_value:.2g}) |"
        in card
    )
    plain = card_text(dataclasses.replace(manifest, quality={}), {})
    assert "It was not measured on data sets." in plain
    assert "Associations" not in plain


def test_tables(measured: Quality) -> None:
    (line,) = typo_table({"tiny": measured.typos}).splitlines()
    assert line.startswith(f"pairs spearman, tiny  0 %: {measured.typos[0].scores[0]:.2f}  2 %: ")
    head, first, *rest = bias_table({"one": measured.bias, "two": measured.bias}).splitlines()
    assert head.split() == ["one", "two"]
    assert first.startswith("WEAT 1, words: flowers / insects with pleasant / unpleasant")
    assert len(rest) == 13
    assert len({len(row) for row in (head, first, *rest)}) == 1
