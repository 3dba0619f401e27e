"""What the commands share: options, exit statuses, and how a folder is opened and brought up to date."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import EdgeEmbedError, IndexLockedError, IndexNotWritableError, path_error
from . import messages
from .param_types import ModelName
from .settings import Settings, user_settings

if TYPE_CHECKING:
    from ..folder import Folder
    from ..sync.report import SyncReport
    from ..sync.walk_options import WalkOptions
    from .place import Place

NEGATIVE, ERROR, SKIPPED, INTERRUPTED = 1, 2, 3, 130
folder_argument = click.argument("folder", default=".", type=click.Path())
folders_argument = click.argument("folders", nargs=-1, type=click.Path(), metavar="[FOLDER]...")
index_option = click.option(
    "--index", type=click.Path(), help="Folder of the index, if it is not to be FOLDER/.edgeembed."
)
model_option = click.option(
    "--model", type=ModelName(), help="Name of a shipped model (see `edgeembed models`), or path of a bundle."
)
_image_model_option = click.option(
    "--image-model",
    type=ModelName("none"),
    help="Likewise the model for pictures; none leaves pictures out.  [default: one that goes with --model]",
)
threads_option = click.option(
    "--threads", type=click.IntRange(min=1), help="How many documents are embedded at a time.  [default: usable cores]"
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
progress_option = click.option(
    "--progress",
    type=click.Choice(["auto", "json", "none"]),
    default="auto",
    show_default=True,
    expose_value=False,  # messages.progress_bar looks at what was typed, as messages.note must
    help="auto: a bar on a terminal; json: one object a line on stderr, notes and errors too.",
)
_yes_option = click.option("--yes", is_flag=True, help="Do not ask before a whole home folder or disk is indexed.")


@dataclass(frozen=True)
class IndexOptions:
    """Where an index is, and what it is made with; each as on the command line."""

    index: str | None = None
    model: str | None = None
    image_model: str | None = None
    threads: int | None = None
    yes: bool = False
    settings: Settings = field(default_factory=Settings)
    """What the user prefers where nothing was typed."""

    def for_index_at(self, index_dir: Path) -> dict[str, Any]:
        """Models and threads as arguments of :meth:`Folder.open`: as typed, then as preferred.

        A preferred model is one for new indexes: an index that has one of its own keeps it.
        """
        model, image_model = self.model, self.image_model
        if self.settings.model is not None or self.settings.image_model is not None:
            from ..index_models.records import NoModel, models_at

            models = models_at(index_dir)
            if model is None and models is None:
                model = self.settings.model
            if image_model is None and (models is None or models.image is NoModel.UNDECIDED):
                image_model = self.settings.image_model
        return {"model": model, "image_model": image_model, "threads": self.threads or self.settings.threads}


def index_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every command that may make an index; it gets them together, as ``options``."""

    @wraps(command)
    def together(
        *, index: str | None, model: str | None, image_model: str | None, threads: int | None, yes: bool, **others: Any
    ) -> None:
        command(options=IndexOptions(index, model, image_model, threads, yes, user_settings()), **others)

    for option in (_yes_option, threads_option, _image_model_option, model_option, index_option):
        together = option(together)
    return together


def open_folder(place: Place, options: IndexOptions, *, read_only: bool = False) -> Folder:
    """The folder with its index; where the index had to go elsewhere, that is said."""
    from ..folder import Folder
    from ..maintenance.registry import remember
    from ..storage.index_place import index_place

    root = place.root
    if options.index is None and not read_only:
        index_at = index_place(root)
        if index_at.is_to_be_told:
            messages.note(f"{root} {index_at.reason}; its index is in {index_at.path}")
    typed = {"model": options.model, "image_model": options.image_model, "threads": options.threads}
    wanted = typed if read_only else options.for_index_at(index_dir_of(place, options))
    opened = Folder.open(root, index=options.index, read_only=read_only, **wanted)
    remember(opened.index.path, root, only_known=read_only)
    return opened


def index_dir_of(place: Place, options: IndexOptions) -> Path:
    """Where the index of a place is, or would be made."""
    from ..storage.index_place import index_place

    return Path(options.index) if options.index is not None else index_place(place.root).path


def walk_options(index_dir: Path, settings: Settings, **switches: bool | None) -> WalkOptions | None:
    """Which files are to be taken in from now on; ``None``: as was recorded.

    Args:
        switches: fields of ``WalkOptions`` that were typed; ``None``: one was not.
    """
    from ..sync.walk_options import options_at

    recorded = options_at(index_dir)
    typed = {name: value for name, value in switches.items() if value is not None}
    wanted = replace(recorded, patterns=settings.ignore, **typed)
    return wanted if typed or wanted != recorded else None


def open_to_search(place: Place, options: IndexOptions) -> Folder:
    """As :func:`open_folder`; an index that cannot be written, as on a CD, is opened as it is, and that is said."""
    from ..catalog.database import CATALOG_NAME

    try:
        return open_folder(place, options)
    except IndexNotWritableError as error:
        if not (error.path / CATALOG_NAME).is_file():
            raise  # there is none that could be searched
        _note_as_it_is(error)
        return open_folder(place, options, read_only=True)


def sync_before_search(folder: Folder, place: Place, settings: Settings) -> None:
    """Bring the index up to date, or say why that cannot be, and that it is searched as it is."""
    if folder.index.read_only:
        return
    try:
        with work() as (progress, cancel):
            wanted = walk_options(folder.index.path, settings)
            report = folder.sync(progress=progress, cancel=cancel, options=wanted, below=place.below)
    except IndexLockedError as error:
        messages.note(f"{error.path}: {error.owner} is writing; searching what was committed before")
        return
    except IndexNotWritableError as error:
        _note_as_it_is(error)
        return
    messages.report_sync(report, quiet_if_idle=True, place=place)
    messages.name_own_indexes(report.skipped, place)
    end_if_cancelled(report)


def _note_as_it_is(error: IndexNotWritableError) -> None:
    messages.note(f"{error.path}: {error.reason}; searching what is there, which is not brought up to date")


@contextmanager
def work() -> Iterator[tuple[Any, Callable[[], bool]]]:
    """Progress, and a first Ctrl-C that ends the work in good order; a second one ends it at once."""
    pressed = False

    def press(signum: int, frame: object) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, press)
    try:
        with messages.progress_bar() as progress:
            yield progress, lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)


def check_extra(extra: str, names: Sequence[str]) -> None:
    """Make sure that the packages of an extra are installed, before anything is done.

    Raises:
        EdgeEmbedError: one is missing.
    """
    from importlib.util import find_spec

    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise EdgeEmbedError(f"edgeembed {extra} needs {' and '.join(missing)}: pip install 'edgeembed[{extra}]'")


def end_if_cancelled(report: SyncReport) -> None:
    """End the command after a Ctrl-C."""
    if report.cancelled:
        messages.note("interrupted; what was indexed is kept, and the same command goes on from there")
        raise click.exceptions.Exit(INTERRUPTED)


def ask_if_huge(place: Place, options: IndexOptions) -> None:
    """Ask before a whole home folder or disk is indexed for the first time; without a terminal, refuse."""
    from ..storage.index_place import index_place

    root = place.root.resolve()
    exists = (Path(options.index) if options.index else index_place(root).path).exists()
    if exists or options.yes or root not in (_home(), Path(root.anchor)):
        return
    what = "the whole disk" if root == Path(root.anchor) else "your whole home folder"
    if not sys.stdin.isatty():
        raise path_error(
            root, ValueError, f"this would index {what}; add --yes if you mean it, or name a smaller folder"
        )
    click.confirm(messages.printable(f"{root}: index {what}?"), abort=True, err=True)


def _home() -> Path | None:
    """The home folder; ``None``: a user that the system does not know has none, as in some containers."""
    try:
        return Path.home().resolve()
    except RuntimeError:
        return None
