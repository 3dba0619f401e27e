"""The model card of a bundle, written from its manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgeembed import Manifest
from edgeembed.bundle.manifest import ImageSection

_MEASURES = {
    "spearman": "spearman: rank correlation of cosines with people's judgements of similarity",
    "ndcg": "ndcg@10, recall@100: exact search over whole documents, title and text as one vector, cut at the limit "
    "of tokens",
    "knn": "knn accuracy: the commonest label among the 10 nearest others is the right one",
    "v-measure": "v-measure: k-means into as many clusters as there are labels, compared with them (Rosenberg and "
    "Hirschberg 2007), mean of 10 runs",
    "text to image": "text to image R@k, image to text R@k: the right picture for a caption, or any of the right "
    "captions for a picture, is among the first k",
    "zero-shot": "zero-shot top-k: the right class of a picture is among the k whose names are nearest to it",
}
"""Prefix of a measure's name to its explanation."""
FILES_TITLE = "## Files"


def card_text(manifest: Manifest, files: Mapping[str, Path | bytes], *, remarks: Sequence[str] = ()) -> str:
    """The card as Markdown.

    Args:
        manifest: with ``quality``.
        files: those of the bundle, for the table of sizes.
        remarks: sentences beyond what the manifest says.
    """
    parts = [
        _head(manifest, remarks),
        _use(manifest),
        _quality(manifest),
        file_table(files),
        _training_data(manifest),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(manifest: Manifest, remarks: Sequence[str]) -> str:
    source = manifest.source
    lines = [
        f"# {manifest.name}",
        "",
        f"A bundle for edgeembed, made from {source['id']} (revision {source['revision']}). "
        f"{_made(manifest)} "
        "The format is described in edgeembed's `models/README.md`.",
        "",
        "| | |",
        "|---|---|",
        f"| vectors | {manifest.dim} numbers, length 1 |",
        f"| weights | {manifest.precision} |",
        f"| licence of the weights | {manifest.license} (file `LICENSE`) |",
        f"| space | `{manifest.space}` |",
    ]
    if manifest.text is not None:
        text = manifest.text
        lines.append(f"| longest text | {text.max_tokens} tokens, special tokens included; the rest is cut off |")
        if text.query_prefix or text.document_prefix:
            lines.append(f"| put before | queries: `{text.query_prefix}`, documents: `{text.document_prefix}` |")
    if manifest.image is not None:
        lines.append(f"| pictures | {_transform(manifest.image)} |")
    if remarks:
        lines += ["", *(f"- {remark}" for remark in remarks)]
    return "\n".join(lines)


def _made(manifest: Manifest) -> str:
    """How the weights were made."""
    if "recipe" in manifest.source and manifest.text is None:
        return "It was trained from there on, so that its vectors of pictures fit to those of texts."
    if "recipe" in manifest.source:
        return "It is a smaller student, trained to give that model's vectors."
    return "Nothing was trained for it: weights were converted and stored more compactly."


def _transform(image: ImageSection) -> str:
    """Image preprocessing in words."""
    size = f"{image.width} x {image.height}"
    cropped = image.crop == "center"
    steps = {
        "shortest-edge": f"the shorter side to {image.resize_to} pixels",
        "stretch": f"stretched to {f'{image.resize_to} x {image.resize_to}' if image.resize_to else size}",
        "none": "not resized",
    }
    how = image.filter if image.shrink_filter is None else f"{image.filter}, {image.shrink_filter} to make smaller"
    return f"{steps[image.resize]} ({how})" + (f", then the middle {size}" if cropped else "")


def _use(manifest: Manifest) -> str:
    calls = []
    if manifest.text is not None:
        calls.append(f'vectors = embedder.embed_texts(["a red bicycle"])  # float32 (1, {manifest.dim})')
    if manifest.image is not None:
        calls.append(f'vectors = embedder.embed_images(["bicycle.jpg"])  # float32 (1, {manifest.dim})')
    code = "\n".join(calls)
    return f"""## How to use it

```python
import edgeembed

embedder = edgeembed.Embedder.load("{manifest.name}")  # or the path of this folder
{code}
```

`edgeembed check {manifest.name}` replays, on the machine where it runs, what the bundle and its float reference made of
the inputs in `golden.npz`."""


def _quality(manifest: Manifest) -> str:
    quality = manifest.quality
    lines = ["## Quality"]
    for key, model, what in (
        ("cosine_to_reference", "float model", "texts"),
        ("image_cosine_to_reference", "float model", "pictures"),
        ("cosine_to_teacher", "teacher", "texts"),
    ):
        if key in quality:
            lines += [
                "",
                f"Cosine to the vectors of the {model}, over the {what} behind `background.npz`: "
                f"mean {quality[key]['mean']:.4f}, least {quality[key]['least']:.4f}.",
            ]
    scores, teacher = quality.get("scores", {}), quality.get("source_scores", {})
    if scores:
        lines += ["", f"| data set | measure | this bundle | {_beside(manifest)} |", "|---|---|---|---|"]
        for name, measures in scores.items():
            for measure, value in measures.items():
                beside = teacher.get(name, {}).get(measure)
                lines.append(f"| {name} | {measure} | {value:.2f} | {'' if beside is None else f'{beside:.2f}'} |")
        lines += ["", "Scores are times 100.", "", *_explained(scores)]
    else:
        lines += ["", "It was not measured on data sets."]
    return "\n".join([*lines, *_mixed(quality), *_typos(quality.get("typos", ())), *_bias(quality.get("bias", ()))])


def _beside(manifest: Manifest) -> str:
    """Title of the column of scores that the bundle is compared with."""
    if "recipe" in manifest.source:
        return "the same in float" if manifest.text is None else "float teacher"
    return "float source"


def _mixed(quality: Mapping[str, Any]) -> list[str]:
    """Mixed retrieval: this bundle embeds the queries, the teacher the documents."""
    mixed = quality.get("mixed_scores")
    if not mixed:
        return []
    scores = [f"{name} {measures['ndcg@10']:.2f}" for name, measures in mixed.items()]
    return ["", f"Its queries on documents that the teacher embedded, ndcg@10: {', '.join(scores)}."]


def _explained(scores: Mapping[str, Mapping[str, float]]) -> list[str]:
    """A line of explanation for each measure in ``scores``."""
    names = {measure for names in scores.values() for measure in names}
    return [f"- {text}" for start, text in _MEASURES.items() if any(measure.startswith(start) for measure in names)]


def _typos(curves: Sequence[Mapping[str, Any]]) -> list[str]:
    if not curves:
        return []
    lines = ["", "### Typing errors", "", "What is asked has letters struck beside the right key, swapped or left out."]
    for curve in curves:
        rates = " | ".join(f"{100 * rate:g} %" for rate in curve["rates"])
        values = " | ".join(f"{score:.2f}" for score in curve["scores"])
        lines += ["", f"| letters that go wrong | {rates} |", "|---|" + "---|" * len(curve["rates"])]
        lines += [f"| {curve['set']} {curve['measure']} | {values} |"]
    return lines


def _bias(findings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Effect sizes of association tests, a line for each test and a pair of columns for each form."""
    if not findings:
        return []
    tests: dict[str, dict[str, Mapping[str, Any]]] = {}
    for finding in findings:
        tests.setdefault(finding["test"], {})[finding["form"]] = finding
    forms = list(dict.fromkeys(finding["form"] for finding in findings))
    lines = [
        "",
        "### Associations",
        "",
        "Effect sizes of the Word Embedding Association Test (Caliskan, Bryson and Narayanan 2017), from -2 to 2, with "
        "the p-value of a one-sided permutation test, not corrected for the number of tests. Positive: the first words "
        "are nearer to the first attributes, and the second to the second. In sentences, a word is its mean over plain "
        'ones such as "This is …" (after May et al. 2019). English words only. An effect is an association that '
        "applications may inherit; finding none does not show that there is none.",
        "",
        "| test | words | attributes | " + " | ".join(f"{form}: effect (p)" for form in forms) + " |",
        "|---|---|---|" + "---|" * len(forms),
    ]
    for test, by_form in tests.items():
        any_form = next(iter(by_form.values()))
        cells = [f"{by_form[form]['effect_size']:+.2f} ({by_form[form]['p_value']:.2g})" for form in forms]
        names = " | ".join(" / ".join(any_form[side]) for side in ("targets", "attributes"))
        lines.append(f"| {test} | {names} | " + " | ".join(cells) + " |")
    return lines


def file_table(files: Mapping[str, Path | bytes]) -> str:
    """The section on files, with the size of each."""
    lines = [FILES_TITLE, "", "| file | bytes |", "|---|---|"]
    for name, content in sorted(files.items()):
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        lines.append(f"| {name} | {size} |")
    return "\n".join(lines)


def _training_data(manifest: Manifest) -> str:
    title = "Training data" if "recipe" in manifest.source else "Training data of the source"
    lines = [f"## {title}", ""]
    if not manifest.training_data:
        return "\n".join([*lines, "Not stated by the source."])
    lines += ["| set | terms |", "|---|---|"]
    lines += [f"| {item['name']} | {item['terms']} |" for item in manifest.training_data]
    return "\n".join(lines)
