"""Patterns as git reads them, and never for long."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import time
import warnings
from pathlib import Path

import pytest

from edgeembed.catalog.where import condition
from edgeembed.text.globs import MAX_CHARS, alternatives, any_of, translate

STEPS = ["a", "b", "ab", "aab", "abab", "a*b", "a[b", "a]", "a-b", "a\\b", ".a", "a?", "^a", "!b", "x"]
TOKENS = [
    *("a", "b", "a", "b", "x", "-", ".", "*", "*", "*", "?", "**", "\\*", "\\?", "\\[", "\\\\", "\\a", "\\]", "]"),
    *("[ab]", "[!a]", "[^b]", "[]a]", "[a-b]", "[!a-z]", "[\\]]", "[a\\-b]", "[*?]", "[[]", "[-a]", "[a-]", "[.-x]"),
    *("[^]]", "[!-]", "[a", "[z-a]", "\\", "[[:alpha:]]", "[[:punct:]x]", "[[:x]"),
]


def fits(pattern: str, text: str) -> bool:
    return re.compile(translate(pattern), re.DOTALL).fullmatch(text) is not None


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a*b", "ab axb axxb a*b"),
        ("a\\*b", "a*b"),
        ("*a*b", "ab axb axxb xaxb a*b"),
        ("a?b", "axb a*b"),
        ("a\\?b", ""),
        ("a[*?]b", "a*b"),
        ("[a]*b", "ab axb axxb a*b"),
        ("**", "ab axb axxb xaxb a*b"),
        ("a***b", "ab axb axxb a*b"),
        ("d/*b", "d/ab"),
        ("d/**", "d/ab d/e/ab d/e/f/ab"),
        ("**/ab", "ab d/ab d/e/ab d/e/f/ab"),
        ("d/**/ab", "d/ab d/e/ab d/e/f/ab"),
        ("d/**/**/e/**/ab", "d/e/ab d/e/f/ab"),
        ("**/e/**/ab", "d/e/ab d/e/f/ab"),
        ("/**/f/*b", "d/e/f/ab"),
        ("d**/ab", "d/ab d/e/ab d/e/f/ab"),
        ("**\\/ab", "d/ab d/e/ab d/e/f/ab"),
        ("[[:alpha:]][[:lower:]]", "ab"),
        ("a[^[:alnum:]]b", "a*b"),
        ("/ab", "ab"),
        ("[/-b]b", "ab"),
        ("[!x]b", "ab"),
        ("\\a\\b", "ab"),
    ],
)
def test_what_a_pattern_fits(pattern: str, expected: str) -> None:
    texts = ["ab", "axb", "axxb", "xaxb", "a*b", "d/ab", "d/e/ab", "d/e/f/ab"]
    # A pattern without a slash is compared with names.
    assert [text for text in texts if ("/" in pattern or "/" not in text) and fits(pattern, text)] == expected.split()


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[[]z]", "[z]"),  # the set ends at its first "]", and another one follows
        ("[[:x]b", "[b :b xb"),
        ("[z-a]b", "zb"),
        ("[]-z]b", "ab ]b zb xb"),
        ("[-a]b", "-b ab"),
        ("[a-]b", "-b ab"),
        ("[\\]]b", "]b"),
        ("[[:punct:]]b", "-b ]b [b :b"),
        ("[a-[:alpha:]]b", ""),
        ("[[:digit:]-z]b", "-b zb"),
        ("{a,z}b", ""),
    ],
)
def test_sets_as_git_reads_them(pattern: str, expected: str) -> None:
    texts = ["[z]", "[b", ":b", "xb", "zb", "-b", "ab", "]b"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert {text for text in texts if fits(pattern, text)} == set(expected.split())


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("a{b,c}", ["ab", "ac"]),
        ("{a,b}/*.{c,d}", ["a/*.c", "a/*.d", "b/*.c", "b/*.d"]),
        ("{a,{b,c}d}", ["a", "bd", "cd"]),
        ("{a,}b", ["ab", "b"]),
        ("{a}", ["{a}"]),
        ("{a{b,c}", ["{ab", "{ac"]),
        ("{a,b", ["{a,b"]),
        ("a,b}", ["a,b}"]),
        ("\\{a,b}", ["\\{a,b}"]),
        ("{a\\,b,c}", ["a\\,b", "c"]),
        ("[{]a,b}", ["[{]a,b}"]),
        ("{[,],b}", ["[,]", "b"]),
        ("{{a,b}}", ["{a}", "{b}"]),
    ],
)
def test_braces_stand_for_several_patterns(pattern: str, expected: list[str]) -> None:
    assert alternatives(pattern) == expected


def test_braces_that_stand_for_too_many_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 1000 patterns"):
        alternatives("{a,b}" * 40)


def test_characters_that_are_no_ascii_text() -> None:
    assert fits("a\n?", "a\nb")
    assert fits("*\n*", "one\ntwo")
    assert fits("caf?", "caf\udce9")
    assert fits("caf\udce9*", "caf\udce9.txt")
    assert fits("[\ud800-\udfff]", "\udce9")
    assert not fits("[!\udce9]", "\udce9")
    assert fits("\\\n", "\n")
    assert fits("", "")
    assert not fits("", "a")


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("a\\", "ends with a backslash"),
        ("*\\", "ends with a backslash"),
        ("a[", "a [ without ]"),
        ("[]", "a [ without ]"),
        ("[!]", "a [ without ]"),
        ("[a\\]", "a [ without ]"),
        ("[z-a]", "bad character range z-a"),
        ("x[[:letters:]]", "no class of characters [:letters:]"),
        ("x[[:alpha:", "a [ without ]"),
        ("?" * (MAX_CHARS + 1), "longer than 4096 characters"),
    ],
)
def test_what_cannot_be_translated_says_why(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        translate(pattern, strict=True)
    with pytest.raises(ValueError, match=f"^name: .* is no pattern that can be used: .*{re.escape(reason)}"):
        condition({"name": {"glob": ["ok", pattern]}})


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("*a" * 11 + "*b", "a" * 40),
        ("*a" * 2000 + "*b", "a" * 4000),
        ("*?" * 2000 + "b", "a" * 4000),
        ("?" * MAX_CHARS, "a" * 4000),
        ("*[ab]" * 800 + "c", "ab" * 2000),
        ("*[!b]" * 800 + "b", "a" * 4000),
        ("**/a/" * 800 + "b", "a/" * 2000 + "a"),
        ("**/*a*a*a/" * 400 + "b", "aaaa/" * 800 + "a"),
        ("x/" + "**/*/" * 800 + "b", "x/" + "a/" * 2000 + "a"),
        ("**/" * 1000 + "b", "a/" * 2000 + "a"),
        ("*" * (MAX_CHARS - 1) + "b", "a/" * 2000),
        ("*a*/" * 1000 + "b", "aaa/" * 1000 + "a"),
    ],
)
def test_no_pattern_takes_long(pattern: str, text: str) -> None:
    start = time.process_time()
    assert not fits(pattern, text)
    assert time.process_time() - start < 10


def test_many_patterns_are_one_expression() -> None:
    patterns = [f"*{a}*{b}*/**/x*y*z/**" for a in "abcdefghij" for b in "abcdefghij"]
    whole = re.compile(any_of(translate(pattern) for pattern in [*patterns, *patterns]), re.DOTALL)
    assert whole.fullmatch("1h2c3/4/5/xyz/6")
    assert not whole.fullmatch("1h2k3/4/5/xyz/6")
    assert re.compile(any_of([])).fullmatch("a") is None


def random_pattern(rng: random.Random) -> str:
    steps = ["".join(rng.choices(TOKENS, k=rng.randint(1, 5))) for _ in range(rng.choice([1, 1, 2, 3, 4]))]
    steps = [rng.choice(["**", "***"]) if rng.random() < 0.2 else step for step in steps]
    pattern = rng.choice(["", "", "/"]) + "/".join(steps)
    return pattern.removeprefix("./")  # for ``where`` the top of the folder, which git does not know


@pytest.mark.skipif(shutil.which("git") is None or os.name == "nt", reason="needs git, and names that POSIX allows")
def test_random_patterns_as_git_reads_them(tmp_path: Path) -> None:
    """``git check-ignore`` answers for what is below a folder that fits too, and so does ``where``."""
    rng = random.Random(7)
    patterns = {f"p{number}": random_pattern(rng) for number in range(1500)}
    paths = ["/".join(rng.choices(STEPS, k=rng.choice([1, 1, 2, 3, 4]))) for _ in range(60)]
    for folder, pattern in patterns.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / ".gitignore").write_text(re.sub("^(?=[#!])", r"\\", pattern) + "\n")
    git = ["git", "-c", "core.excludesFile=", "-c", "core.ignoreCase=false", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "--quiet"], check=True)
    asked = "".join(f"{folder}/{path}\0" for folder in patterns for path in paths).encode()
    answer = subprocess.run([*git, "check-ignore", "--no-index", "-z", "--stdin"], input=asked, capture_output=True)
    ignored = set(answer.stdout.decode().split("\0"))
    compared, refused = 0, list[bool]()
    for folder, pattern in patterns.items():
        expected = {path for path in paths if f"{folder}/{path}" in ignored}
        try:
            (expression,) = condition({"a": {"glob": pattern}}).values[1:]
        except ValueError as error:
            refused.append(bool(expected) and "bad character range" not in str(error))
            continue
        whole = re.compile(expression.decode(), re.DOTALL)
        assert {path for path in paths if whole.fullmatch(path)} == expected, pattern
        compared += bool(expected)
    assert not any(refused)  # git lets them fit nothing
    assert compared > 300
