"""Which of the older encodings a text is in."""

from __future__ import annotations

import pytest

from edgeembed.reading.charset_detection import _oddities, _sample, likely_encoding
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


def test_bytes_that_no_encoding_makes_text_of_have_none() -> None:
    assert likely_encoding(bytes(range(128, 256)) * 20) is None


def test_the_sample_holds_the_lines_that_tell_and_no_half_of_them() -> None:
    plain = b"plain words in a long log\n" * 50_000
    telling = "schöne Grüße aus Köln\n".encode("cp1252")
    assert _sample(plain + telling + plain) == telling
    long_line = ("wort " * 300 + "schön " + "wort " * 2000).encode("cp1252")
    sample = _sample(long_line)
    assert len(sample) < 2300
    assert sample.endswith(b"wort ")


def test_a_signs_place_in_a_word_tells_encodings_apart() -> None:
    assert _oddities("Château de la Lozère, 1 £ – «ja»") == 0
    assert _oddities("LozËre") == 1
    assert _oddities("Go³ogóra") == 1
