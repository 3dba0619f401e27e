"""Normalisation: the one form in which texts, names and queries meet in the keyword index.

Unicode's compatibility composition (NFKC, UAX 15: what a Mac writes decomposed, full-width letters, ligatures), then
what each script wants: accents go from Latin and Greek letters, from Cyrillic ones only where they are stress or the
dots of ё (й, ї, ў are letters of their own), vowel points from Arabic and Hebrew; letters that NFKC leaves alone and
that people type without their stroke or as two (ł, ø, ß, æ) become plain ones. Marks that are letters stay: the vowel
signs of Thai, Khmer, Devanagari and others, the voicing of Japanese kana. Case goes last (:func:`fold`).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_ACCENTS = re.compile("[\u0300-\u036f\u093c]+")
"""Combining diacritical marks, and the nukta of Devanagari, which most people leave out."""
_CYRILLIC = re.compile("[\u0400-\u052f]")
_STRESS = ("\u0300", "\u0301")
_CONSONANTS = frozenset("\u0433\u043a\u0413\u041a")
"""With an acute they are other consonants, as in Macedonian."""
_PLAIN = {
    **{"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "þ": "th", "Þ": "TH"},
    **{"ł": "l", "Ł": "L", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "ħ": "h", "Ħ": "H"},
    **{"ŧ": "t", "Ŧ": "T", "ı": "i", "ĸ": "k", "ŋ": "n", "Ŋ": "N"},
    # Arabic: alef with and without hamza, madda or wasla; the ya and kaf of Persian keyboards; the last letters of
    # words that are written either way (as Lucene's ArabicNormalizer has it).
    **dict.fromkeys("\u0622\u0623\u0625\u0671", "\u0627"),
    **{"\u06cc": "\u064a", "\u0649": "\u064a", "\u06a9": "\u0643", "\u0629": "\u0647"},
    "\u02bc": "'",  # the apostrophe inside Ukrainian words, typed in several ways
    "\u02bb": "'",
}
_NOTHING = (
    # Soft hyphen, zero-width and direction signs, variation selectors: not seen, and typed by nobody.
    "\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff"
    "\U0001f3fb-\U0001f3ff"  # colours of skin
    "\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed"  # Arabic
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"  # Hebrew
)
_LETTERS = re.compile(f"[{_NOTHING}{''.join(_PLAIN)}]")
_LATIN = re.compile(f"[{_NOTHING}{''.join(letter for letter in _PLAIN if letter < chr(0x250))}]")
_NOT_LATIN = re.compile("[^\x00-\x7f\u0300-\u036f]")
_SIGNS = (
    *(("\u2019", "'"), ("\u2018", "'"), ("\u201c", '"'), ("\u201d", '"'), ("\u201e", '"'), ("\u2013", " ")),
    *(("\u2014", " "), ("\u2022", " "), ("\u00ab", '"'), ("\u00bb", '"')),
)
"""The commonest signs that are not ASCII, as signs that are."""
# What belongs to the character before it: marks by their category, and characters that compose with it.
_CONTINUES = re.compile(f"[\u1160-\u11ff\uff9e\uff9f{_NOTHING}]")
_SETTLED = (
    "\x00-\x7f\u0391-\u03a1\u03a3-\u03a9\u03b1-\u03c9"  # ASCII, Greek without accents
    "\u0402-\u040c\u040e-\u044f\u0452-\u045c\u045e-\u0482\u048a-\u052f"  # Cyrillic
    "\u05d0-\u05ea\u0621\u0627\u0628\u062a-\u063a\u0641-\u0648\u064a"  # Hebrew, Arabic
    "\u0904-\u0928\u092a-\u0930\u0932\u0933\u0935-\u0939\u093d-\u094d\u0960-\u096f"  # Devanagari
    "\u0e01-\u0e32\u0e34-\u0e3a\u0e40-\u0e4e\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff\uac00-\ud7a3"  # to Hangul
)
_UNSETTLED = re.compile(f"[^{_SETTLED}]+")
"""All but letters that folding leaves alone, of the scripts that are written most. What is left out here by mistake
costs time only."""
_LOOSE = re.compile(
    "[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed\u08ca-\u08ff\u20d0-\u20ff\ufe20-\ufe2f]"
)
"""Marks that NFKC could not put on the letter before, which decides whether they stay."""
MARKS = "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e" + "".join(
    [
        f"{chr(block)}-{chr(block + 3)}{chr(block + 60)}-{chr(block + 77)}{chr(block + 85)}-{chr(block + 87)}"
        for block in range(0x900, 0xD80, 0x80)  # Devanagari to Malayalam, which have them at the same places
    ]
)
"""Vowel signs, of which Python's ``\\w`` has none. Others are told one by one, which takes time."""
_GAP = re.compile(rf"[^\w\x00-\x7f{MARKS}]")
_Span = tuple[int, int]


def compose(text: str) -> str:
    """The canonical composition (NFC): for names, which must differ in nothing that is seen."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """The one form: :func:`fold_marks` without case."""
    return text.lower() if text.isascii() else fold_marks(text).casefold()


def fold_marks(text: str) -> str:
    """NFKC without the marks that do not tell words apart, and with plain letters for those in :data:`_PLAIN`."""
    if text.isascii():
        return text
    composed = unicodedata.normalize("NFKC", text.replace("\u2122", " ").replace("\u2120", " "))
    if _LOOSE.search(composed):
        return _fold_slowly(text)
    return _UNSETTLED.sub(_fold_run, composed)


def _fold_run(run: re.Match[str]) -> str:
    return _fold_cluster(run[0])


def _fold_slowly(text: str) -> str:
    # What stands above the line behind a name is no part of it, and would become letters.
    text = unicodedata.normalize("NFKD", text.replace("\u2122", " ").replace("\u2120", " "))
    for sign, plain in _SIGNS:
        text = text.replace(sign, plain)
    if _NOT_LATIN.search(text):
        text = _LATIN.sub(_plain, text)
        if _NOT_LATIN.search(text):
            text = _ACCENTS.sub(_kept_accents if _CYRILLIC.search(text) else "", text)
            return _LETTERS.sub(_plain, unicodedata.normalize("NFC", text))
    return text.encode("ascii", "ignore").decode("ascii")  # five times as fast as taking the accents away


def _plain(letter: re.Match[str]) -> str:
    return _PLAIN.get(letter[0], "")


def _kept_accents(accents: re.Match[str]) -> str:
    """Of the accents behind a letter, in a text with Cyrillic ones, those that make another letter of it."""
    letter = accents.string[max(accents.start() - 1, 0)]
    if not _CYRILLIC.match(letter):
        return ""
    kept = accents[0] if letter in _CONSONANTS else "".join(c for c in accents[0] if c not in _STRESS)
    return kept.replace("\u0308", "") if letter in "\u0435\u0415" else kept


def fold_marks_aligned(text: str) -> tuple[str, list[_Span]]:
    """As :func:`fold_marks`; and which characters of ``text``, half open, each of the result comes from."""
    if text.isascii():
        return text, [(i, i + 1) for i in range(len(text))]
    out: list[str] = []
    spans: list[_Span] = []
    start = 0
    for end in range(1, len(text) + 1):
        if end < len(text) and _continues(text[end]):
            continue
        folded = _fold_cluster(text[start:end])
        out.append(folded)
        spans += [(start, end)] * len(folded)
        start = end
    return "".join(out), spans


@lru_cache(maxsize=4096)
def _fold_cluster(cluster: str) -> str:
    return _fold_slowly(cluster)


@lru_cache(maxsize=4096)
def _continues(character: str) -> bool:
    return unicodedata.category(character)[0] == "M" or _CONTINUES.match(character) is not None


class _Gaps(dict[str, str]):
    """A character that is neither ASCII nor alphanumeric, to itself if it is a mark, and to a space if not."""

    def __missing__(self, character: str) -> str:
        self[character] = kept = character if unicodedata.category(character)[0] == "M" else " "
        return kept


_GAPS = _Gaps()


def without_gaps(text: str) -> str:
    """A text as long as ``text``, in which a space stands for each sign that is not ASCII and no part of a word."""
    return text if text.isascii() else _GAP.sub(lambda gap: _GAPS[gap[0]], text)
