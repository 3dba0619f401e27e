"""Which of the older encodings a text is in, found by its looks.

The detector is ``chardet``: it compares pairs of bytes with those of languages, each in the encodings that were used
for it. From a sentence on it is nearly always right. A title or a note with one accent in it says little, and it takes
each encoding to be as common as any other: ``Lozère`` and ``LozËre`` are words alike to it. So with few different
letters beyond ASCII its ranking is looked at once more: common encodings get ahead, and signs at places in words where
nobody writes them count against one. ``python -m tests.benchmarks.encodings`` measures both.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping

from .charset import codec_of

_SAMPLE_BYTES = 16384
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]+")
_NOT_IN_FILES = (
    *(
        "ascii",
        "utf-8",
        "utf-8-sig",
        "utf-7",
        "utf-16",
        "utf-16-be",
        "utf-16-le",
        "utf-32",
        "utf-32-be",
        "utf-32-le",
        "hz",
    ),
    *("cp037", "cp273", "cp424", "cp500", "cp875", "cp1026", "cp1140"),
)
"""What is told apart before, and the encodings of mainframes, which short texts are taken for."""
_MOST_BYTES = 1 << 16
_MANY_LETTERS, _MANY_BYTES = 24, 1000
"""From so many different letters beyond ASCII on, or so many in all, the detector needs no second look."""
_UNSURE = 0.2
"""Confidence of the detector below which a text may be damaged."""
_MOSTLY = 0.8
_COMMON = {
    "cp1252": 1.0,
    **dict.fromkeys(("cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874"), 0.8),
    **dict.fromkeys(("cp932", "euc_jis_2004", "gb18030", "big5hkscs", "cp949"), 0.8),
    "iso8859-2": 0.75,
    **dict.fromkeys(("iso8859-5", "iso8859-7", "koi8-r", "koi8-u", "cp866"), 0.6),
    **dict.fromkeys(("iso8859-15", "cp437", "cp850", "mac-roman", "mac-cyrillic"), 0.4),
}
"""How common encodings are beside each other, from 1 to 0, by the names that the detector has for them."""
_PRIOR_WEIGHT, _ODDITY_WEIGHT = 0.3, 0.4
_KANA = re.compile("[\u3041-\u30fe\u3001\u3002]")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_ALBANIAN = re.compile(
    rb"(?<![A-Za-z\x80-\xff])(?:\xebsht\xeb|nj\xeb|n\xeb|p\xebr|q\xeb|t\xeb|m\xeb)(?![A-Za-z\x80-\xff])"
)
_NOT_ALBANIAN = re.compile(rb"[\xa1-\xaa\xac-\xba\xbc-\xc6\xc8-\xca\xcc-\xe6\xe8-\xea\xec-\xff]")
"""Words of a language that the detector does not know, which has two letters beyond ASCII, and what it has not."""
_DECLARES = re.compile(rb"charset|coding", re.IGNORECASE)
"""The detector would believe what was found wrong before."""
_OTHER_SCRIPTS = re.compile("[\u0370-\u10ff]")
"""Greek to Georgian: scripts whose words have no Latin letters in them."""
_INSIDE_WORDS = "’‘´·\xa0\xad"
_DASHES = "–—…"
_BEHIND_WORDS = _DASHES + "”“»«›‹ªº°™®©²³¹‰"
_NOT_BEFORE_WORDS = "‡ˆ˜¯¸ªº¹²³¢¤¦¬¨"

WIDE_RUN = re.compile(rb"[\t\n\r\x20-\x7e]\0(?:[\t\n\r\x20-\xff]\0|[^\0][\x01-\x06]){7,}")
"""A part of a file in UTF-16: what PowerShell adds to a log that another program began."""
ASIAN = ("big5hkscs", "cp874", "cp932", "cp949", "euc_jp", "gb18030", "johab")
"""Encodings in which one line or another is valid UTF-8 by chance."""
_WIDE = (("utf-16-le", 2, 1), ("utf-16-be", 2, 0), ("utf-32-le", 4, 3), ("utf-32-be", 4, 0))
"""Encodings of two and four bytes a character: their names, these numbers, and which byte of ASCII is 0."""
_PRINTABLE = bytes([*range(9, 14), *range(32, 127)])


def wide_encoding(data: bytes) -> str | None:
    """UTF-16 or UTF-32 of a text without a byte order mark; ``None``: it is in neither.

    Args:
        data: all of it, or its start.
    """
    best, most = None, 0
    head = data[: 1 << 12]
    for encoding, size, zero in _WIDE:
        units = len(head) // size
        zeros = head[zero::size].count(0)
        if units < 4 or zeros * 50 < units:
            continue
        if zeros * 4 < units * 3 and not head.translate(None, _PRINTABLE).strip(b"\0"):
            continue  # names with NUL between them
        text = head[: units * size].decode(encoding, "replace")
        plain = sum(map(str.isascii, text))
        if plain > most and _reads_well(text):
            best, most = encoding, plain
    return best


def _reads_well(text: str) -> bool:
    """Whether it consists of letters with blanks between them, as texts do and numbers of 16 bits do not."""
    letters = sum(map(str.isalnum, text))
    odd = sum(not (c.isprintable() or c.isspace()) for c in text)
    return odd * 100 <= len(text) and letters * 2 >= len(text) and any(map(str.isspace, text))


def likely_encoding(data: bytes) -> str | None:
    """The likeliest encoding of a text that is not UTF-8, as the name of a codec; ``None``: nothing looks like text."""
    from chardet import detect_all

    sample = sample_of(data)
    if (codec := _encoding_of_kana(sample)) is not None:
        return codec
    if _ALBANIAN.search(sample) and not _NOT_ALBANIAN.search(sample):
        return "cp1252"
    sample = _DECLARES.sub(b"", sample)
    high_bytes = b"".join(_BEYOND_ASCII.findall(sample))
    if len(set(high_bytes)) > _MANY_LETTERS or len(high_bytes) > _MANY_BYTES:
        encoding, confidence = _detected(sample)
    else:
        ranking = detect_all(sample, True, max_bytes=_MOST_BYTES, compat_names=False, exclude_encodings=_NOT_IN_FILES)
        confidences = {item["encoding"]: item["confidence"] for item in ranking if item["encoding"] is not None}
        encoding = _likeliest(confidences, sample, high_bytes)
        confidence = 0.0 if encoding is None else confidences[encoding]
    if confidence < _UNSURE:
        encoding = _encoding_but_for_damage(sample, confidence) or encoding
    return None if encoding is None else codec_of(encoding)


def _detected(sample: bytes) -> tuple[str | None, float]:
    """The detector's first choice and its confidence."""
    from chardet import detect

    found = detect(sample, max_bytes=_MOST_BYTES, compat_names=False, exclude_encodings=_NOT_IN_FILES)
    return found["encoding"], found["confidence"]


def _encoding_but_for_damage(sample: bytes, confidence: float) -> str | None:
    """The East Asian encoding of nearly all lines, with more confidence: one bad byte rules it out for the detector."""
    lines = sample.splitlines(keepends=True)
    for codec in ("big5hkscs", "cp932", "euc_jis_2004", "cp949", "gb18030"):
        whole = [line for line in lines if _decodes(line, codec)]
        if len(lines) * _MOSTLY <= len(whole) < len(lines):
            encoding, new_confidence = _detected(b"".join(whole))
            if encoding == codec and new_confidence > 2 * confidence:
                return codec
    return None


def _decodes(line: bytes, codec: str) -> bool:
    try:
        line.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _likeliest(confidences: Mapping[str, float], sample: bytes, high_bytes: bytes) -> str | None:
    """The codec that is likeliest by the detector's confidence, by how common it is, and by what it makes of words."""
    prior_weight = _PRIOR_WEIGHT / max(1, len(set(high_bytes))) ** 1.5
    at_most = {codec: value + prior_weight * _COMMON.get(codec, 0.0) for codec, value in confidences.items()}
    best, most = None, -math.inf
    for codec in sorted(at_most, key=lambda codec: -at_most[codec]):
        if at_most[codec] <= most:
            break
        odd = oddities(sample.decode(codec, "replace")) / max(1, len(high_bytes))
        if at_most[codec] - _ODDITY_WEIGHT * odd > most:
            best, most = codec, at_most[codec] - _ODDITY_WEIGHT * odd
    return best


def _encoding_of_kana(sample: bytes) -> str | None:
    """The encoding in which half of a text is kana; of little else than kana the detector makes other scripts."""
    for codec in ("cp932", "euc_jp"):
        text = sample.decode(codec, "replace")
        kana, others = len(_KANA.findall(text)), len(_NOT_ASCII.findall(text))
        if kana > 2 and kana * 2 >= others and text.count("\ufffd") * 50 <= others:
            return codec
    return None


def oddities(text: str) -> float:
    """How many characters beyond ASCII stand where hardly anybody writes them, as a wrong encoding puts them.

    That is signs inside words or behind them, capitals after small letters, small letters between capitals, letters of
    another script beside ASCII ones: ``Klˆvsjˆ``, ``perch‚``, ``LozËre``, ``25 ฐC``.
    """
    odd = 0.0
    for before, character, after in zip(f" {text}", text, f"{text[1:]} ", strict=False):
        if character.isascii() or character in _INSIDE_WORDS:
            continue
        if character == "\ufffd" or unicodedata.category(character) in ("Cc", "Cn", "Co"):
            odd += 2
        elif character.isupper() and not _OTHER_SCRIPTS.match(character):
            odd += before.islower()
        elif character.isalpha() and character not in "ªº":
            odd += before.isupper() and after.isupper()
            if _OTHER_SCRIPTS.match(character):
                odd += any(letter.isascii() and letter.isalpha() for letter in (before, after))
        elif before.isalpha() and after.isalpha():
            odd += 0.3 if character in _DASHES else 1
        elif before.isalpha():
            odd += character not in _BEHIND_WORDS
        elif after.isalpha():
            odd += character in _NOT_BEFORE_WORDS or "\u2500" <= character <= "\u259f"
    return odd


def sample_of(data: bytes) -> bytes:
    """Lines with bytes beyond ASCII, for they alone tell about the encoding; a whole file takes a detector too long."""
    lines: dict[bytes, None] = {}  # one that comes again says nothing new
    size, pos = 0, 0
    while size < _SAMPLE_BYTES and (high := _BEYOND_ASCII.search(data, pos)):
        first, limit = high.start(), high.start() + 2000
        start = max(data.rfind(b"\n", pos, first) + 1, first - 200, pos)
        end = data.find(b"\n", first, limit) + 1
        if not end and limit < len(data):  # a long line: cut no character of several bytes
            end = max(data.rfind(byte, first, limit) for byte in (b" ", b",", b".")) + 1
        line = data[start : end or limit]
        size += 0 if line in lines else len(line)
        lines[line] = None
        pos = end or limit
    return b"".join(lines)
