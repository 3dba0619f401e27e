"""What is typed on the command line as values: weights, dates, sizes, scores, words and images."""

from __future__ import annotations

import os
import re
from datetime import datetime, timedelta
from pathlib import Path

import click
import pytest

from edgeembed.cli.param_types import Item, Near, Score, Size, When, meaning, words


@pytest.mark.parametrize(
    ("typed", "weight", "words"),
    [
        ("dog", 1, "dog"),
        ("2:dog", 2, "dog"),
        ("0.5:dog", 0.5, "dog"),
        (".5:dog", 0.5, "dog"),
        ("12:30 train", 12, "30 train"),
        ("1:12:30 train", 1, "12:30 train"),
        ("1:-1:dog", 1, "-1:dog"),
        ("note: the train", 1, "note: the train"),
        ("192.168.0.1:80", 1, "192.168.0.1:80"),
        ("-1 dog", 1, "-1 dog"),
        ("infinity: a novel", 1, "infinity: a novel"),
    ],
)
def test_what_begins_with_a_number_and_a_colon_has_a_weight(typed: str, weight: float, words: str) -> None:
    assert Item().convert(typed, None, None) == (weight, words)


@pytest.mark.parametrize(
    "typed", ["-1:dog", "+2:dog", "-.5:dog", "1e3:dog", "1.5E-3:dog", "0,5:dog", "NaN:dog", "-inf:dog"]
)
def test_a_weight_that_is_written_otherwise_is_refused(typed: str) -> None:
    with pytest.raises(
        click.UsageError, match=rf"'{re.escape(typed)}': a weight is a number .* as in 2:dog or 0\.5:dog"
    ):
        Item().convert(typed, None, None)


def test_a_day_as_the_end_of_a_range_means_all_of_it() -> None:
    assert When().convert("2024-05-01", None, None) == datetime(2024, 5, 1)
    assert When(end=True).convert("2024-05-01", None, None) == datetime(2024, 5, 2)
    for end in (False, True):
        assert When(end=end).convert("2024-05-01T18:30", None, None) == datetime(2024, 5, 1, 18, 30)
        assert When(end=end).convert("2024-05-01 18:30", None, None) == datetime(2024, 5, 1, 18, 30)


@pytest.mark.parametrize(
    ("typed", "age"),
    [
        ("90min", timedelta(minutes=90)),
        ("12 h", timedelta(hours=12)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
        ("6mon", timedelta(days=6 * 30.44)),
        ("1y", timedelta(days=365.25)),
    ],
)
def test_an_age_is_counted_back_from_now(typed: str, age: timedelta) -> None:
    earliest = datetime.now() - age
    when = When().convert(typed, None, None)
    assert earliest <= when <= datetime.now() - age


@pytest.mark.parametrize("typed", ["yesterday", "2024-13-01", "7", "-7d", "2024-05-01T25:00", ""])
def test_other_times_are_refused_with_examples(typed: str) -> None:
    with pytest.raises(click.UsageError, match=r"is no date \(2024-05-01\), time .* or age"):
        When().convert(typed, None, None)


@pytest.mark.parametrize(
    ("typed", "size"),
    [("800", 800), ("20k", 20480), ("1.5M", 1572864), ("2 GiB", 2 << 30), ("1tb", 1 << 40), ("0", 0)],
)
def test_sizes_are_in_powers_of_1024(typed: str, size: int) -> None:
    assert Size().convert(typed, None, None) == size


@pytest.mark.parametrize("typed", ["-1", "1e3", "20 p", "k", "1,5M"])
def test_other_sizes_are_refused(typed: str) -> None:
    with pytest.raises(click.UsageError, match="is no size such as"):
        Size().convert(typed, None, None)


def test_a_score_is_a_number_in_its_range() -> None:
    assert Score(0, 1).convert("0.5", None, None) == 0.5
    for typed in ("nan", "1.01", "-0.1", "half"):
        with pytest.raises(click.UsageError):
            Score(0, 1).convert(typed, None, None)


@pytest.mark.parametrize("typed", ["", " ", "2:", "2: "])
def test_a_meaning_needs_words(typed: str) -> None:
    with pytest.raises(click.UsageError, match="is no meaning, such as dog"):
        Item().convert(typed, None, None)


def test_the_name_of_an_image_is_the_image_if_it_is_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "boat.png"
    assert meaning(str(path)) == str(path)
    assert capsys.readouterr().err == f"{path}: no such picture; searching for these words\n"
    path.write_bytes(b"")
    assert meaning(str(path)) == path
    assert capsys.readouterr().err == ""
    assert meaning("a boat.") == "a boat."


def test_words_of_a_terminal_of_another_encoding_are_read() -> None:
    assert words("Grüße") == "Grüße"
    assert words(os.fsdecode("Die Bäume blühen schön".encode("cp1252"))) == "Die Bäume blühen schön"


@pytest.mark.parametrize(
    ("typed", "near"),
    [
        ("48.21,16.37,5", (48.21, 16.37, 5.0)),
        ("-33.86, 151.21, 10km", (-33.86, 151.21, 10.0)),
        ("48 16 0.5", (48.0, 16.0, 0.5)),
    ],
)
def test_places(typed: str, near: tuple[float, float, float]) -> None:
    assert Near().convert(typed, None, None) == near


@pytest.mark.parametrize("typed", ["", "48,16", "Vienna", "91,0,1", "0,181,1", "1,2,-3", "1,2,3,4", "nan,1,1"])
def test_no_places(typed: str) -> None:
    with pytest.raises(click.UsageError, match=r"is no latitude, longitude and kilometres, such as 48\.21,16\.37,5"):
        Near().convert(typed, None, None)


def test_a_picture_is_known_by_its_bytes(tmp_path: Path) -> None:
    from PIL import Image

    picture, text = tmp_path / "holiday", tmp_path / "holiday.md"
    Image.new("RGB", (8, 8)).save(picture, "JPEG")
    text.write_text("Buy milk")
    assert meaning(str(picture)) == picture
    assert meaning(str(text)) == str(text)
    assert meaning("a" * 5000) == "a" * 5000
