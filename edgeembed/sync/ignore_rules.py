"""Git's ignore rules (https://git-scm.com/docs/gitignore).

Rules come from ``.gitignore`` and ``.edgeembedignore`` files (same syntax) in every folder, from the folders above up
to the root of an enclosing git repository, from the ``.git/info/exclude`` of that repository and of those inside, and
in repositories from the user's own ignore file. The nearest folder decides, in it the later file, in that the last rule
that fits. Each entry is asked about once, by its own path, and nothing below an ignored folder is asked about, exactly
as git does it.

Most rules have no wildcard but a ``*`` at one end: those are looked up without a regular expression. ``pathspec``, the
usual library for this, is not used: it answers for whole paths of files, so that for ``*`` followed by ``!*/`` it
leaves out every folder, which git does not.
"""

from __future__ import annotations

import os
import re
import stat as modes
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from ..reading.entries import Skipped, unreadable
from ..text.globs import any_of
from .git_config import user_ignore_file
from .ignore_syntax import FOLDS_CASE, Rule, byte_text, parse_line, read_lines

IGNORE_FILES = (".gitignore", ".edgeembedignore")
"""Names of ignore files; the later one wins."""
_EXCLUDE = ".git/info/exclude"
_JUNK = (
    *("$RECYCLE.BIN/", "System Volume Information/", "lost+found/", "__MACOSX/"),
    *("@eaDir/", "\\#recycle/", "\\#snapshot/", "@Recycle/", "@Recently-Snapshot/", "*.lrdata/"),
    *("Thumbs.db", "thumbs.db", "ehthumbs.db", "desktop.ini", "Desktop.ini", "~$*"),
)
"""What systems and programs leave behind: bins, snapshots, images made smaller for a preview."""
_IN_PHOTO_LIBRARIES = ("/resources/", "/database/", "/private/", "/scopes/", "/external/", "/internal/")
_IN_OLDER_LIBRARIES = (
    "/Thumbnails/",
    "/Previews/",
    "/Database/",
    "/Caches/",
    "/iPod Photo Cache/",
    "/Data/",
    "/Data.noindex/",
)
_LIBRARIES = {
    ".photoslibrary": _IN_PHOTO_LIBRARIES,
    ".aplibrary": _IN_OLDER_LIBRARIES,
    ".photolibrary": _IN_OLDER_LIBRARIES,
}
"""Folders in which Apple's programs keep photos, and what they make of these: smaller images, and databases."""
_GENERATED = ("__pycache__/", "node_modules/")
"""What programs make again by themselves. Like junk below all other rules: a ``!`` rule in an ignore file brings it
back."""
_MAX_WILD_RULES = 1000


def ignored(rules: Rules, name: str, path: str, is_folder: bool) -> bool:
    """Whether an entry is to be left out.

    Args:
        name: of the entry.
        path: from the folder that is walked, with ``/``.
        is_folder: ``False`` for a link, whatever it leads to.
    """
    if FOLDS_CASE or not path.isascii():  # most are ASCII, which stays as it is
        name, path = byte_text(name), byte_text(path)
    if not rules.may_fit(name, path):
        return False
    for rule_set in rules.sets:
        from_there = rule_set.above + path[rule_set.cut :] if rule_set.has_paths else ""
        for run in rule_set.runs[is_folder]:
            if (
                name in run.names
                or name.endswith(run.suffixes)
                or name.startswith(run.prefixes)
                or (run.name_re is not None and run.name_re.fullmatch(name))
                or (from_there in run.paths)
                or (run.path_re is not None and run.path_re.fullmatch(from_there))
            ):
                return run.ignore
    return False


def deciding_rule(rules: Rules, name: str, path: str, is_folder: bool) -> Rule | None:
    """The rule that decides about an entry, given as for :func:`ignored`; ``None``: none fits it."""
    name, path = byte_text(name), byte_text(path)
    for rule_set in rules.sets:
        from_there = rule_set.above + path[rule_set.cut :]
        for rule in reversed(rule_set.rules):
            if (is_folder or not rule.folders_only) and rule.fits(name, from_there):
                return rule
    return None


def built_in_rules(*, ignore: bool) -> Rules:
    """Rules that need no ignore file; without ``ignore`` only those about junk."""
    lines = (*_JUNK, *_GENERATED) if ignore else _JUNK
    parsed = (parse_line(line) for line in lines)
    return Rules((RuleSet([rule._replace(source=f"built in: {rule.text}") for rule in parsed if rule is not None]),))


def with_patterns(rules: Rules, patterns: Iterable[str]) -> Rules:
    """Rules with patterns of the user's settings, below all rules of ignore files and above the built-in ones."""
    parsed = ((pattern, parse_line(os.fsencode(pattern).decode("latin-1"))) for pattern in patterns)
    own = [rule._replace(source=f"settings: {pattern}") for pattern, rule in parsed if rule is not None]
    return Rules((*rules.sets[:-1], RuleSet(own), rules.sets[-1]))


def library_rules(name: str, *, cut: int) -> RuleSet | None:
    """The rules for what is in a folder that is a library of photos; ``None``: it is none.

    Args:
        name: of the folder.
        cut: as in :class:`RuleSet`.
    """
    lines = next((lines for suffix, lines in _LIBRARIES.items() if name.lower().endswith(suffix)), None)
    if lines is None:
        return None
    rules = [rule for line in lines if (rule := parse_line(line)) is not None]
    return RuleSet([rule._replace(source=f"built in: {name[name.rfind('.') :]}{rule.text}") for rule in rules], cut=cut)


def inherited_rules(root: Path, problems: list[Skipped]) -> Rules:
    """Rules that apply to a folder from outside, the nearest first, and the built-in ones.

    Args:
        root: absolute and without links.
        problems: gets an entry for each ignore file, or rule in it, that cannot be used.
    """
    rules = built_in_rules(ignore=True)
    repository = next((folder for folder in (root, *root.parents) if os.path.lexists(folder / ".git")), None)
    if repository is None:
        return rules
    shown = os.path.relpath(repository, root).replace(os.sep, "/")
    rules = repository_rules(rules, repository, shown, problems, above=_way(repository, root))
    for parent in reversed(root.parents):
        if parent.is_relative_to(repository):
            shown = os.path.relpath(parent, root).replace(os.sep, "/")
            files = [(parent / name, f"{shown}/{name}") for name in IGNORE_FILES if is_plain_file(parent / name)]
            if files:
                rules = rules.with_nearer(read_rules(files, problems, above=_way(parent, root)))
    return rules


def repository_rules(
    rules: Rules, repository: Path, shown: str, problems: list[Skipped], *, cut: int = 0, above: str = ""
) -> Rules:
    """``rules``, for a git repository: with the user's own ignore file and the repository's ``info/exclude``.

    Args:
        shown: the repository from the folder that is walked, for ``problems``.
        cut, above: as in :class:`RuleSet`.
    """
    own = user_ignore_file()
    exclude = repository / _EXCLUDE
    if own is not None and own.is_file():
        rules = rules.with_nearer(read_rules([(own, os.fspath(own))], problems, cut=cut, above=above))
    if is_plain_file(exclude):
        files = [(exclude, f"{shown}/{_EXCLUDE}".removeprefix("./"))]
        rules = rules.with_nearer(read_rules(files, problems, cut=cut, above=above))
    return rules


def _way(folder: Path, root: Path) -> str:
    """The path of a folder from one above it, with ``/`` at its end, as rules compare it."""
    return byte_text("".join(f"{step}/" for step in root.relative_to(folder).parts))


def read_rules(files: Iterable[tuple[Path, str]], problems: list[Skipped], *, cut: int = 0, above: str = "") -> RuleSet:
    """The rules of one folder.

    Args:
        files: its ignore files, each with its name for ``problems``.
        problems: gets an entry for each file, or rule in it, that cannot be used.
        cut, above: as in :class:`RuleSet`.
    """
    rules: list[Rule] = []
    wild = 0
    for file, shown in files:
        try:
            lines = read_lines(file)
        except OSError as error:
            problems.append(Skipped(shown, unreadable(error)))
            continue
        except ValueError as error:
            problems.append(Skipped(shown, str(error)))
            continue
        for number, line in enumerate(lines, 1):
            try:
                rule = parse_line(line)
            except ValueError:
                problems.append(Skipped(shown, f"ignore rule that cannot be used: line {number}"))
                continue
            if rule is None:
                continue
            wild += rule.kind.endswith("_re")
            rule = rule._replace(source=f"{shown}:{number}: {_as_typed(line)}")
            if wild > _MAX_WILD_RULES:
                problems.append(Skipped(shown, f"ignore rules that are too many: from line {number}"))
                break
            rules.append(rule)
    return RuleSet(rules, cut=cut, above=above)


def _as_typed(line: str) -> str:
    return line.strip("\r").encode("latin-1").decode("utf-8", "surrogateescape")


def is_plain_file(path: Path) -> bool:
    """Whether it is a file and not a link to one (git does not follow those either) nor a pipe that would block."""
    try:
        return modes.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


class _Run:
    """Neighbouring rules of one sign: their order does not matter."""

    def __init__(self, ignore: bool, rules: Iterable[Rule]) -> None:
        texts: dict[str, list[str]] = {}
        for rule in rules:
            texts.setdefault(rule.kind, []).append(rule.text)
        self.ignore = ignore
        self.names = frozenset(texts.get("name", ()))
        self.prefixes = tuple(texts.get("prefix", ()))
        self.suffixes = tuple(texts.get("suffix", ()))
        self.paths = frozenset(texts.get("path", ()))
        self.name_re, self.path_re = (_any_of(texts.get(kind)) for kind in ("name_re", "path_re"))


def _any_of(patterns: list[str] | None) -> re.Pattern[str] | None:
    # DOTALL: a name may hold a newline.
    return re.compile(any_of(patterns), re.DOTALL) if patterns else None


class RuleSet:
    """The rules of one folder: the last one that fits decides."""

    def __init__(self, rules: Sequence[Rule], *, cut: int = 0, above: str = "") -> None:
        """``cut`` (bytes) and ``above`` (see :func:`byte_text`) turn a path from the root into one from the rules' own
        folder."""
        self.rules = rules
        self.cut = cut
        self.above = above
        self.has_paths = any(rule.kind in ("path", "path_re") for rule in rules)
        self.all = _Run(True, rules)
        """Every rule, whatever its sign: what none of them fits, the set says nothing about."""
        self.runs = {
            is_folder: [
                _Run(ignore, group)
                for ignore, group in groupby(
                    (rule for rule in reversed(rules) if is_folder or not rule.folders_only),
                    key=lambda rule: rule.ignore,
                )
            ]
            for is_folder in (False, True)
        }


class Rules:
    """The rules that apply to the entries of a folder."""

    def __init__(self, sets: tuple[RuleSet, ...]) -> None:
        """``sets``: the nearest first."""
        self.sets = sets
        runs = [rule_set.all for rule_set in sets]
        # The last step of a path is the name of the entry.
        paths = (path.rpartition("/")[2] for run in runs for path in run.paths)
        self._names = frozenset(paths).union(*(run.names for run in runs))
        self._suffixes = tuple({suffix for run in runs for suffix in run.suffixes})
        self._prefixes = tuple({prefix for run in runs for prefix in run.prefixes})
        self._name_res = [run.name_re.fullmatch for run in runs if run.name_re is not None]
        self._path_res = [(s.cut, s.above, s.all.path_re.fullmatch) for s in sets if s.all.path_re is not None]

    def with_nearer(self, rule_set: RuleSet) -> Rules:
        """These, for a folder below that has a set of its own."""
        return Rules((rule_set, *self.sets))

    def may_fit(self, name: str, path: str) -> bool:
        """Whether any rule could say something of an entry: of most none does, and this is soon seen."""
        if name in self._names or name.endswith(self._suffixes) or name.startswith(self._prefixes):
            return True
        for fits in self._name_res:
            if fits(name):
                return True
        return bool(self._path_res) and any(fits(above + path[cut:]) for cut, above, fits in self._path_res)
