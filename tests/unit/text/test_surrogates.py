"""Lone surrogates, as undecodable file names bring them."""

from __future__ import annotations

import os

import pytest

from edgeembed.text.surrogates import decode, encode, replace_surrogates


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain 日本 🙂", "plain 日本 🙂"),
        ("caf\udce9", "caf\ufffd"),
        ("\ud83d\ude42 is one sign", "🙂 is one sign"),  # two surrogates that belong together
        ("\ude42\ud83d", "\ufffd\ufffd"),
        ("", ""),
    ],
)
def test_lone_surrogates_become_replacement_characters(text: str, expected: str) -> None:
    assert replace_surrogates(text) == expected
    replace_surrogates(text).encode()


@pytest.mark.parametrize("text", ["caf\udce9/\x00 🙂", "\ud83d", "", "日本"])
def test_every_text_comes_back_from_its_bytes(text: str) -> None:
    assert decode(encode(text)) == text


def test_text_of_utf8_is_stored_as_it_is() -> None:
    assert encode("naïve 🙂") == "naïve 🙂".encode()
    name = os.fsdecode("naïve".encode())
    assert decode(encode(name)) == name
