"""Lone surrogates, as undecodable file names bring them: how they are stored, and replaced."""

from __future__ import annotations


def replace_surrogates(text: str) -> str:
    """The text itself, or, where it holds lone surrogates (from undecodable file names), with U+FFFD for each."""
    try:
        text.encode()
    except UnicodeEncodeError:
        # By way of UTF-16, where two surrogates that belong together become their character.
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def encode(text: str) -> bytes:
    """Text as it is stored, UTF-8, with what in file names is no Unicode."""
    return text.encode("utf-8", "surrogatepass")


def decode(raw: bytes) -> str:
    """The reverse of :func:`encode`."""
    return raw.decode("utf-8", "surrogatepass")
