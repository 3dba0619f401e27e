"""One form for everything that is stored and asked."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from edgeembed.text.normalize import compose, fold, fold_marks, fold_marks_aligned


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ÀÉÎõü Łódź Øre đ ħ ı İ", "aeiou lodz ore d h i i"),
        ("æ Œ ß ẞ þ ﬁ ﬀ", "ae oe ss ss th fi ff"),
        ("Ἀθῆναι ΛΌΓΟΣ λόγος ᾳ", "αθηναι λογοσ λογοσ α"),
        ("Новый ё Ё е́ ї й ў ґ ѓ", "новый е е е ї й ў ґ ѓ"),
        ("Подъ\u0435\u0301зд", "подъезд"),
        ("مُحَمَّد أحمد آخر مدرسة على ـــ", "محمد احمد اخر مدرسه علي "),
        ("کتاب ی", "كتاب ي"),
        ("שָׁלוֹם", "שלום"),
        ("ज़रूर किताबें", "जरूर किताबें"),
        ("ｶﾞｲﾄﾞ ＡＢＣ", "ガイド abc"),
        ("ガイド 한글", "ガイド 한글"),
        ("ข้าว ที่", "ข้าว ที่"),
        ("co\u00adoperate \u200bx\u200d", "cooperate x"),
        ("x² ½ ™ №", "x2 1⁄2   no"),
        ("it’s “so” – we…", 'it\'s "so"   we...'),
        ("plain ASCII", "plain ascii"),
    ],
)
def test_each_script_is_folded_as_its_readers_expect(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert fold(unicodedata.normalize("NFD", text)) == folded
    assert fold(unicodedata.normalize("NFC", text)) == folded


@pytest.mark.slow
def test_folding_twice_changes_nothing_and_places_are_kept_for_every_character() -> None:
    for number in range(0x20000):
        if 0xD800 <= number < 0xE000:
            continue
        character = chr(number)
        folded = fold(character)
        assert fold(folded) == folded, hex(number)
        aligned, places = fold_marks_aligned(f"a{character}b")
        assert aligned == fold_marks(f"a{character}b"), hex(number)
        assert len(places) == len(aligned)
        marked = fold_marks(character)
        assert len(marked.casefold()) == len(marked), hex(number)


def test_places_are_those_of_whole_characters() -> None:
    text = "e\u0301ﬁ\u1112\u1161\u11ab"
    assert fold_marks_aligned(text) == ("efi한", [(0, 2), (2, 3), (2, 3), (3, 6)])


def test_lone_surrogates_stay() -> None:
    assert fold("caf\udce9") == "caf\udce9"
    assert compose("Zu\u0308rich") == "Zürich"
    assert sys.intern(compose("plain")) == "plain"
