"""`/v1` of a server, asked by OpenAI's own client."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import edgeembed
from tests.support.server import Server, serving

openai = pytest.importorskip("openai", reason="the official client is not installed")
pytest.importorskip("uvicorn", reason="the extra serve is not installed")

TEXTS = ["a red bicycle", "the boat leaves the harbour at dawn", "ein rotes Fahrrad \U0001f6b2"]
NAME = "minilm-l6-int8"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("notes")
    (folder / "a.txt").write_text("a boat\n")
    with serving(folder) as server:
        yield server


@pytest.fixture
def client(server: Server) -> Iterator[Any]:
    with openai.OpenAI(base_url=f"{server.url}v1", api_key=server.token, max_retries=0) as client:
        yield client


@pytest.mark.parametrize("role", [None, "query", "document"])
@pytest.mark.parametrize("encoding", [None, "float", "base64"])
def test_vectors_are_those_of_the_embedder(
    client: Any, embedder: edgeembed.Embedder, encoding: str | None, role: Any
) -> None:
    more = {} if encoding is None else {"encoding_format": encoding}
    extra = {} if role is None else {"input_type": role}
    answer = client.embeddings.create(model=NAME, input=TEXTS, extra_body={**extra, "unknown": 1}, user="me", **more)
    vectors = np.array([numbers(item.embedding) for item in answer.data], np.float32)
    np.testing.assert_array_equal(vectors, embedder.embed_texts(TEXTS, role=role or "document"))
    assert [item.index for item in answer.data] == [0, 1, 2]
    assert answer.model == NAME
    assert answer.usage.total_tokens == sum(embedder.count_tokens(TEXTS))


def numbers(embedding: Any) -> Any:
    """A vector; the client hands on base64 as it is where it was told to ask for it."""
    return np.frombuffer(base64.b64decode(embedding), "<f4") if isinstance(embedding, str) else embedding


def test_one_text_is_one_vector(client: Any, embedder: edgeembed.Embedder) -> None:
    answer = client.embeddings.create(model=NAME, input=TEXTS[0], dimensions=embedder.dim)
    np.testing.assert_array_equal(np.float32(answer.data[0].embedding), embedder.embed_texts(TEXTS[:1])[0])


def test_models_are_listed(client: Any) -> None:
    names = [model.id for model in client.models.list()]
    assert NAME in names
    assert client.models.retrieve(NAME).id == NAME
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-9")


def data_url(color: str) -> str:
    stream = io.BytesIO()
    Image.new("RGB", (64, 48), color).save(stream, "PNG")
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()


def test_pictures_come_as_data_urls_where_the_model_embeds_them(client: Any) -> None:
    urls = [data_url("red"), data_url("blue")]
    answer = client.embeddings.create(model="photo-minilm", input=urls)
    with edgeembed.Embedder.load("photo-minilm") as photos:
        images = [base64.b64decode(url.partition(",")[2]) for url in urls]
        np.testing.assert_array_equal(np.float32([item.embedding for item in answer.data]), photos.embed_images(images))
    with pytest.raises(openai.BadRequestError, match="text only"):
        client.embeddings.create(model=NAME, input=urls)
    with pytest.raises(openai.BadRequestError, match="no data URL"):
        client.embeddings.create(model="photo-minilm", input=["data:image/png;base64,###"])


@pytest.mark.parametrize(
    ("fields", "kind", "param"),
    [
        ({"model": "text-embedding-3-small", "input": "a"}, "NotFoundError", "model"),
        ({"model": NAME, "input": "a", "dimensions": 256}, "BadRequestError", "dimensions"),
        ({"model": NAME, "input": [1, 2, 3]}, "BadRequestError", "input"),
        ({"model": NAME, "input": [[1, 2, 3]]}, "BadRequestError", "input"),
        ({"model": NAME, "input": []}, "BadRequestError", "input"),
        ({"model": NAME, "input": [""]}, "BadRequestError", "input"),
        ({"model": NAME, "input": ["a"] * 2049}, "BadRequestError", "input"),
        ({"model": NAME, "input": "a", "encoding_format": "int8"}, "BadRequestError", "encoding_format"),
        ({"model": NAME, "input": "a", "extra_body": {"input_type": ["x"]}}, "BadRequestError", "input_type"),
    ],
)
def test_what_cannot_be_had_is_an_error_of_openai(client: Any, fields: dict[str, Any], kind: str, param: str) -> None:
    with pytest.raises(getattr(openai, kind)) as caught:
        client.embeddings.create(**fields)
    assert caught.value.param == param
    assert caught.value.type == "invalid_request_error"
    assert caught.value.body["message"]


def test_a_wrong_key_is_refused(server: Server) -> None:
    with (
        openai.OpenAI(base_url=f"{server.url}v1", api_key="wrong", max_retries=0) as client,
        pytest.raises(openai.AuthenticationError) as caught,
    ):
        client.models.list()
    assert caught.value.code == "invalid_api_key"


def test_the_page_in_the_browser_may_not_ask_from_elsewhere(server: Server, tmp_path: Path) -> None:
    answer = server.get("/v1/models", headers={"Origin": "http://evil.example"})
    assert answer.status == 403
    assert set(answer.json["error"]) == {"message", "type", "param", "code"}
