"""What the documentation says is so: its Python runs, its table of commands is complete."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from edgeembed.cli.main import cli
from tests.support.paths import ROOT


def blocks(path: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("name", ["README.md", "docs/searching.md"])
def test_python_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "papers.md").write_text("# Papers\n\nRenew the passport before June.\n\nTake photos.\n")
    found = blocks(ROOT / name)
    assert found
    names: dict[str, object] = {}
    for block in found:
        exec(compile(block, name, "exec"), names)  # one after the other, as a reader would
    assert (tmp_path / "mail.index").is_dir()


def test_the_example_of_shipping_an_index_runs(
    tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_bundle, tmp_path / "bundles" / "small")
    names: dict[str, object] = {"pages": [SimpleNamespace(name="p1", text="Print on both sides.", title="Printing")]}
    for block in blocks(ROOT / "docs/index.md"):
        exec(compile(block, "docs/index.md", "exec"), names)
    assert [hit.metadata for hit in names["hits"]] == [{"title": "Printing"}]  # type: ignore[attr-defined]


PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder, pattern in (
        (ROOT, "*.md"),
        (ROOT / "docs", "*.md"),
        (ROOT / "models", "*.md"),
        (ROOT / "export", "*.md"),
    )
    for path in folder.glob(pattern)
)


def anchors(path: Path) -> set[str]:
    """What GitHub makes of a page's headings."""
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    page = ROOT / name
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if link.startswith(("http:", "https:")):
            continue
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def test_the_readme_is_short_and_leads_to_every_page() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= 150
    for name in PAGES:
        assert name == "README.md" or f"({name})" in readme, name


def test_the_readme_names_every_command() -> None:
    table = (ROOT / "README.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `edgeembed (\w+)", table, re.MULTILINE))
    assert documented == set(cli.commands)


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_help_explains_every_option(name: str) -> None:
    run = CliRunner().invoke(cli, [name, "--help"])
    assert run.exit_code == 0
    command = cli.commands[name]
    assert command.help
    for parameter in command.params:
        if parameter.param_type_name == "option":
            assert parameter.help, f"{name} {parameter.opts}"  # type: ignore[attr-defined]
            assert parameter.opts[0] in run.output


def test_every_long_option_of_a_search_is_documented() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8") + (ROOT / "docs/searching.md").read_text(encoding="utf-8")
    for parameter in cli.commands["search"].params:
        for option in parameter.opts:
            if option.startswith("--") and option != "--yes":
                assert f"`{option}" in text or f"{option} " in text, option


def test_the_schema_is_json() -> None:
    schema = json.loads((ROOT / "docs/output.schema.json").read_text(encoding="utf-8"))
    assert set(schema["$defs"]) >= {"hit", "passage", "error"}
