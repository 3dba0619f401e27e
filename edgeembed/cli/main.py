"""The command line: a thin skin over the library, one function a command.

Results go to stdout, everything else to stderr. Exit status: 0 done, 1 a negative answer, 2 wrong use or an error,
3 ``index --strict`` skipped a file, 130 interrupted. With ``EDGEEMBED_DEBUG=1`` errors come with a traceback and with
the log of what was decided.
"""

from __future__ import annotations

import os
import sys
import warnings

import click

from .. import __version__
from ..errors import EdgeEmbedError
from ..reading.sandbox.frozen import run_if_worker
from . import messages
from .commands.completion import completion
from .commands.index import index
from .commands.maintenance import compact, forget, repair, status, verify
from .commands.models import check, embed, models
from .commands.search import explain, search, similar
from .commands.serve import mcp, serve
from .commands.watch import watch
from .options import ERROR, INTERRUPTED

_DEBUG = "EDGEEMBED_DEBUG"
"""Environment variable: anything but empty gives tracebacks and the log on stderr, for bug reports."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="edgeembed")
def cli() -> None:
    """Search your own files by meaning, on your own machine.

    `edgeembed search "words" FOLDER` is all you need: it brings the index of the folder up to date, then searches it.
    Nothing is sent anywhere.
    """


for _command in (
    index,
    search,
    similar,
    explain,
    serve,
    mcp,
    watch,
    status,
    forget,
    verify,
    repair,
    compact,
    check,
    embed,
    models,
    completion,
):
    cli.add_command(_command)


def main() -> None:
    """Run the command line and exit with its status."""
    run_if_worker()
    messages.prepare_streams()
    # Pillow warns of what it finds odd in an image and then reads all the same; what it cannot read has a reason.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    if os.environ.get(_DEBUG):
        _log_to_stderr()
    try:
        status = _run()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except BrokenPipeError:
        status = _reader_went_away()
    sys.exit(status)


def _run() -> int:
    """Run the command that was typed; its exit status."""
    stdout = sys.stdout
    try:
        status = cli(standalone_mode=False)
    except SystemExit as error:
        # Click ends the process with status 1 when a pipe is closed, and puts a stream of its own in the place of ours.
        if sys.stdout is not stdout:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            raise BrokenPipeError from error
        status = error.code
    except click.ClickException as error:
        if messages.wants_json():
            messages.show_error(error)
        else:
            vars(error).update(message="\n".join(map(messages.printable, error.message.split("\n"))))
            error.show()
        status = ERROR
    except (click.Abort, KeyboardInterrupt):
        messages.note("interrupted")
        status = INTERRUPTED
    except BrokenPipeError:
        raise
    except (EdgeEmbedError, ValueError, OSError) as error:
        if os.environ.get(_DEBUG):
            import traceback

            traceback.print_exc()
        messages.show_error(error)
        status = ERROR
    return status if isinstance(status, int) else 0


def _reader_went_away() -> int:
    """As `| head` does: there is nobody left to tell. What is still to be written goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except (BrokenPipeError, ValueError):
            os.dup2(nowhere, number)
    return 0


def _log_to_stderr() -> None:
    """Show what the library logs: why it chose a model, rebuilt, merged, repaired, started a worker anew."""
    import logging

    logging.basicConfig(level=logging.WARNING, format="%(relativeCreated)6d ms  %(name)s: %(message)s")
    logging.getLogger("edgeembed").setLevel(logging.DEBUG)
