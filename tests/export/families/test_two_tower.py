"""CLIP and SigLIP: source folder in, one proved bundle with both towers out; their tokenizers; what is refused."""

from __future__ import annotations

import dataclasses
import gzip
import itertools
import json
import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click.testing
import numpy as np
import pytest

pytest.importorskip("torch", reason="the export stage is not installed")

from edgeembed_export.cli.main import cli
from edgeembed_export.errors import ExportError
from edgeembed_export.families.detect import export, family_of, load_float
from edgeembed_export.families.registry import FAMILIES
from edgeembed_export.families.two_tower import open_two_tower
from edgeembed_export.quantization.choose import Tolerance
from edgeembed_export.quantization.schemes import FLOAT32, INT8, quantize
from edgeembed_export.references.image import upright_rgb
from edgeembed_export.sealing.options import EncoderOptions
from edgeembed_export.sealing.pipeline import bundle_info, make_bundle
from edgeembed_export.sealing.proof.golden_images import background_images
from edgeembed_export.sealing.seal import prove
from edgeembed_export.sources.siglip_tokenizer import convert_siglip
from edgeembed_export.sources.tokenizer import bundle_tokenizer

import edgeembed
from edgeembed.bundle.bundle import Bundle, read_bundle
from edgeembed.inference.tokenizer import BundleTokenizer
from edgeembed.maintenance.check_bundle import check, cosines
from tests.support.tiny_towers import (
    tiny_clip_folder,
    tiny_image_folder,
    tiny_siglip_folder,
    write_clip_tokenizer,
)

SCHEMES = {"float32": FLOAT32, "int8": INT8}
MODELS = ("clip", "clip of old", "siglip")

ODD_TEXTS = [
    "",
    " ",
    "\n\t",
    "👨‍👩‍👧 a family 🇩🇪 ❤️ 🙂🙂",
    "東京で寿司を食べる",
    "中文:图片标题，测试",
    "한국어 문장",
    "Émile a mangé une crème brûlée",
    "Cafe\u0301 and Café",
    "&amp; &lt;b&gt; &#39;quoted&#39; &nbsp;",
    "I'LL say it's They've we'd I'm don't",
    "１２３ ﬁne Ⅳ ½ ²",
    "ПРИВЕТ мир",
    "مرحبا بالعالم",
    "नमस्ते दुनिया",
    "#hash @user https://example.org/a?b=c%20d",
    "<|startoftext|> in the text <|endoftext|>",
    "a\u00a0b\u3000c\u2028d",
    "__init__ ____ ---- ....",
    "İstanbul STRAẞE ǅ",
    "\u00adsoft\u00adhyphen \ufeffmark \u200eleft",
    "x" * 300,
]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders by the names of ``MODELS``; none of the tests changes them."""
    root = tmp_path_factory.mktemp("sources")
    return {
        "clip": tiny_clip_folder(root / "clip"),
        "clip of old": tiny_clip_folder(root / "clip-of-old", legacy_eos=True),
        "siglip": tiny_siglip_folder(root / "siglip"),
    }


@pytest.fixture(scope="module")
def bundles(sources: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Bundle]:
    """Bundles by the names of ``MODELS`` and of ``SCHEMES``."""
    root = tmp_path_factory.mktemp("bundles")
    return {
        (name, scheme): make_bundle(
            FAMILIES["two-tower"], source, root / f"{name}-{scheme}", EncoderOptions(scheme=SCHEMES[scheme])
        ).bundle
        for name, source in sources.items()
        for scheme in SCHEMES
    }


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A folder to spoil."""
    return tiny_clip_folder(tmp_path / "clip")


def unit(rows: list[Any]) -> np.ndarray:
    vectors = np.concatenate([row.detach().numpy() for row in rows])
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def transformers_towers(folder: Path, family: str) -> tuple[Callable[[str], Any], Callable[[bytes], Any]]:
    """A text and an image file to a vector each, by classes of transformers for one tower alone."""
    import torch
    import transformers

    processor = transformers.AutoImageProcessor.from_pretrained(folder, use_fast=False)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    if family == "siglip":
        seeing = transformers.SiglipVisionModel.from_pretrained(folder).eval()
        reading = transformers.SiglipTextModel.from_pretrained(folder).eval()
        padding, name = {"padding": "max_length", "max_length": 32, "return_attention_mask": False}, "pooler_output"
    else:
        seeing = transformers.CLIPVisionModelWithProjection.from_pretrained(folder).eval()
        reading = transformers.CLIPTextModelWithProjection.from_pretrained(folder).eval()
        padding, name = {"max_length": 24}, None

    def read(text: str) -> Any:
        with torch.inference_mode():
            return reading(**tokenizer([text], truncation=True, return_tensors="pt", **padding))[name or "text_embeds"]

    def see(image: bytes) -> Any:
        pixels = processor(upright_rgb(image), return_tensors="pt", input_data_format="channels_last")
        with torch.inference_mode():
            return seeing(**pixels)[name or "image_embeds"]

    return read, see


@pytest.mark.parametrize("name", MODELS)
def test_every_family_gives_transformers_vectors(
    name: str, sources: dict[str, Path], bundles: dict[tuple[str, str], Bundle], texts: list[str], images: list[bytes]
) -> None:
    read, see = transformers_towers(sources[name], name)
    with edgeembed.Embedder(bundles[name, "float32"]) as embedder:
        found = embedder.embed_texts(texts)
        np.testing.assert_allclose(found, unit([read(text) for text in texts]), atol=1e-5, rtol=0)
        assert len({row.tobytes() for row in found}) >= 45  # some differ only behind the limit
        found = embedder.embed_images(images)
        np.testing.assert_allclose(found, unit([see(image) for image in images]), atol=1e-5, rtol=0)
        assert len({row.tobytes() for row in found}) == 50
    assert all(result.ok for result in check(bundles[name, "float32"]))


@pytest.mark.parametrize("name", MODELS)
def test_int8_is_close_and_smaller(
    name: str, bundles: dict[tuple[str, str], Bundle], texts: list[str], images: list[bytes]
) -> None:
    exact, small = bundles[name, "float32"], bundles[name, "int8"]
    with edgeembed.Embedder(exact) as one, edgeembed.Embedder(small) as other:
        for cosine in (
            cosines(one.embed_texts(texts), other.embed_texts(texts)),
            cosines(one.embed_images(images), other.embed_images(images)),
        ):
            assert cosine.min() >= INT8.least_cosine
            assert cosine.mean() >= INT8.least_mean_cosine
    for graph in ("text.onnx", "image.onnx"):
        assert small.file(graph).stat().st_size < 0.8 * exact.file(graph).stat().st_size


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", MODELS)
def test_an_altered_bundle_does_not_pass(
    name: str,
    scheme: str,
    bundles: dict[tuple[str, str], Bundle],
    reseal: Callable[..., Bundle],
    scaled: Callable[..., dict[str, dict[str, bytes]]],
    failing: Callable[[Bundle], list[str]],
) -> None:
    bundle = bundles[name, scheme]
    assert failing(bundle) == []
    for graph, stage in (("text.onnx", "vectors against"), ("image.onnx", "image vectors against")):
        altered = scaled(bundle, graph, 4)
        assert len(altered) == 4
        for matrix, files in altered.items():
            stages = failing(reseal(bundle, files))
            assert any(found.startswith(f"{stage} the bundle's own") for found in stages), matrix
            assert all(found.startswith(stage) for found in stages)
    text, image = bundle.manifest.text, bundle.manifest.image
    assert text is not None
    assert image is not None
    altered_text = dataclasses.replace(text, max_tokens=text.max_tokens - 1)
    assert failing(reseal(bundle, text=altered_text))[0] == "token ids"
    mean = (image.mean[0], image.mean[1] + 0.01, image.mean[2])
    assert failing(reseal(bundle, image=dataclasses.replace(image, mean=mean)))[0] == "pixels"
    if text.pad_to is not None:
        stages = failing(reseal(bundle, text=dataclasses.replace(text, pad_id=text.pad_id + 1)))
        assert any(stage.startswith("vectors against") for stage in stages)


@pytest.mark.parametrize("name", ["clip", "siglip"])
def test_twice_gives_the_same_bytes(name: str, sources: dict[str, Path], tmp_path: Path) -> None:
    for out in ("one", "two"):
        make_bundle(FAMILIES["two-tower"], sources[name], tmp_path / out, EncoderOptions(name="same"))
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(names) == 8
    for file in names:
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes(), file


def test_facts_of_the_bundle(sources: dict[str, Path], bundles: dict[tuple[str, str], Bundle]) -> None:
    manifest, source = bundles["clip", "int8"].manifest, open_two_tower(sources["clip"])
    assert manifest.dim == 16
    assert manifest.space == f"clip@{source.weights_sha256[:12]}/16"
    assert manifest.text is not None
    assert (manifest.text.max_tokens, manifest.text.pad_to) == (24, None)
    assert set(manifest.quality) == {"cosine_to_reference", "image_cosine_to_reference"}
    assert {"self", "self_share", "image_self", "image_self_share"} <= set(manifest.tolerance)
    text = bundles["siglip", "int8"].manifest.text
    assert text is not None
    assert (text.max_tokens, text.pad_to, text.pad_id) == (32, 32, 1)
    card = bundles["clip", "int8"].file("README.md").read_text(encoding="utf-8")
    for fact in ("24 tokens", "the shorter side to 32 pixels", "embed_texts", "embed_images", "the visual projection"):
        assert fact in card, fact
    with np.load(bundles["clip", "int8"].file("background.npz")) as background:
        assert background["image"].shape == (len(background_images()), 16)
        assert background["text"].shape[1] == 16


def test_a_graph_takes_no_more_than_it_uses(bundles: dict[tuple[str, str], Bundle]) -> None:
    import onnx

    for (name, _), bundle in bundles.items():
        (taken,) = onnx.load(bundle.file("text.onnx")).graph.input
        shape = [item.dim_param or item.dim_value for item in taken.type.tensor_type.shape.dim]
        assert taken.name == "input_ids"
        assert shape == ["batch_size", 32 if name == "siglip" else "sequence_length"]
        (taken,) = onnx.load(bundle.file("image.onnx")).graph.input
        assert [item.dim_value for item in taken.type.tensor_type.shape.dim] == [0, 3, 32, 32]


def test_a_limit_of_ones_own(sources: dict[str, Path], tmp_path: Path, texts: list[str]) -> None:
    for name, pad_to in (("clip", None), ("siglip", 32)):
        recipe = EncoderOptions(scheme=FLOAT32, max_tokens=9)
        text = make_bundle(FAMILIES["two-tower"], sources[name], tmp_path / name, recipe).bundle.manifest.text
        assert text is not None
        assert (text.max_tokens, text.pad_to) == (9, pad_to)
        with pytest.raises(ExportError, match="--max-tokens 40 is not between 3 and"):
            make_bundle(FAMILIES["two-tower"], sources[name], tmp_path / "other", EncoderOptions(max_tokens=40))


def test_how_tightly_an_int8_bundle_is_held(
    bundles: dict[tuple[str, str], Bundle], sources: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Strictly where rounding leaves most inputs as they are, and loosely where it does not."""
    tight = bundles["clip", "int8"].manifest.tolerance
    assert tight["image_self"] > 1 - 1e-11
    exact = bundles["clip", "float32"].manifest.tolerance
    assert min(exact["self"], exact["image_self"]) > 1 - 1e-11
    assert min(exact["self_share"], exact["image_self_share"]) >= 0.2
    monkeypatch.setattr(
        "edgeembed_export.sealing.proof.self_tolerance._JITTER", 1e-3
    )  # as if the model were far larger
    bundle = make_bundle(FAMILIES["two-tower"], sources["clip"], tmp_path / "out", EncoderOptions(scheme=INT8)).bundle
    loose = bundle.manifest.tolerance
    assert 1 - 0.05 < loose["image_self"] < 1 - 1e-8
    assert 1 - 0.05 < loose["self"] < 1 - 1e-8
    assert all(result.ok for result in check(bundle))


def test_auto_chooses_for_each_tower(
    sources: dict[str, Path],
    bundles: dict[tuple[str, str], Bundle],
    tmp_path: Path,
    reseal: Callable[..., Bundle],
    scaled: Callable[..., dict[str, dict[str, bytes]]],
    failing: Callable[[Bundle], list[str]],
) -> None:
    """One tower's int8 is close enough here, the other's is not."""
    close = bundles["clip", "int8"].manifest.quality
    text, image = (close[f"{kind}cosine_to_reference"]["mean"] for kind in ("", "image_"))
    assert text < image
    mean = (text + image) / 2
    exported = export(
        sources["clip"], tmp_path / "out", precision="auto", name="mine", tolerance=Tolerance(mean=mean, least=0.9)
    )
    manifest = exported.bundle.manifest
    assert manifest.precision.startswith("texts: ")
    assert manifest.precision.endswith(f"; pictures: {INT8.precision}")
    assert INT8.precision != manifest.precision.split("; ")[0].removeprefix("texts: ")
    assert exported.verification.closeness["text"].mean >= mean
    image_graphs = (bundle.file("image.onnx").read_bytes() for bundle in (exported.bundle, bundles["clip", "int8"]))
    assert len({*image_graphs}) == 1
    card = exported.bundle.file("README.md").read_text(encoding="utf-8")
    assert "How weights of the text tower are stored was chosen by measurement: int8-" in card
    assert "How weights of the image tower are stored was chosen by measurement: int8 is the smallest" in card
    assert [note.split("\n")[0] for note in exported.notes[2:]] == ["texts:", "pictures:"]
    assert failing(exported.bundle) == []
    for graph, stage in (("text.onnx", "vectors against"), ("image.onnx", "image vectors against")):
        for matrix, files in scaled(exported.bundle, graph, 3).items():
            stages = failing(reseal(exported.bundle, files))
            assert any(found.startswith(f"{stage} the bundle's own") for found in stages), matrix
            assert all(found.startswith(stage) for found in stages)


def test_each_tower_is_held_to_its_own_tolerance(
    sources: dict[str, Path], tmp_path: Path, reseal: Callable[..., Bundle], failing: Callable[[Bundle], list[str]]
) -> None:
    """A float32 tower beside an int8 one is held as tightly as alone, and the other is not."""
    with tempfile.TemporaryDirectory() as scratch:
        model = load_float(sources["clip"], Path(scratch))
        assert model.text is not None
        assert model.image is not None
        quantize(model.image.graph, Path(scratch, "image.onnx"), INT8, model.image.calibration())
        image = dataclasses.replace(model.image, graph=Path(scratch, "image.onnx"), scheme=INT8)
        info = bundle_info(model.source, EncoderOptions(), tmp_path / "out", model.dim)
        bundle = prove(Path(scratch), info=info, text=model.text, image=image, dim=model.dim).write(tmp_path / "out")
    allowed = bundle.manifest.tolerance
    assert {key: allowed[key] for key in FLOAT32.tolerance} == FLOAT32.tolerance
    assert allowed["image_reference"] == INT8.least_cosine
    assert bundle.manifest.precision == f"texts: float32; pictures: {INT8.precision}"
    assert failing(bundle) == []
    alone = {key: value for key, value in allowed.items() if key != "image_reference"}
    assert failing(reseal(bundle, tolerance=alone)) == ["image vectors against the float model"]


def test_quantize_table(sources: dict[str, Path], tmp_path: Path) -> None:
    for number, image in enumerate(background_images()[:4]):
        (tmp_path / f"{number}.png").write_bytes(image)
    rows = [json.dumps({"image": f"{number}.png", "captions": [f"a {number}", "b"]}) + "\n" for number in range(4)]
    (tmp_path / "shown_captions.jsonl").write_text("".join(rows))
    absent = json.dumps({"image": "gone.png", "captions": ["a"]}) + "\n"
    (tmp_path / "absent_captions.jsonl").write_text(absent)  # is passed over
    pairs = [("a cat", "a cat", 5), ("a cat", "a dog", 3), ("a cat", "the sea", 0), ("rain", "snow", 2)]
    lines = [json.dumps({"a": a, "b": b, "score": score}) + "\n" for a, b, score in pairs]
    (tmp_path / "pairs.jsonl").write_text("".join(lines))
    arguments = ["quantize-table", str(sources["siglip"]), "--data", str(tmp_path), "--max-tokens", "12"]
    done = click.testing.CliRunner().invoke(
        cli, [*arguments, "--schemes", "float32,int8", "--json", str(tmp_path / "table.txt")]
    )
    assert done.exit_code == 0, done.output
    texts, images = (table.splitlines() for table in done.output.split("\n\n"))
    assert texts[0] == "texts:"
    assert images[0] == "pictures:"
    assert "pairs spearman" in texts[1]
    assert "pairs spearman" not in images[1]  # the same for every form of the image tower
    assert texts[1].endswith("tokens/s")
    assert images[1].endswith("pictures/s")
    found = json.loads((tmp_path / "table.txt").read_text())
    for kind, tower in found.items():
        assert tower["chosen"] == "int8", kind
        exact, small = tower["schemes"]
        assert exact["cosine_mean"] == 1
        assert small["size_bytes"] < exact["size_bytes"]
        assert 0 <= exact["scores"]["shown"]["text to image R@1"] <= 100
    float32 = [found[kind]["schemes"][0]["scores"]["shown"] for kind in ("text", "image")]
    assert float32[0] == float32[1]


def test_measured_while_exporting(sources: dict[str, Path], tmp_path: Path) -> None:
    pairs = [("a cat", "a cat", 5), ("a cat", "a dog", 3), ("a cat", "the sea", 0), ("rain", "snow", 2)]
    with gzip.open(tmp_path / "pairs.jsonl.gz", "wt") as file:
        file.writelines(json.dumps({"a": a, "b": b, "score": score}) + "\n" for a, b, score in pairs)
    exported = make_bundle(
        FAMILIES["two-tower"], sources["clip"], tmp_path / "out", EncoderOptions(scheme=FLOAT32), data=tmp_path
    )
    assert exported.scores["bundle"] == exported.scores["source"]
    assert exported.bundle.manifest.quality["scores"] == exported.scores["bundle"]


# Tokenizers


@pytest.fixture(scope="session")
def real_clip_tokenizer(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with CLIP's own vocabulary, in the form of transformers' ``CLIPTokenizer``."""
    from transformers.models.clip.tokenization_clip import bytes_to_unicode

    file = data / "clip" / "bpe_simple_vocab_16e6.txt.gz"
    if not file.is_file():
        pytest.skip(f"{file} is not there")
    merges = gzip.decompress(file.read_bytes()).decode().split("\n")[1 : 49152 - 256 - 2 + 1]
    letters = list(bytes_to_unicode().values())
    pieces = [*letters, *(f"{letter}</w>" for letter in letters), *(merge.replace(" ", "") for merge in merges)]
    out = tmp_path_factory.mktemp("clip")
    write_clip_tokenizer(out, [*pieces, "<|startoftext|>", "<|endoftext|>"], merges, max_length=77)
    return out


def two_thousand_texts(data: Path) -> list[str]:
    """Captions, titles of photos in many languages, definitions and questions; and odd ones."""

    def strings(value: Any) -> list[str]:
        if isinstance(value, str):
            return [value]
        values = value.values() if isinstance(value, dict) else value
        return list(itertools.chain.from_iterable(map(strings, values)))

    found = list(ODD_TEXTS)
    for name, count in (("image_titles_multilingual", 900), ("glosses", 400), ("queries", 300), ("caption_groups", 80)):
        with gzip.open(data / "text" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
        for row in random.Random(0).sample(rows, count):
            found += strings(row.get("captions", row.get("text")))
    assert len(found) >= 2000
    return found[:2000]


def test_the_ids_of_clips_own_tokenizer(
    real_clip_tokenizer: Path, data: Path, tiny_bundle: Path, reseal: Callable[..., Bundle]
) -> None:
    """transformers' slow tokenizer without ftfy does two things that its fast one, which a bundle follows, does not.

    It drops what Unicode calls controls, formats and unassigned (soft hyphens, byte order marks, joiners of emoji), and
    it puts spaces around Chinese characters. Where neither occurs the ids are the same; and with these two turned off
    they are the same in all texts. Two rarities differ besides: a capital sigma at the end of a word, and U+001C to
    U+001F, which count as spaces only there.
    """
    from transformers import CLIPTokenizer, CLIPTokenizerFast
    from transformers.models.clip.tokenization_clip import BasicTokenizer

    texts = two_thousand_texts(data)
    slow, fast = (kind.from_pretrained(real_clip_tokenizer) for kind in (CLIPTokenizer, CLIPTokenizerFast))
    if slow.fix_text is not None:
        pytest.skip("ftfy is installed, which changes what the slow tokenizer does")
    tiny = read_bundle(tiny_bundle)
    assert tiny.manifest.text is not None
    section = dataclasses.replace(tiny.manifest.text, max_tokens=77)
    bundle = reseal(tiny, {"tokenizer.json": bundle_tokenizer(fast.backend_tokenizer)}, text=section)
    found = [ids.tolist() for ids, _ in BundleTokenizer(bundle).encode(texts, role="document")]
    assert max(map(len, found)) == 77

    def ids(tokenizer: Any) -> list[list[int]]:
        return [list(row) for row in tokenizer(texts, truncation=True, max_length=77)["input_ids"]]

    assert found == ids(fast)
    other = [text for text, one, two in zip(texts, found, ids(slow), strict=True) if one != two]
    assert 0 < len(other) < 200
    cleaner = slow.nlp
    for text in other:
        assert cleaner._clean_text(text).split() != text.split() or cleaner._tokenize_chinese_chars(text) != text, text
    slow.nlp = BasicTokenizer(strip_accents=False, do_split_on_punc=False, tokenize_chinese_chars=False)
    slow.nlp._clean_text = lambda text: text
    assert found == ids(slow)


@pytest.mark.filterwarnings("ignore:This sequence already has:UserWarning")
def test_the_ids_of_siglips_own_tokenizer(sources: dict[str, Path], texts: list[str]) -> None:
    from transformers import SiglipTokenizer

    slow = SiglipTokenizer.from_pretrained(sources["siglip"])
    fast = convert_siglip(slow)
    special = ["</s>", "x </s>", "a</s>b", '"</s> x', 'a </s>" b', "<unk> x", "a <unk>", "</s></s>", "</S> <UNK>"]
    spaces = ["  two  spaces ", '"- quoted"', "▁ ▁x", "\u200bx \u200b y", "\x01control", "'''", "a . b"]
    for text in [*ODD_TEXTS, *texts, *special, *spaces]:
        assert fast.encode(text).ids == slow(text)["input_ids"], text


def test_siglip_with_a_fast_tokenizer(sources: dict[str, Path], tmp_path: Path, texts: list[str]) -> None:
    """SigLIP 2 has one; the same tokenizer in that form gives the same bundle, whatever class its file names."""
    from transformers import PreTrainedTokenizerFast, SiglipTokenizer

    source = tiny_siglip_folder(tmp_path / "source")
    tokenizer = convert_siglip(SiglipTokenizer.from_pretrained(source))
    (source / "spiece.model").unlink()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=32, pad_token="</s>", eos_token="</s>", unk_token="<unk>"
    )
    fast.save_pretrained(source)
    recipe = EncoderOptions(scheme=FLOAT32)
    with (
        edgeembed.Embedder(make_bundle(FAMILIES["two-tower"], source, tmp_path / "fast", recipe).bundle) as one,
        edgeembed.Embedder(
            make_bundle(FAMILIES["two-tower"], sources["siglip"], tmp_path / "slow", recipe).bundle
        ) as other,
    ):
        np.testing.assert_array_equal(one.embed_texts(texts), other.embed_texts(texts))


# Kinds, and what is refused


def test_kinds(sources: dict[str, Path], bert: Path, tmp_path: Path, edit_json: Callable[..., None]) -> None:
    assert family_of(sources["clip"]) == family_of(sources["siglip"]) == "two-tower"
    assert family_of(tiny_image_folder(tmp_path / "vit")) == "image"
    assert family_of(bert) == "text"
    (tmp_path / "words.txt").write_text("red 0.1 0.2 0.3\nblue 0.4 0.5 0.6\n")
    assert family_of(tmp_path / "words.txt") == "words"
    edit_json(bert / "config.json", model_type="chinese_clip")
    assert family_of(bert) == "two-tower"
    edit_json(bert / "config.json", model_type="convnext")
    assert family_of(bert) == "image"
    edit_json(bert / "config.json", model_type="clip_text_model")
    with pytest.raises(ExportError, match=r"one part of a larger model \(clip_text_model\)"):
        family_of(bert)


def test_one_function_for_every_kind(sources: dict[str, Path], tmp_path: Path) -> None:
    made = export(sources["clip"], tmp_path / "out", precision="float32", name="mine", max_tokens=12).bundle.manifest
    assert made.text is not None
    assert made.image is not None
    assert (made.name, made.text.max_tokens, made.precision) == ("mine", 12, "float32")
    vit = tiny_image_folder(tmp_path / "vit")
    assert export(vit, tmp_path / "seeing", precision="int8").bundle.manifest.text is None
    with pytest.raises(ExportError, match="no --max-tokens"):
        export(vit, tmp_path / "other", precision="int8", max_tokens=12)


def test_the_folder_of_sentence_transformers(clip: Path, tmp_path: Path) -> None:
    top = tmp_path / "clip-tiny"
    top.mkdir()
    clip.rename(top / "0_CLIPModel")
    modules = [{"idx": 0, "name": "0", "path": "0_CLIPModel", "type": "sentence_transformers.models.CLIPModel"}]
    (top / "modules.json").write_text(json.dumps(modules))
    assert family_of(top) == "two-tower"
    assert open_two_tower(top).id == "clip-tiny"
    dense = {"idx": 1, "name": "1", "path": "1_Dense", "type": "sentence_transformers.models.Dense"}
    (top / "modules.json").write_text(json.dumps([*modules, dense]))
    assert "Dense after CLIPModel is not supported" in refusal(top, tmp_path)


def test_unsuitable_sources(clip: Path, tmp_path: Path, edit_json: Callable[..., None]) -> None:
    for name, reason in (
        ("vocab.json", "the tokenizer is missing"),
        ("merges.txt", "cannot load the tokenizer"),
        ("preprocessor_config.json", "no preprocessor_config.json"),
        ("model.safetensors", "the weights are missing"),
    ):
        (clip / name).rename(tmp_path / "kept")
        assert reason in refusal(clip, tmp_path)
        (tmp_path / "kept").rename(clip / name)
    (clip / "model.safetensors").rename(clip / "pytorch_model.bin")
    assert "pickle" in refusal(clip, tmp_path)
    (clip / "pytorch_model.bin").rename(clip / "model.safetensors")
    edit_json(clip / "config.json", model_type="altclip")
    assert "two-tower models of type altclip are not supported; those of clip, siglip are" in refusal(clip, tmp_path)


def test_another_end_of_text_than_the_models(clip: Path, tmp_path: Path) -> None:
    """Looking for a token that never comes, CLIP takes the vector of the first token, the same for every text."""
    config = json.loads((clip / "config.json").read_text())
    config["text_config"]["eos_token_id"] = 7
    (clip / "config.json").write_text(json.dumps(config))
    assert "the model takes token 7 for the end of a text" in refusal(clip, tmp_path)


@pytest.mark.parametrize("what", ["padding_side", "truncation_side"])
def test_a_tokenizer_that_works_from_the_end(
    clip: Path, tmp_path: Path, edit_json: Callable[..., None], what: str
) -> None:
    edit_json(clip / "tokenizer_config.json", **{what: "left"})
    assert f"the tokenizer's {what} is not right" in refusal(clip, tmp_path)


def refusal(folder: Path, tmp_path: Path) -> str:
    with pytest.raises(ExportError) as caught:
        make_bundle(FAMILIES["two-tower"], folder, tmp_path / "out", EncoderOptions(scheme=FLOAT32))
    assert not (tmp_path / "out").exists()
    message = str(caught.value)
    assert str(folder) in message
    assert "\n" not in message
    return message
