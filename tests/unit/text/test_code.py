"""What tells programs from prose: names of files and what is defined in them."""

from __future__ import annotations

import pytest

from edgeembed.text.code import defined_names, is_code, is_sideline


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("def parse(text):", "parse"),
        ("async def parse_all(", "parse_all"),
        ("class HTMLParser(Base):", "HTMLParser"),
        ("class Plain:", "Plain"),
        ("export default class Widget extends Base {", "Widget"),
        ("export function draw(a, b) {", "draw"),
        ("func NewServer(addr string) *Server {", "NewServer"),
        ("type Server struct {", "Server"),
        ("pub fn run<T>(x: T) {", "run"),
        ("struct point {", "point"),
        ("public abstract class Shape implements Drawn {", "Shape"),
        ("interface Drawn", "Drawn"),
        ("trait Read: Sized {", "Read"),
        ("module Parsing", "Parsing"),
    ],
)
def test_definitions_in_the_first_column(line: str, name: str) -> None:
    assert [line[slice(*span)] for span in defined_names(line)] == [name]
    text = f"# about\n{line}\n    x = 1\n"
    assert [text[slice(*span)] for span in defined_names(text)] == [name]
    assert list(defined_names(f"    {line}")) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x = 1",
        "class struggle was",
        "type of thing",
        "def _private():",
        "default value",
        "(def x)",
        "object lesson, a",
    ],
)
def test_what_is_no_definition(text: str) -> None:
    assert list(defined_names(text)) == []
    assert list(defined_names(f"first line\n{text}\nlast line")) == []


def test_code_is_known_by_its_name() -> None:
    assert all(map(is_code, ["a.py", "src/a.TS", "x/y.cpp", "lib.rs", "a.b.go"]))
    assert not any(map(is_code, ["", "py", ".py", "a.txt", "a.md", "notes.py.txt", "a.json", "a.", "Makefile"]))


def test_tests_and_what_is_made_or_brought_along_is_known_by_its_path() -> None:
    aside = (
        "tests/a.py test/a.c src/test_a.py a_test.go b.spec.ts a.min.js x_pb2.py vendor/a.go x/__tests__/a.js a.pb.go"
    )
    assert all(map(is_sideline, [*aside.split(), "src\\tests\\a.py", "conftest.py", "FooTest.java"]))
    assert not any(
        map(is_sideline, ["a.py", "testimony/a.py", "contest.py", "src/latest.py", "protest.go", "unittest.py"])
    )
