"""The cases of git's own test of its patterns, t3070-wildmatch.sh, with the truth from the git that is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from edgeembed.reading.entries import FileStat, Skipped
from edgeembed.sync.ignore_rules import RuleSet, built_in_rules, ignored
from edgeembed.sync.ignore_syntax import parse_line
from edgeembed.sync.walk import walk

CASES = r"""
foo foo|foo bar|foo ???|foo ??|foo *|foo f*|foo *f|foo *foo*|foobar *ob*a*r*|aaaaaaabababab *ab|foo* foo\*
foobar foo\*bar|f\oo f\\oo|ball *[al]?|ten [ten]|ten **[!te]|ten **[!ten]|ten t[a-g]n|ten t[!a-g]n|ton t[!a-g]n
ton t[^a-g]n|a]b a[]]b|a-b a[]-]b|a]b a[]-]b|aab a[]-]b|aab a[]a-]b|] ]
foo/baz/bar foo*bar|foo/baz/bar foo**bar|foobazbar foo**bar|foo/baz/bar foo/**/bar|foo/baz/bar foo/**/**/bar
foo/b/a/z/bar foo/**/bar|foo/b/a/z/bar foo/**/**/bar|foo/bar foo/**/bar|foo/bar foo/**/**/bar|foo/bar foo?bar
foo/bar foo[/]bar|foo/bar foo[^a-z]bar|foo/bar f[^eiu][^eiu][^eiu][^eiu][^eiu]r|foo-bar f[^eiu][^eiu][^eiu][^eiu][^eiu]r
foo **/foo|XXX/foo **/foo|bar/baz/foo **/foo|bar/baz/foo */foo|foo/bar/baz **/bar*|deep/foo/bar/baz **/bar/*
deep/foo/bar **/bar/*|foo/bar/baz **/bar**|foo/bar/baz/x */bar/**|deep/foo/bar/baz/x */bar/**
deep/foo/bar/baz/x **/bar/*/*
acrt a[c-c]st|acrt a[c-c]rt|] [!]-]|a [!]-]|\ \ |\ */\ |XXX/\ */\ |foo foo|@foo @foo|foo @foo|[ab] \[ab]|[ab] [[]ab]
[ab] [[:]ab]|[ab] [[::]ab]|[ab] [[:digit]ab]|[ab] [\[:]ab]|?a?b \??\?b|abc \a\b\c|foo/bar/baz/to **/t[o]
a1B [[:alpha:]][[:digit:]][[:upper:]]|a [[:digit:][:upper:][:space:]]|A [[:digit:][:upper:][:space:]]
1 [[:digit:][:upper:][:space:]]|1 [[:digit:][:upper:][:spaci:]]|% [[:digit:][:upper:][:space:]]
% [[:digit:][:punct:][:space:]]|5 [[:xdigit:]]|f [[:xdigit:]]|D [[:xdigit:]]
_ [[:alnum:][:alpha:][:blank:][:cntrl:][:digit:][:graph:][:lower:][:print:][:punct:][:space:][:upper:][:xdigit:]]
% [^[:alnum:][:alpha:][:blank:][:cntrl:][:digit:][:lower:][:space:][:upper:][:xdigit:]]
5 [a-c[:digit:]x-z]|b [a-c[:digit:]x-z]|y [a-c[:digit:]x-z]|q [a-c[:digit:]x-z]
] [\\-^]|[ [\\-^]|- [\-_]|] [\]]|\] [\]]|\ [\]]|ab a[]b|a[]b a[]b|ab[ ab[|ab [!|ab [-|- [-]|- [a-|- [!a-
- [--A]|5 [--A]|$ [!--A]|- [ --]|$ [ --]|- [---]|- [------]|j [a-e-n]|- [a-e-n]|a [!------]|[ []-a]|^ []-a]|^ [!]-a]
[ [!]-a]|^ [a^bc]|-b] [a-]b]|\ [\]|\ [\\]|\ [!\\]|G [A-\\]|aaabbb b*a|aabcaa *ba*|, [,]|, [\\,]|\ [\\,]|- [,-.]|+ [,-.]
-.] [,-.]|2 [\1-\3]|3 [\1-\3]|4 [\1-\3]|\ [[-\]]|[ [[-\]]|] [[-\]]|- [[-\]]
-adobe-courier-bold-o-normal--12-120-75-75-m-70-iso8859-1 -*-*-*-*-*-*-12-*-*-*-m-*-*-*
-adobe-courier-bold-o-normal--12-120-75-75-X-70-iso8859-1 -*-*-*-*-*-*-12-*-*-*-m-*-*-*
XXX/adobe/courier/bold/o/normal//12/120/75/75/m/70/iso8859/1 XXX/*/*/*/*/*/*/12/*/*/*/m/*/*/*
abcd/abcdefg/abcdefghijk/abcdefghijklmnop.txt **/*a*b*g*n*t|abcd/abcdefg/abcdefghijk/abcdefghijklmnop.txtz **/*a*b*g*n*t
foo */*/*|foo/bar */*/*|foo/bba/arr */*/*|foo/bb/aa/rr */*/*|foo/bb/aa/rr **/**/**|abcXdefXghi *X*i|ab/cXd/efXg/hi *X*i
ab/cXd/efXg/hi */*X*/*/*i|ab/cXd/efXg/hi **/*X*/**/*i|foo fo|foo/bar foo/bar|foo/bar foo/*|foo/bba/arr foo/*
foo/bba/arr foo/**|foo/bba/arr foo*|foo/bba/arr foo**|foo/bba/arr foo/*arr|foo/bba/arr foo/**arr|foo/bba/arr foo/*z
foo/bba/arr foo/**z|foo/bar foo?bar|ab/cXd/efXg/hi *X*i|a [A-Z]|A [a-z]|a [B-Za]|Z [Z-y]|aaaa *a*a*a*a*a|abab *ab*ab*ab
foo/é foo/?|foo/é foo/??|é [é]|é [!a][!a]|x{a,b} x{a,b}|xa x{a,b}
"""


def by_us(pattern: str, path: str) -> bool:
    try:
        rule = parse_line(os.fsencode(pattern).decode("latin-1"))
    except ValueError:  # which git lets fit nothing
        return False
    rules = built_in_rules(ignore=False).with_nearer(RuleSet([rule] if rule is not None else []))
    steps = path.split("/")
    ways = ["/".join(steps[:number]) for number in range(1, len(steps) + 1)]
    return any(ignored(rules, way.rpartition("/")[2], way, way != path) for way in ways)


@pytest.mark.skipif(shutil.which("git") is None or os.name == "nt", reason="needs git, and names that POSIX allows")
@pytest.mark.parametrize("anchor", ["", "/"], ids=["name", "path"])
def test_cases_of_git(tmp_path: Path, anchor: str) -> None:
    cases = [case.partition(" ")[::2] for line in CASES.splitlines() for case in line.split("|") if " " in case]
    cases = [(path, anchor + pattern) for path, pattern in cases if path and "//" not in path]
    git = ["git", "-c", "core.excludesFile=", "-c", "core.ignoreCase=false", "-C", os.fspath(tmp_path)]
    subprocess.run([*git, "init", "--quiet"], check=True)
    for number, (_, pattern) in enumerate(cases):
        (tmp_path / f"c{number}").mkdir()
        (tmp_path / f"c{number}" / ".gitignore").write_text(pattern + "\n", encoding="utf-8")
    asked = "".join(f"c{number}/{path}\0" for number, (path, _) in enumerate(cases)).encode()
    answer = subprocess.run([*git, "check-ignore", "--no-index", "-z", "--stdin"], input=asked, capture_output=True)
    fitting = set(answer.stdout.decode().split("\0"))
    expected = {case: f"c{number}/{case[0]}" in fitting for number, case in enumerate(cases)}
    assert {(path, pattern): by_us(pattern, path) for path, pattern in cases} == expected
    assert len(expected) > 150
    assert 0.3 < sum(expected.values()) / len(expected) < 0.8


def test_the_walk_takes_such_rules_without_a_warning(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    (tmp_path / ".gitignore").write_text("[[]z]\n[[:alpha:]]x\n[a&&b]\n[a||b]\n[a~~b]\n[a--b]\nopen[\n")
    for name in ("[z]", "ax", "&", "kept"):
        (tmp_path / name).write_text("x")
    entries = list(walk(tmp_path))
    assert [entry.path for entry in entries if isinstance(entry, FileStat)] == ["kept"]
    assert [entry.reason for entry in entries if isinstance(entry, Skipped)] == [
        "ignore rule that cannot be used: line 7"
    ]
    assert not recwarn.list
