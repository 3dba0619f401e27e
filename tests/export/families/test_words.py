"""Word vectors in, proved bundle out: a small real model, made by counting, through the runtime."""

from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import numpy_helper

pytest.importorskip("torch", reason="the export stage is not installed")

from edgeembed_export.errors import ExportError
from edgeembed_export.families.registry import FAMILIES
from edgeembed_export.families.words import WORD_SCHEMES, WordOptions
from edgeembed_export.references.words import sif_weights, zipf
from edgeembed_export.sealing.pipeline import Exported, make_bundle
from edgeembed_export.sealing.proof.golden import background_texts

import edgeembed
from edgeembed.bundle.bundle import Bundle, read_bundle
from edgeembed.maintenance.check_bundle import check, cosines
from edgeembed.reading.decode import decode
from tests.support.altered import resealed
from tests.support.paths import SAMPLE

DIM = 50
WORD = re.compile(r"\d+(?:[.,:]\d+)+(?!\w)|[^\W_]+|[^\w\s]")


@dataclasses.dataclass(frozen=True, eq=False)
class Counted:
    """Words by frequency and their vectors, ``(N, DIM)``."""

    words: list[str]
    vectors: npt.NDArray[np.float32]

    def reference(self, text: str, *, sif: bool) -> npt.NDArray[np.float64]:
        """The whole pipeline again, with nothing but NumPy and a regular expression."""
        ids = [self.words.index(word) for word in WORD.findall(text.lower()) if word in self.words]
        harmonic = sum(1 / rank for rank in range(1, len(self.words) + 1))
        weights = [1e-4 / (1e-4 + 1 / ((i + 1) * harmonic)) if sif else 1.0 for i in ids]
        mean = np.average(self.vectors[ids].astype(np.float64), axis=0, weights=weights)
        return np.asarray(mean / np.linalg.norm(mean))


@pytest.fixture(scope="module")
def counted() -> Counted:
    """Positive pointwise mutual information and its SVD (Levy and Goldberg 2014), over real texts."""
    sample = SAMPLE
    files = sorted(path for path in sample.rglob("*") if path.suffix in (".md", ".txt"))
    texts = [*background_texts(), *(decode(path.read_bytes()) or "" for path in files)]
    rows = [WORD.findall(text.lower()) for text in texts]
    count = Counter(word for row in rows for word in row)
    words = sorted((word for word in count if count[word] > 1), key=lambda word: (-count[word], word))[:1000]
    number = {word: i for i, word in enumerate(words)}
    pairs = np.zeros((len(words), len(words)))
    for row in rows:
        ids = [number[word] for word in row if word in number]
        for distance in range(1, 5):
            np.add.at(pairs, (ids[:-distance], ids[distance:]), 1)
    pairs += pairs.T
    share = pairs.sum(axis=1) / pairs.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        information = np.nan_to_num(np.log(pairs / pairs.sum() / np.outer(share, share)), neginf=0)
    values, left = np.linalg.eigh(np.maximum(information, 0))  # symmetric: singular values are absolute eigenvalues
    order = np.argsort(-np.abs(values))[:DIM]
    return Counted(words, (left[:, order] * np.sqrt(np.abs(values[order]))).astype(np.float32))


def write(counted: Counted, path: Path, layout: str) -> Path:
    header = f"{len(counted.words)} {DIM}\n".encode()
    with path.open("wb") as file:
        file.write(b"" if layout == "glove" else header)
        for word, vector in zip(counted.words, counted.vectors, strict=True):
            values = vector.tobytes() if layout == "binary" else " ".join(str(x) for x in vector).encode()
            file.write(word.encode() + b" " + values + b"\n")
    return path


@pytest.fixture(scope="module")
def glove(counted: Counted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(counted, tmp_path_factory.mktemp("vectors") / "notes.txt", "glove")


@pytest.fixture(scope="module")
def exported(glove: Path, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """In float32, weighted."""
    return make_bundle(
        FAMILIES["words"], glove, tmp_path_factory.mktemp("bundles") / "out", WordOptions(precision="float32")
    )


@pytest.fixture(scope="module")
def fifty() -> list[str]:
    """Ordinary texts, one longer than a page, one with unknown words among known ones."""
    odd = ["the", "THE Water — and\tthe\nbread!", "water zzyzx bread qwrtz", " ".join(background_texts()[:5])]
    return [*background_texts()[3::11][:46], *odd]


def embed(bundle: Bundle | Path, texts: Sequence[str]) -> npt.NDArray[np.float32]:
    with edgeembed.Embedder.load(bundle.path if isinstance(bundle, Bundle) else bundle) as embedder:
        return embedder.embed_texts(texts)


@pytest.mark.parametrize("sif", [True, False])
def test_three_formats_give_the_vectors_of_a_reference(
    sif: bool, counted: Counted, fifty: list[str], tmp_path: Path
) -> None:
    assert len(fifty) == 50
    wanted = np.stack([counted.reference(text, sif=sif) for text in fifty])
    found = {}
    for layout in ("glove", "text", "binary"):
        source = write(counted, tmp_path / f"{layout}.vec", layout)
        recipe = WordOptions(precision="float32", weighting="sif" if sif else "none")
        bundle = make_bundle(FAMILIES["words"], source, tmp_path / layout, recipe).bundle
        found[layout] = embed(bundle, fifty)
        np.testing.assert_allclose(found[layout], wanted, atol=1e-5, rtol=0)
        assert all(result.ok for result in check(bundle))
    np.testing.assert_array_equal(found["glove"], found["text"])
    np.testing.assert_array_equal(found["glove"], found["binary"])


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_a_smaller_table_is_close(
    precision: str, glove: Path, exported: Exported, fifty: list[str], tmp_path: Path
) -> None:
    small = make_bundle(FAMILIES["words"], glove, tmp_path / "out", WordOptions(precision=precision)).bundle
    closeness = cosines(embed(small, fifty), embed(exported.bundle, fifty))
    assert closeness.min() >= WORD_SCHEMES[precision].least_cosine
    assert closeness.min() < 1 - 1e-12
    sizes = [
        sum(entry.size_bytes for name, entry in bundle.manifest.files.items() if name.startswith("text.onnx"))
        for bundle in (small, exported.bundle)
    ]
    assert sizes[0] < sizes[1] * {"float16": 0.55, "int8": 0.3}[precision]
    assert all(result.ok for result in check(small))
    assert precision in small.manifest.precision
    assert small.manifest.space == exported.bundle.manifest.space


def test_the_graph_is_an_ordinary_model(exported: Exported) -> None:
    """The table is written behind the rest of the model; readers must see one."""
    model = onnx.load(exported.bundle.file("text.onnx"))
    onnx.checker.check_model(model, full_check=True)
    assert [item.name for item in model.graph.input] == ["input_ids"]
    table = next(numpy_helper.to_array(item) for item in model.graph.initializer if item.name == "table")
    assert table.shape == (1002, DIM)
    assert not table[0].any()


def test_unknown_words_count_for_nothing(exported: Exported) -> None:
    plain, mixed, repeated = embed(
        exported.bundle, ["water bread", "water zzyzx 東京 bread", "qwrtz " * 300 + "water bread"]
    )
    np.testing.assert_allclose(mixed, plain, atol=1e-6)
    np.testing.assert_allclose(repeated, plain, atol=1e-6)


def test_texts_without_a_known_word(exported: Exported, fifty: list[str]) -> None:
    vectors = embed(exported.bundle, ["", "zzyzx", "東京で寿司を食べる", "\n\t "])
    assert np.isfinite(vectors).all()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(vectors, vectors[[0, 0, 0, 0]])
    assert (embed(exported.bundle, fifty) @ vectors[0]).max() < 0.2  # it is found last


def test_unknown_words_are_reported(exported: Exported, counted: Counted) -> None:
    words = [w for text in background_texts() for w in WORD.findall(text.lower()) if w[0].isalnum()]
    wanted = sum(word not in counted.words for word in words) / len(words)
    found = exported.bundle.manifest.quality["unknown_words"]["ordinary_texts"]
    assert found == pytest.approx(wanted, abs=0.01)  # Chinese is cut otherwise
    assert 0.1 < found < 0.5
    assert f"{found:.1%} are unknown" in (exported.bundle.path / "README.md").read_text(encoding="utf-8")
    assert any("1000 words, texts are put into lower case." in note for note in exported.notes)


def test_words_of_several_parts(tmp_path: Path) -> None:
    """Each is found as a whole, and its parts are found where they stand alone."""
    words = ["water", "bread", "New_York", "new", "york", "well-known", "o'clock", "the", "a", "of", "in", "is"]
    table = np.random.default_rng(1).standard_normal((len(words), 8)).astype(np.float32)
    source = tmp_path / "phrases.txt"
    rows = zip(words, table, strict=True)
    source.write_text("".join(f"{word} {' '.join(map(str, row))}\n" for word, row in rows))
    bundle = make_bundle(
        FAMILIES["words"], source, tmp_path / "out", WordOptions(precision="float32", weighting="none")
    ).bundle
    texts = ["New York", "New\nYork", "new york", "well-known", "o’clock", "a water"]
    wanted = [table[[2]], table[[2]], table[[3, 4]], table[[5]], table[[6]], table[[8, 0]]]
    for vector, rows_of_text in zip(embed(bundle, texts), wanted, strict=True):
        mean = rows_of_text.mean(axis=0)
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=1e-6)


def test_twice_gives_the_same_bytes(glove: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_bundle(FAMILIES["words"], glove, tmp_path / name, WordOptions(name="same"))
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(names) == 7
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def altered(bundle: Bundle, out: Path, name: str, change: Callable[[npt.NDArray[np.float32]], None]) -> list[str]:
    """Stages that fail after a tensor of the graph was changed and every hash computed anew."""
    model = onnx.load(bundle.file("text.onnx"))
    tensor = next(item for item in model.graph.initializer if item.name == name)
    values = numpy_helper.to_array(tensor).copy()
    change(values)
    tensor.CopyFrom(numpy_helper.from_array(values, name))
    other = resealed(bundle, out, {"text.onnx": model.SerializeToString()})
    return [result.stage for result in check(other) if not result.ok]


def test_the_check_finds_an_altered_table(exported: Exported, tmp_path: Path) -> None:
    def column(values: npt.NDArray[np.float32]) -> None:
        values[:, 7] *= 1.02

    def rows(values: npt.NDArray[np.float32]) -> None:
        values[2:40] *= 1.02

    def rare_row(values: npt.NDArray[np.float32]) -> None:
        values[-1] *= 1.02

    for change in (column, rows, rare_row):
        stages = altered(exported.bundle, tmp_path / "altered", "table", change)
        assert {stage.split(" against")[0] for stage in stages} == {"vectors"}, change


def test_the_check_finds_altered_weights_in_int8(glove: Path, tmp_path: Path) -> None:
    bundle = make_bundle(FAMILIES["words"], glove, tmp_path / "out", WordOptions()).bundle

    def frequent(values: npt.NDArray[np.float32]) -> None:
        values[2:40] *= 1.02

    def one_step(values: npt.NDArray[np.float32]) -> None:
        values[:, 7] += 1

    def nothing(values: npt.NDArray[np.float32]) -> None:
        pass

    assert altered(bundle, tmp_path / "altered", "factors", nothing) == []
    assert altered(bundle, tmp_path / "altered", "factors", frequent) == ["vectors against the bundle's own (all)"]
    assert "vectors against the bundle's own (all)" in altered(bundle, tmp_path / "altered", "table", one_step)


def test_the_check_finds_an_altered_limit(exported: Exported, tmp_path: Path) -> None:
    bundle = exported.bundle
    assert bundle.manifest.text is not None
    for limit in (511, 513):
        text = dataclasses.replace(bundle.manifest.text, max_tokens=limit)
        assert not check(resealed(bundle, tmp_path / "altered", text=text))[0].ok


def test_a_vocabulary_in_another_language(tmp_path: Path) -> None:
    """The project's own texts hold none of the words, but the bundle is proved, and calibrated, all the same."""
    words = [a + b + c for a in "βγδζκ" for b in "αεηιο" for c in "ςνλμξρ"]
    table = np.random.default_rng(0).standard_normal((len(words), 16))
    source = tmp_path / "greek.txt"
    source.write_text("".join(f"{w} {' '.join(map(str, row))}\n" for w, row in zip(words, table, strict=True)))
    bundle = make_bundle(FAMILIES["words"], source, tmp_path / "out", WordOptions()).bundle
    assert bundle.manifest.quality["unknown_words"]["ordinary_texts"] > 0.99
    background = np.load(bundle.file("background.npz"))["text"]
    assert len(np.unique(background, axis=0)) > 500
    assert altered(bundle, tmp_path / "altered", "factors", lambda values: values[-20:].__imul__(1.02)) != []


def test_the_most_frequent_words_only(glove: Path, counted: Counted, tmp_path: Path) -> None:
    bundle = make_bundle(FAMILIES["words"], glove, tmp_path / "out", WordOptions(max_words=100, max_tokens=64)).bundle
    tokenizer = json.loads(bundle.file("tokenizer.json").read_text(encoding="utf-8"))
    assert list(tokenizer["model"]["vocab"])[2:] == counted.words[:100]
    assert bundle.manifest.text is not None
    assert bundle.manifest.text.max_tokens == 64


def test_weights_of_words() -> None:
    probability = zipf(np.array([1, 2, 4]))
    np.testing.assert_allclose(probability * (1 + 1 / 2 + 1 / 3 + 1 / 4), [1, 1 / 2, 1 / 4])
    np.testing.assert_allclose(sif_weights(np.array([0.0, 1e-4, 0.1])), [1, 0.5, 1 / 1001])


def test_an_alphabetical_file_says_nothing_of_frequency(glove: Path, tmp_path: Path) -> None:
    (tmp_path / "sorted.txt").write_bytes(b"".join(sorted(glove.read_bytes().splitlines(keepends=True))))
    assert any(
        "unweighted" in note
        for note in make_bundle(FAMILIES["words"], tmp_path / "sorted.txt", tmp_path / "a", WordOptions()).notes
    )
    assert any(
        "smooth inverse" in note for note in make_bundle(FAMILIES["words"], glove, tmp_path / "b", WordOptions()).notes
    )


def test_facts_of_the_bundle(glove: Path, tmp_path: Path) -> None:
    import hashlib

    recipe = WordOptions(
        source_id="notes-2024", license="CC0-1.0", training_data=[{"name": "notes", "terms": "CC0-1.0"}]
    )
    bundle = make_bundle(FAMILIES["words"], glove, tmp_path / "mine", recipe).bundle
    digest = hashlib.sha256(glove.read_bytes()).hexdigest()
    manifest = read_bundle(bundle.path).manifest
    assert manifest.name == "mine"
    assert manifest.space == f"notes-2024@{digest[:12]}/{DIM}"
    assert manifest.source["weights_sha256"] == digest
    assert (manifest.license, manifest.precision) == ("CC0-1.0", "int8, scaled per word")
    card = bundle.file("README.md").read_text(encoding="utf-8")
    for fact in ("notes-2024", "CC0-1.0", "512 tokens", "GloVe text", "smooth inverse frequency"):
        assert fact in card, fact


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (WordOptions(precision="int4"), "float32, float16, int8, not as int4"),
        (WordOptions(max_tokens=1), "not between 2 and 4096"),
        (WordOptions(max_words=0), "leaves no words"),
    ],
)
def test_wrong_wishes(recipe: WordOptions, message: str, glove: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=message):
        make_bundle(FAMILIES["words"], glove, tmp_path / "out", recipe)
    assert not (tmp_path / "out").exists()


def test_vectors_of_zeros(tmp_path: Path) -> None:
    (tmp_path / "zeros.txt").write_text("a 0 0 0\nb 0 0 0\nc 0 0 0\n")
    with pytest.raises(ExportError, match="vectors are zero"):
        make_bundle(FAMILIES["words"], tmp_path / "zeros.txt", tmp_path / "out", WordOptions())


def test_a_table_that_no_file_can_hold(tmp_path: Path) -> None:
    from edgeembed_export.graphs.word_graph import write_word_graph

    with pytest.raises(ExportError, match=r"3\.6 GB.*--max-words"):
        write_word_graph(tmp_path / "a", factors=np.zeros(3_000_000, np.float32), dim=300, dtype=np.float32, table=())


PROGRAM = "import sys; from edgeembed_export.cli.main import main; sys.argv[0] = 'edgeembed-export'; main()"


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ([], ["--max-words", 200, "--precision", "float16"]),
        (["words"], ["--weighting", "none"]),
        (["bundle"], ["--name", "mine"]),
    ],
)
def test_from_the_command_line(command: list[str], options: list[object], glove: Path, tmp_path: Path) -> None:
    done = run(*command, glove, tmp_path / "out", *options)
    assert done.returncode == 0, done.stderr
    assert f"{DIM} dimensions" in done.stdout
    assert "are unknown to it" in done.stderr
    counted = run("unknown-words", tmp_path / "out", Path(__file__))
    assert re.match(r"unknown: \d+ of \d+ words, \d+\.\d%\n", counted.stdout), counted.stderr


def test_nonsense_from_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear Ann,\nall is well.\n")
    done = run(tmp_path / "letter.txt", tmp_path / "out")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"error: {tmp_path / 'letter.txt'}: is not a file of word vectors")
    assert done.stderr.count("\n") == 1
