"""Bytes of a file to text: byte order marks, ends of lines, what is no text."""

from __future__ import annotations

import codecs

import pytest

from edgeembed.reading.decode import decode


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
    ],
)
def test_a_byte_order_mark_names_the_encoding_and_is_no_text(mark: bytes, encoding: str) -> None:
    assert decode(mark + "Grüße, 日本".encode(encoding)) == "Grüße, 日本"


def test_two_bytes_that_look_like_a_mark_are_no_proof() -> None:
    assert decode(b"\xff\xfe" + bytes(range(256)) * 8) is None


def test_every_line_ends_with_a_newline_character() -> None:
    assert decode(b"unix\nwindows\r\nmac\rlast") == "unix\nwindows\nmac\nlast"


def test_control_characters_make_binary_data_and_a_stray_nul_a_space() -> None:
    assert decode(b"\x01\x02\x03\x04" * 10) is None
    text = decode(b"a log that broke off \0 and went on".ljust(400, b"."))
    assert text == "a log that broke off   and went on".ljust(400, ".")


def test_utf8_with_some_damage_stays_utf8() -> None:
    assert decode("schöne Grüße und Äpfel ".encode() + b"\xe9") == "schöne Grüße und Äpfel \ufffd"


LINES = ("2024-01-03 Müller hat angerufen\n", "2024-01-04 Besuch in Łódź geplant\n", "2024-01-05 plain\n")


def test_a_log_of_two_encodings_is_read_line_by_line() -> None:
    western = "Die Tür für Jürgen ist schön\n"
    data = (
        LINES[1].encode() + western.encode("cp1252") + LINES[2].encode() + western.encode("cp1252") + LINES[0].encode()
    )
    assert decode(data) == LINES[1] + western + LINES[2] + western + LINES[0]
    japanese = "会議の議事録を送ります。次回は木曜日です。\n"
    assert decode((japanese.encode() + japanese.encode("cp932")) * 3) == japanese * 6


def test_two_bytes_that_happen_to_be_utf8_make_no_second_encoding() -> None:
    words = "联通 是 公司\n联通\n我们 的 公司 在 北京 和 上海\n今天 天气 很 好\n"
    assert "联通".encode("gb18030").decode("utf-8", "replace").count("\ufffd") < 4
    assert decode(words.encode("gb18030")) == words


def test_a_line_that_happens_to_be_utf8_is_none_if_its_words_are_odd() -> None:
    words = "Le journal de l’équipe\nUn été à la plage, près de la forêt où il a dû rêver\nIl a déjà goûté ce gâteau\n"
    assert "l’équipe".encode("mac-roman").decode("utf-8")
    assert decode(words.encode("mac-roman")) == words


def test_what_was_added_to_a_log_in_utf_16_is_read() -> None:
    added = "added by a script: Größe\r\n".encode("utf-16-le")
    assert decode(b"begun in ASCII\r\n" + added + added) == "begun in ASCII\n" + "added by a script: Größe\n" * 2


def test_nul_in_a_long_text_is_an_accident() -> None:
    words = "a log that broke off and went on\n" * 200
    assert decode(words.encode() + b"\0" * 4096 + words.encode()) == words + " " * 4096 + words
    assert decode(b"\0\1\2\3 words \0\1\2\3" * 200) is None


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"\x1b$B\x2d\x21\x3f\x37\x1b(B ok", "①新 ok"),
        (b"\x1b$)C\x0e?*;g@{\x0f\n" * 9, "역사적\n" * 9),
        (b"~{VPND~} ok", "中文 ok"),
        (b"~{ braces ~} and home ~/x", "~{ braces ~} and home ~/x"),
    ],
)
def test_encodings_of_seven_bits(data: bytes, text: str) -> None:
    assert decode(data) == text


@pytest.mark.parametrize(
    ("begin", "label", "words"),
    [
        ('<?xml version="1.0" encoding="{}"?>\n<a>', "koi8-r", "да"),
        ("# -*- coding: {} -*-\n# ", "euc-jp", "株"),
        ("/* vim: set fileencoding={} : */\n", "windows-1257", "ū"),
        ('@charset "{}";\n', "iso-8859-2", "ľ"),
        ("<html><head><META charset={}><p>", "x-sjis", "①"),
        ('<meta http-equiv=content-type content="text/html; charset={}">', "koi8-u", "ґ"),
    ],
)
def test_a_text_that_says_its_encoding_is_believed(begin: str, label: str, words: str) -> None:
    text = begin.format(label) + words
    codec = {"x-sjis": "cp932"}.get(label, label)
    assert decode(text.encode(codec)) == text


def test_a_declaration_that_is_wrong_is_not_believed() -> None:
    words = '<meta charset="iso-8859-1"><p>Grüße, 日本'
    assert decode(words.encode()) == words
    words = '<meta charset="shift_jis"><p>' + "Die Tür für Jürgen ist schön und größer. " * 3
    assert decode(words.encode("cp1252")) == words


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        ("\x1b[31mError\x1b[0m: no \x1b[1;38;5;208mspace\x1b[m left", "Error: no space left"),
        ("\x1b]0;user@host: ~\x07$ ls\x1b[K", "$ ls"),
        ("\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\ \x1b(B\x1b[?25l", "link "),
        ("N\bNA\bAM\bME\bE  _\bf_\bi_\bl_\be", "NAME  file"),
        ("Donau\xaddampf\xadschiff zero\u200bwidth \u2060word\ufeff", "Donaudampfschiff zerowidth word"),
        ("می\u200cخواهم क्\u200dष 👩\u200d🔬", "می\u200cخواهم क्\u200dष 👩\u200d🔬"),
        ("a lone \x1b escape", "a lone \x1b escape"),
    ],
)
def test_what_is_not_seen_is_no_text(shown: str, text: str) -> None:
    assert decode(shown.encode()) == text
