"""The tokenizer of a source as the ``tokenizer.json`` of a bundle."""

from __future__ import annotations

import json

from tokenizers import Regex, Tokenizer, normalizers


def bundle_tokenizer(tokenizer: Tokenizer, *, lowercase: bool = False) -> bytes:
    """The bytes of ``tokenizer.json`` without truncation and padding, which the manifest states.

    Args:
        tokenizer: left as it is.
        lowercase: put texts into lower case first, as Python's ``str.lower`` does.
    """
    own = Tokenizer.from_str(tokenizer.to_str())
    own.no_truncation()
    own.no_padding()
    return (_lowercased(own) if lowercase else str(own.to_str())).encode()


def lower_case() -> list[normalizers.Normalizer]:
    """Steps of a normaliser that do what Python's ``str.lower`` does."""
    # Python writes a sigma at the end of a word in its own way; Lowercase looks at one character at a time.
    return [normalizers.Replace(Regex(r"(?<=\p{L})Σ(?!\p{L})"), "ς"), normalizers.Lowercase()]


def _lowercased(tokenizer: Tokenizer) -> str:
    own = [tokenizer.normalizer] if tokenizer.normalizer is not None else []
    tokenizer.normalizer = normalizers.Sequence([*lower_case(), *own])
    data = json.loads(tokenizer.to_str())
    # Added tokens are looked for before anything is normalised: [SEP] in a text that was put into lower case is none.
    data["added_tokens"] = [token for token in data["added_tokens"] if token["content"] == token["content"].lower()]
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
