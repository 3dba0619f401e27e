"""Encodings by the names that files give them: labels of pages, mails and feeds, and the codecs that read those.

What a label stands for is what browsers make of it (https://encoding.spec.whatwg.org/#names-and-labels): the widest
encoding of its family, for that is what people's programs wrote under the narrow name. Labels that browsers refuse or
never heard of (``hz``, ``cp850``) mean what Python takes them for.
"""

from __future__ import annotations

import codecs

_WIDER = {
    **dict.fromkeys(("ascii", "iso8859-1"), "cp1252"),
    "iso8859-9": "cp1254",
    **dict.fromkeys(("iso8859-11", "tis-620"), "cp874"),
    **dict.fromkeys(("gb2312", "gbk"), "gb18030"),
    **dict.fromkeys(("big5", "cp950"), "big5hkscs"),
    **dict.fromkeys(("shift_jis", "shift_jisx0213", "shift_jis_2004"), "cp932"),
    **dict.fromkeys(("iso2022_jp", "iso2022_jp_1", "iso2022_jp_2"), "iso2022_jp_ext"),
    "euc_kr": "cp949",
}
"""Codecs, and those that read all that they read and more."""
_SPELLED = {
    "cp1252": "ansi iso88591",
    "cp1254": "iso88599",
    "cp874": "dos-874 windows-874 iso885911",
    "cp932": "windows-31j x-ms-cp932",
    "cp949": "cseuckr csksc56011987 iso-ir-149 ks_c_5601-1989 ksc_5601 windows-949",
    "gb18030": "csgb2312 gb_2312 gb_2312-80 x-gbk",
    "big5hkscs": "cn-big5 x-x-big5",
    "euc_jp": "cseucpkdfmtjapanese x-euc-jp",
    "iso8859-2": "iso88592",
    "iso8859-3": "iso88593",
    "iso8859-4": "iso88594",
    "iso8859-5": "iso88595",
    "iso8859-6": "iso88596 csiso88596e csiso88596i iso-8859-6-e iso-8859-6-i",
    "iso8859-7": "iso88597 sun_eu_greek",
    "iso8859-8": "iso88598 csiso88598e csiso88598i iso-8859-8-e iso-8859-8-i logical visual",
    "iso8859-10": "iso885910",
    "iso8859-13": "iso885913",
    "iso8859-14": "iso885914",
    "iso8859-15": "iso885915 csisolatin9",
    "koi8-r": "koi koi8",
    "koi8-u": "koi8-ru",
    "mac-roman": "csmacintosh mac x-mac-roman",
    "mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "utf-8": "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf8mb4 x-unicode20utf8",
    "utf-16-le": "csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff",
    "utf-16-be": "unicodefffe",
}
"""Codecs, and labels for them that Python does not know."""
_CODECS = {label: codec for codec, labels in _SPELLED.items() for label in labels.split()}
_NOT_OF_TEXTS = ("charmap", "idna", "mbcs", "oem", "punycode", "raw-unicode-escape", "unicode-escape")
_NEC = "edgeembed_nec"
"""The error handler of :func:`decode_as` for the Japanese encodings in which Python lacks ``①`` and the like."""


def codec_of(label: str) -> str | None:
    """The name of the Python codec for an encoding that a page, mail or feed declares; ``None``: there is none.

    Args:
        label: as it stands there, such as ``Shift_JIS``, ``x-sjis``, ``ISO-8859-1`` (which means cp1252), ``koi8``.
    """
    name = label.strip(" \t\n\f\r\"'").lower()
    if (codec := _CODECS.get(name)) is not None:
        return codec
    for spelled in (name, name.removeprefix("x-")):
        try:
            b"a".decode(spelled, "ignore")  # LookupError: unknown, or no encoding of texts; ValueError: a NUL in it
        except (LookupError, ValueError):
            continue
        known = codecs.lookup(spelled).name
        return None if known in _NOT_OF_TEXTS else _WIDER.get(known, known)
    return None


def decode_as(data: bytes, codec: str) -> str:
    """Bytes as the text that they are in an encoding of :func:`codec_of`; ``\\ufffd`` where they are none in it.

    A byte that the encoding leaves free costs itself, and no more. Japanese texts may have what Windows adds to the
    standard (``①``, ``㈱``). A byte order mark at the start is dropped; line ends stay as they are.
    """
    is_japanese = codec in ("euc_jp", "iso2022_jp_ext")
    return data.decode(codec, _NEC if is_japanese else "replace").removeprefix("\ufeff")


def _nec_character(error: UnicodeError) -> tuple[str, int]:
    """A pair of bytes of JIS X 0208 by the table of Windows, which has the rows of NEC and IBM that the standard lacks."""
    assert isinstance(error, UnicodeDecodeError)
    pair = error.object[error.start : error.start + 2]
    row, cell = (byte & 0x7F for byte in pair) if len(pair) == 2 else (0, 0)
    is_whole = error.encoding != "euc_jp" or (len(pair) == 2 and pair[0] & pair[1] & 0x80)
    if not (is_whole and 0x21 <= row <= 0x7E and 0x21 <= cell <= 0x7E):
        return "\ufffd", error.start + 1
    # Where such a pair is in Shift_JIS: two rows of 94 share a first byte.
    lead, trail = divmod((row - 0x21) * 94 + cell - 0x21, 188)
    moved = bytes((lead + (0x81 if lead < 0x1F else 0xC1), trail + (0x40 if trail < 0x3F else 0x41)))
    character = moved.decode("cp932", "replace")
    return (character, error.start + 2) if len(character) == 1 else ("\ufffd", error.start + 2)


codecs.register_error(_NEC, _nec_character)
