"""`/api` of a server: what it answers is what its OpenAPI description says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from PIL import Image

from tests.support.commands import edge
from tests.support.output_schema import SCHEMA
from tests.support.server import Server, serving

pytest.importorskip("uvicorn", reason="the extra serve is not installed")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, two_towers: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("files") / "notes"
    (folder / "garden").mkdir(parents=True)
    (folder / "garden" / "tomatoes.md").write_text("# Tomatoes\n\nsow the tomato seedlings in the garden\n")
    (folder / "boat.md").write_text("the boat leaves the harbour at dawn\n")
    (folder / "boat copy.md").write_text("the boat leaves the harbour at dawn\n")
    Image.new("RGB", (64, 48), "red").save(folder / "red.png")
    assert edge("index", folder, "--model", two_towers).returncode == 0
    with serving(folder) as server:
        server.sync()
        yield server


@pytest.fixture(scope="module")
def description(server: Server) -> Any:
    return server.get("/api/openapi.json").json


def conforms(answer: Any, description: Any, path: str, method: str) -> None:
    """Check an answer against the description."""
    responses = description["paths"][path][method]["responses"]
    response = responses.get(str(answer.status)) or responses["200" if answer.status < 300 else "default"]
    Draft202012Validator(response["content"]["application/json"]["schema"]).validate(answer.json)


REQUESTS: list[tuple[str, Any]] = [
    ("/api/search", {"query": "boat", "min_score": None}),
    ("/api/search", {"query": "red", "min_score": None, "kind": "image"}),
    ("/api/search", {"query": "zzzz"}),
    ("/api/search", {"query": "boat", "k": 0}),
    ("/api/similar", {"document": "made up"}),
    ("/api/sync", {}),
    ("/api/sync", {"wait": True, "folders": ["notes"]}),
    ("/api/sync", {"wait": 1}),
    ("/v1/embeddings", {"model": "nothing", "input": "x"}),
]


@pytest.mark.parametrize(("path", "body"), REQUESTS)
def test_answers_are_as_described(server: Server, description: Any, path: str, body: Any) -> None:
    conforms(server.post(path, body), description, path, "post")


def test_documents_and_status_are_as_described(server: Server, description: Any) -> None:
    conforms(server.get("/api/status"), description, "/api/status", "get")
    for hit in server.search("boat", min_score=None):
        answer = server.get(f"/api/documents/{hit['document']}")
        assert answer.status == 200
        conforms(answer, description, "/api/documents/{id}", "get")
        similar = server.post("/api/similar", {"document": hit["document"]})
        assert similar.status == 200
        conforms(similar, description, "/api/similar", "post")


def test_hits_have_the_fields_of_json_and_two_more(server: Server) -> None:
    validator = Draft202012Validator({"$ref": "#/$defs/hit", "$defs": SCHEMA["$defs"]})
    hits = server.search("boat", min_score=None)
    assert {hit["kind"] for hit in hits} == {"text", "image"}
    for hit in hits:
        own = {name: value for name, value in hit.items() if name not in ("document", "folder")}
        assert len(own) == len(hit) - 2
        validator.validate(own)


def test_every_route_is_described_and_the_reverse(description: Any) -> None:
    from edgeembed.server.http.api import Api
    from edgeembed.server.http.embeddings import Embeddings
    from edgeembed.server.http.work import Workers

    library: Any = None
    routes = [*Api(library, Workers(), Workers()).routes(), *Embeddings(Workers()).routes()]
    methods = {(route.path, method.lower()) for route in routes for method in (route.methods or ()) if method != "HEAD"}
    described = {(path, name) for path, item in description["paths"].items() for name in item if name != "parameters"}
    assert methods - {("/v1/models/{name}", "get")} == described


def test_copies_are_similar_and_said_to_be_the_same(server: Server) -> None:
    (boat,) = server.search('"the boat leaves" harbour', min_score=None)
    assert [Path(path).name for path in boat["copies"]] in (["boat copy.md"], ["boat.md"])
    (first, *_) = server.post("/api/similar", {"document": boat["document"]}).json["hits"]
    assert first["same_content"] is True


def names(hits: list[dict[str, Any]]) -> set[str]:
    return {Path(hit["path"]).name for hit in hits}


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"kind": "image"}, {"red.png"}),
        ({"ext": ["PNG"]}, {"red.png"}),
        ({"paths": ["garden/"]}, {"tomatoes.md"}),
        ({"paths": ["!*.md"]}, {"red.png"}),
        ({"since": "2100-01-01"}, set()),
        ({"min_size": 40, "max_size": 60}, {"tomatoes.md"}),
        ({"folders": ["notes"], "kind": "image"}, {"red.png"}),
        ({"near": [48.2, 16.4, 5]}, set()),
    ],
)
def test_filters(server: Server, fields: dict[str, Any], wanted: set[str]) -> None:
    assert names(server.search("a garden and a boat", min_score=None, **fields)) == wanted


def test_like_and_unlike(server: Server) -> None:
    ids = {Path(hit["path"]).name: hit["document"] for hit in server.search("garden red", min_score=None)}
    everything = server.search("garden", min_score=None)
    less = server.search("garden", min_score=None, unlike=[ids["tomatoes.md"]])
    assert names(everything) - names(less) == {"tomatoes.md"}
    more = server.search("garden", min_score=None, like=[ids["red.png"]])
    similarity = {Path(hit["path"]).name: hit["similarity"] for hit in everything}
    raised = {Path(hit["path"]).name: hit["similarity"] for hit in more}
    assert raised["red.png"] > similarity["red.png"]


def test_ids_outlive_a_server(server: Server, tmp_path: Path, tiny_bundle: Path) -> None:
    (tmp_path / "a.txt").write_text("a boat\n")
    (tmp_path / "b.txt").write_text("a garden\n")
    assert edge("index", tmp_path, "--model", tiny_bundle).returncode == 0
    with serving(tmp_path) as first:
        ids = {Path(hit["path"]).name: hit["document"] for hit in first.search("boat", min_score=None)}
    (tmp_path / "a.txt").unlink()
    with serving(tmp_path) as second:
        second.sync()
        assert second.get(f"/api/documents/{ids['b.txt']}").json["text"] == "a garden"
        assert second.get(f"/api/documents/{ids['a.txt']}").status == 404
        assert edge("index", tmp_path, "--rebuild", "--model", tiny_bundle).returncode == 0
        answer = second.get(f"/api/documents/{ids['b.txt']}")
        assert answer.status == 404 or answer.json["text"] == "a garden"
