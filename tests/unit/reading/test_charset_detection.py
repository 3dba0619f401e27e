"""Which of the older encodings a text is in."""

from __future__ import annotations

import pytest

from edgeembed.reading.charset_detection import oddities, sample_of, wide_encoding
from edgeembed.reading.decode import decode


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        ("Der Schlüssel für die Tür liegt unter der Fußmatte.", "cp1252"),
        ("Chez Doris location, 1430 rue Chomedey. Français : Rue Chomedey, côté ouest", "cp1252"),
        ("June 2014 view of Klövsjö with Klövsjö Church and the skiing slopes", "cp1252"),
        ("Château de la Lozère", "cp1252"),
        ("Flag of the village of Razès, as seen from the hill of Razès", "cp1252"),
        ("The Blair Witch Project – directed by Eduardo Sánchez – is a film", "cp1252"),
        ("Gołogóra Transmitter. Polski: Maszt radiowy", "cp1250"),
        ("Załoga jachtu biorącego udział w regatach", "cp1250"),
        ("Žluťoučký kůň úpěl ďábelské ódy. Příliš mnoho učňů čeká na večeři u řeky.", "cp1250"),
        ("Die Bäume blühen schön, die Vögel singen süß.", "mac-roman"),
        ("Die Bäume blühen schön, die Vögel singen heiß.", "cp437"),
    ],
)
def test_few_letters_beyond_ascii(words: str, encoding: str) -> None:
    assert decode(words.encode(encoding)) == words


def test_the_sample_holds_the_lines_that_tell_and_no_half_of_them() -> None:
    plain = b"plain words in a long log\n" * 50_000
    telling = "schöne Grüße aus Köln\n".encode("cp1252")
    assert sample_of(plain + telling + plain) == telling
    long_line = ("wort " * 300 + "schön " + "wort " * 2000).encode("cp1252")
    sample = sample_of(long_line)
    assert len(sample) < 2300
    assert sample.endswith(b"wort ")


def test_a_signs_place_in_a_word_tells_encodings_apart() -> None:
    assert oddities("Château de la Lozère, 1 £ – «ja»") == 0
    assert oddities("LozËre") == 1
    assert oddities("Go³ogóra") == 1


@pytest.mark.parametrize(
    ("words", "encoding"),
    [
        ("Güzel bir akşam için şeker alacağız.", "cp1254"),
        ("Az árvíztűrő tükörfúrógép mindig működik.", "cp1250"),
        ("Az árvíztűrő tükörfúrógép mindig működik.", "iso8859-2"),
        ("Đaci su učili ćirilicu i čitali knjige.", "cp1250"),
        ("Šiandien mėnulis šviečia labai ryškiai.", "cp1257"),
        ("Καλημέρα, πώς είστε σήμερα;", "cp1253"),
        ("Ο σκύλος έτρεξε στο πάρκο", "iso8859-7"),
        ("Моя встреча перенесена на пятницу, а твоя?", "mac-cyrillic"),
        ("Встреча перенесена на четверг", "cp866"),
        ("Është një ditë e bukur për të ecur në qytetin tonë, tha ai.", "cp1252"),
        ("פגישה מחר בבוקר", "cp1255"),
        ("การประชุมครั้งต่อไป", "cp874"),
        ("会议纪要和下周的计划", "gb18030"),
        ("會議記錄和下週的計劃", "big5hkscs"),
        ("회의록과 다음 주 계획", "cp949"),
        ("会議の議事録を送ります。①", "cp932"),
        ("はい、そうです。ありがとうございます。", "cp932"),  # no Chinese character in it
        ("データベース、サーバー、ネットワーク", "euc_jp"),
        ("int n; // 変数の数\n" * 20, "cp932"),  # what comes again says nothing new
        ("Backofen auf 25 °C vorheizen", "cp1252"),
        ("perché è così", "cp850"),
    ],
)
def test_a_sentence_is_enough(words: str, encoding: str) -> None:
    assert decode(words.encode(encoding)) == words


@pytest.mark.parametrize("encoding", ["big5", "cp932", "euc_jp", "cp949", "gb18030"])
def test_a_damaged_line_does_not_cost_the_others(encoding: str) -> None:
    words = {
        "big5": "會議記錄和下週的計劃",
        "cp949": "회의록과 다음 주 계획을 보냅니다",
        "gb18030": "会议纪要和下周的计划",
    }.get(encoding, "会議の議事録を送りますので")
    lines = [f"{number} {words[number % 5 :]}\n" for number in range(40)]
    data = b"".join(line.encode(encoding) for line in lines[:20]) + b"\xff\xfd broken\n"
    assert "".join(lines[:20]) in (decode(data + b"".join(line.encode(encoding) for line in lines[20:])) or "")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize(
    "words", ["Grüße aus Köln\n", "Встреча в 10 часов\n", "会議の議事録 2024 年\n一一一\n", "วันนี้ฝนตก 5 นาที\n"]
)
def test_two_and_four_bytes_a_character_need_no_mark(words: str, encoding: str) -> None:
    data = (words * 30).encode(encoding)
    assert wide_encoding(data) == encoding
    assert decode(data) == words * 30


def test_numbers_and_lists_of_names_are_not_utf_16() -> None:
    samples = b"".join(number.to_bytes(2, "little") for number in range(0, 4000, 3))
    assert wide_encoding(samples) is None
    assert wide_encoding(b"".join(b"./a/file%d\0" % number for number in range(99))) is None
    assert wide_encoding(b"plain words and nothing else") is None
