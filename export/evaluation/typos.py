"""Typing errors, simulated on a US keyboard."""

from __future__ import annotations

import zlib

import numpy as np

_KEYS = (("qwertyuiop", 0.0), ("asdfghjkl", 0.25), ("zxcvbnm", 0.75))
"""Rows of a US keyboard, and how far each is shifted to the right, in keys."""


def typed(text: str, rate: float, *, seed: int = 0) -> str:
    """``text`` with typing errors.

    Each letter goes wrong with probability ``rate``, in one of three ways, equally often: a key beside it is struck
    (on a US keyboard), it changes places with the next letter, or it is left out; it is left out also where it has no
    key or no next letter. The errors depend on text and seed alone, and those of a lower rate are among those of a
    higher one, save where two of them meet.

    Args:
        text: any text; all but its letters stays as it is.
        rate: from 0 (``text`` itself) to 1.
        seed: other seeds, other errors.
    """
    # The text takes part, so that its errors do not depend on the texts before it.
    rng = np.random.default_rng([seed, zlib.crc32(text.encode("utf-8", "surrogatepass"))])
    draws = rng.random((len(text), 3)).tolist()
    out: list[str] = []
    i = 0
    while i < len(text):
        letter, (chance, way, place) = text[i], draws[i]
        i += 1
        if not letter.isalpha() or chance >= rate:
            out.append(letter)
        elif way < 1 / 3 and letter.lower() in _NEIGHBOURS:
            keys = _NEIGHBOURS[letter.lower()]
            key = keys[int(place * len(keys))]
            out.append(key.upper() if letter.isupper() else key)
        elif 1 / 3 <= way < 2 / 3 and i < len(text) and text[i].isalpha():
            out += [text[i], letter]
            i += 1
    return "".join(out)


def _neighbours() -> dict[str, str]:
    """Each letter to the keys less than one key's width beside it, and those that touch it above and below."""
    places = {key: (x + shift, y) for y, (row, shift) in enumerate(_KEYS) for x, key in enumerate(row)}
    return {
        key: "".join(
            other
            for other, (x2, y2) in places.items()
            if other != key and ((y == y2 and abs(x - x2) <= 1) or (abs(y - y2) == 1 and abs(x - x2) < 1))
        )
        for key, (x, y) in places.items()
    }


_NEIGHBOURS = _neighbours()
