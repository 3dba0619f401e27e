"""Facts read from a source's own files, and sources that are refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

from edgeembed_export.errors import ExportError
from edgeembed_export.sources.pooling import Dense, Normalize, Pooling
from edgeembed_export.sources.text_source import open_text

from tests.support.tiny_torch import add_sentence_transformers, tiny_text_folder

Edit = Callable[..., None]


def refusal(folder: Path | str, **options: int) -> str:
    with pytest.raises(ExportError) as caught:
        open_text(folder, **options)
    message = str(caught.value)
    assert str(folder) in message
    assert "\n" not in message
    return message


def test_the_teacher(teacher: Path) -> None:
    facts = open_text(teacher, source_id="sentence-transformers/all-MiniLM-L6-v2")
    assert facts.model_type == "bert"
    assert facts.max_tokens == 256  # not the 128 of its tokenizer.json
    assert facts.pooling == (Pooling(("mean",)), Normalize())
    assert facts.pooling_stated
    assert not facts.lowercase
    assert (facts.query_prefix, facts.document_prefix) == ("", "")
    assert facts.license == "Apache-2.0"
    assert facts.weights_sha256 == hashlib.sha256((teacher / "model.safetensors").read_bytes()).hexdigest()
    assert facts.weights_sha256.startswith(facts.revision)
    assert "gooaq" in [item["name"] for item in facts.training_data]


def test_a_plain_folder(bert: Path) -> None:
    facts = open_text(bert)
    assert facts.id == "bert"
    assert facts.pooling == (Pooling(("mean",)), Normalize())
    assert not facts.pooling_stated
    assert facts.max_tokens == 64  # the tokenizer's
    assert facts.license is None
    assert facts.training_data == ()


def test_limit_of_tokens(bert: Path, edit_json: Edit, tmp_path: Path) -> None:
    edit_json(bert / "tokenizer_config.json", model_max_length=10**30)
    assert open_text(bert).max_tokens == 96  # there are no more positions
    edit_json(bert / "sentence_bert_config.json", max_seq_length=40)
    assert open_text(bert).max_tokens == 40
    assert open_text(bert, max_tokens=80).max_tokens == 80
    assert "97 is not between 3 and 96" in refusal(bert, max_tokens=97)
    roberta = tiny_text_folder(tmp_path / "roberta", "roberta")
    edit_json(roberta / "tokenizer_config.json", model_max_length=512)
    assert open_text(roberta).max_tokens == 95  # positions count from the padding id, here 0


def test_pooling_modes_dense_and_prompts(bert: Path) -> None:
    add_sentence_transformers(
        bert,
        pooling={"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True, "pooling_mode_max_tokens": False},
        dense=24,
        normalize=False,
        prompts={"query": "query: ", "passage": "passage: ", "clustering": "cluster: "},
    )
    facts = open_text(bert)
    pooling, dense, last = facts.pooling
    assert pooling == Pooling(("cls", "mean"))
    assert isinstance(dense, Dense)
    assert (dense.weight.shape, dense.activation) == ((24, 64), "Tanh")
    assert last == Normalize()
    assert (facts.query_prefix, facts.document_prefix) == ("query: ", "passage: ")
    assert facts.max_tokens == 48


def test_new_spelling_of_pooling(bert: Path, edit_json: Edit) -> None:
    add_sentence_transformers(bert, pooling={})
    edit_json(bert / "1_Pooling/config.json", pooling_mode="max")
    assert open_text(bert).pooling[0] == Pooling(("max",))
    edit_json(bert / "1_Pooling/config.json", pooling_mode=["mean", "cls"])
    assert open_text(bert).pooling[0] == Pooling(("cls", "mean"))


def test_default_prompt(bert: Path, edit_json: Edit) -> None:
    add_sentence_transformers(bert, pooling={"pooling_mode_cls_token": True}, prompts={"query": "q: ", "plain": "p: "})
    edit_json(bert / "config_sentence_transformers.json", default_prompt_name="plain")
    facts = open_text(bert)
    assert (facts.query_prefix, facts.document_prefix) == ("q: ", "p: ")


def test_card_whose_head_cannot_be_read(bert: Path) -> None:
    (bert / "README.md").write_text("---\nlicense: [mit\n---\n# A model\n")
    assert open_text(bert).license is None
    (bert / "README.md").write_text("---\nlicense: mit\ndatasets: snli\n---\n# A model\n")
    assert open_text(bert).license == "MIT"
    assert [item["name"] for item in open_text(bert).training_data] == ["snli"]


def test_not_a_model(tmp_path: Path) -> None:
    assert "holds no config.json" in refusal(tmp_path)
    (tmp_path / "file").write_text("x")
    assert "neither a folder nor a name" in refusal(tmp_path / "file")
    (tmp_path / "config.json").write_text("{")
    assert "cannot be read as JSON" in refusal(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    assert "names no model_type" in refusal(tmp_path)


def test_weights_that_are_missing(bert: Path, edit_json: Edit) -> None:
    (bert / "model.safetensors").rename(bert / "model-00001.safetensors")
    assert "the weights are missing (no model.safetensors)" in refusal(bert)
    edit_json(
        bert / "model.safetensors.index.json", weight_map={"a": "model-00001.safetensors", "b": "model-2.safetensors"}
    )
    assert "no model-2.safetensors" in refusal(bert)
    edit_json(bert / "model.safetensors.index.json", weight_map={"a": "model-00001.safetensors"})
    assert open_text(bert).weights_sha256


def test_pickles_are_refused(bert: Path) -> None:
    (bert / "model.safetensors").rename(bert / "pytorch_model.bin")
    message = refusal(bert)
    assert "pickle" in message
    assert "safetensors" in message


def test_a_tokenizer_that_is_missing(bert: Path) -> None:
    (bert / "tokenizer.json").unlink()
    assert "tokenizer is missing" in refusal(bert)


def test_decoders_are_refused(bert: Path, edit_json: Edit) -> None:
    edit_json(bert / "config.json", architectures=["GPT2LMHeadModel"], model_type="gpt2")
    assert "decoder-only" in refusal(bert)
    edit_json(bert / "config.json", architectures=["LlamaForCausalLM"], model_type="llama")
    assert "decoder-only" in refusal(bert)
    edit_json(bert / "config.json", architectures=["T5Model"], model_type="t5", is_encoder_decoder=True)
    assert "encoder-decoder" in refusal(bert)


@pytest.mark.parametrize(
    ("file", "changes", "named"),
    [
        ("1_Pooling/config.json", {"pooling_mode_lasttoken": True}, "lasttoken"),
        ("1_Pooling/config.json", {"pooling_mode_mean_tokens": False}, "no pooling mode"),
        ("1_Pooling/config.json", {"include_prompt": False}, "include_prompt"),
        ("2_Dense/config.json", {"activation_function": "torch.nn.modules.activation.GELU"}, "GELU"),
    ],
)
def test_what_cannot_be_honoured(
    bert: Path, edit_json: Edit, file: str, changes: dict[str, object], named: str
) -> None:
    add_sentence_transformers(bert, pooling={"pooling_mode_mean_tokens": True}, dense=8)
    assert open_text(bert)
    edit_json(bert / file, **changes)
    assert named in refusal(bert)


@pytest.mark.parametrize(
    ("kind", "named"),
    [("sentence_transformers.models.LSTM", "LSTM"), ("my_code.Special", "my_code.Special")],
)
def test_modules_that_are_not_known(bert: Path, kind: str, named: str) -> None:
    add_sentence_transformers(bert, pooling={"pooling_mode_mean_tokens": True})
    path = bert / "modules.json"
    path.write_text(path.read_text().replace("sentence_transformers.models.Normalize", kind))
    assert named in refusal(bert)
