"""Which of the older encodings a text is in, found by its looks.

The detector (``charset_normalizer``) tells scripts apart well. Between the encodings of Western Europe it has little to
go by in a short text: ``Lozère`` and ``LozËre`` are words alike to it. So its choice among the Latin ones is looked at
once more. Of 10 702 lines and paragraphs in cp1252 the detector alone reads 211 wrongly, and with this it is 7; of 262
photo titles that need cp1250 it is 208 and 173, of forty times twenty such titles together 3 and none. Other scripts
are read as before, and so are twenty titles together in cp1254, cp850, cp437 and Mac Roman; of 400 single ones in Mac
Roman 289 and 294 are wrong.
"""

from __future__ import annotations

import re

# Without a choice of encodings the detector finds EBCDIC and the like in short texts. Of equals the first is taken.
_ONE_BYTE_ENCODINGS = (
    *("cp1254", "cp1252", "cp1250", "cp1251", "cp1253", "cp1255", "cp1256", "cp1257", "cp874"),
    *("koi8_r", "koi8_u", "cp866", "cp850", "cp437", "mac_roman"),
)
_EAST_ASIAN_ENCODINGS = ("euc_jp", "big5", "cp932", "gb18030", "cp949")
_LESS_COMMON_ENCODINGS = ("iso8859_2", "iso8859_5", "iso8859_7")
_SAMPLE_BYTES = 16384
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]+")
_DOS_AND_MAC = ("cp850", "cp437", "mac_roman")
_OTHER_LATIN = (*_DOS_AND_MAC, "cp1254", "cp1250", "cp1257", "iso8859_2")
_LITTLE = 2
_LITTLE_FOR_RARE = 6
"""So many different letters beyond ASCII are weak evidence, and cp1252 gets the ties: it is by far the commonest of its
relatives, and DOS and old Macs are rarer than the Windows of other countries."""
_INSIDE_WORDS = "’‘´·\xad\xa0–—…"


def likely_encoding(data: bytes) -> str | None:
    """The likeliest encoding of a text that is not UTF-8; ``None``: nothing looks like text."""
    sample = _sample(data)
    encoding = _detect(sample)
    return encoding if encoding is None else _second_thought(encoding, sample)


def _sample(data: bytes) -> bytes:
    """Lines with bytes beyond ASCII, for they alone tell about the encoding; a whole file takes a detector too long."""
    lines, size, pos = [], 0, 0
    while size < _SAMPLE_BYTES and (high := _BEYOND_ASCII.search(data, pos)):
        first, limit = high.start(), high.start() + 2000
        start = max(data.rfind(b"\n", pos, first) + 1, first - 200, pos)
        end = data.find(b"\n", first, limit) + 1
        if not end and limit < len(data):  # a long line: cut no character of several bytes
            end = max(data.rfind(byte, first, limit) for byte in (b" ", b",", b".")) + 1
        lines.append(data[start : end or limit])
        size += len(lines[-1])
        pos = end or limit
    return b"".join(lines)


def _detect(sample: bytes) -> str | None:
    """The likeliest encoding of a text that is not UTF-8; ``None``: the detector finds none."""
    from charset_normalizer import from_bytes

    for encodings in (_candidates(sample), _LESS_COMMON_ENCODINGS):
        results = from_bytes(sample, cp_isolation=list(encodings))
        matches = [match for match in results if match.encoding in encodings]
        if not matches:
            continue
        least = min(match.chaos for match in matches) + 0.01
        likely = [match for match in matches if match.chaos <= least]
        best = max(likely, key=lambda match: (match.coherence, -encodings.index(match.encoding)))
        for match in likely:
            # By far the commonest of its relatives: it gets the ties. Matches that decode alike are one match.
            if "cp1252" in match.could_be_from_charset and match.language == best.language:
                return "cp1252"
        return best.encoding
    return None


def _candidates(sample: bytes) -> tuple[str, ...]:
    runs = _BEYOND_ASCII.findall(sample)
    if max(map(len, runs)) == 1 and len(runs) < 3:
        return "cp1252", "cp1250"  # a single letter or sign proves little
    if sum(map(len, runs)) < 1.3 * len(runs):
        return _ONE_BYTE_ENCODINGS  # letters with accents stand alone, East Asian ones do not
    return _EAST_ASIAN_ENCODINGS + _ONE_BYTE_ENCODINGS


def _second_thought(encoding: str, sample: bytes) -> str:
    """``encoding``, or its Western or Central European relative if that makes better words of the sample."""
    try:
        text = sample.decode("cp1252")
    except UnicodeDecodeError:
        return encoding
    western = _oddities(text)
    if encoding == "cp1252":  # the name of a Polish town would read "Go³ogóra"
        return "cp1250" if western and _oddities(sample.decode("cp1250", "replace")) < western else encoding
    if encoding not in _OTHER_LATIN:
        return encoding
    other = _oddities(sample.decode(encoding, "replace"))
    little = _LITTLE_FOR_RARE if encoding in _DOS_AND_MAC else _LITTLE
    is_thin = len({letter for letter in text if not letter.isascii() and letter.isalpha()}) <= little
    return "cp1252" if western < other or (western == other and is_thin) else encoding


def _oddities(text: str) -> int:
    """How many characters beyond ASCII stand where hardly anybody writes them, as a wrong encoding puts them.

    That is signs inside words, capitals after small letters, small letters between capitals: ``Klˆvsjˆ``, ``caf…s``.
    """
    odd = 0
    for before, character, after in zip(f" {text}", text, f"{text[1:]} ", strict=False):
        if character.isascii() or character in _INSIDE_WORDS:
            continue
        if character.isupper():
            odd += before.islower()
        elif character.isalpha() and character not in "ªº":
            odd += before.isupper() and after.isupper()
        else:
            odd += before.isalpha() and after.isalpha()
    return odd
