"""What the commands share: Ctrl-C that ends in good order, questions, and where an index goes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from edgeembed import Folder
from edgeembed.cli import options
from edgeembed.cli.place import find_place
from edgeembed.sync.report import SyncReport


def test_options_of_an_index_come_together() -> None:
    @click.command()
    @options.index_options
    @options.json_option
    def command(options: options.IndexOptions, as_json: bool) -> None:
        click.echo(f"{options} {as_json}")

    run = CliRunner().invoke(command, ["--index", "i", "--image-model", "none", "--threads", "2", "--yes", "--json"])
    assert run.output == f"{options.IndexOptions('i', None, 'none', 2, True)} True\n"
    assert CliRunner().invoke(command, ["--threads", "0"]).exit_code == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signal to its own process")
def test_a_first_ctrl_c_asks_and_a_second_one_interrupts() -> None:
    before = signal.getsignal(signal.SIGINT)
    with options.work() as (_, cancel):
        assert not cancel()
        signal.raise_signal(signal.SIGINT)
        assert cancel()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_cancelled_sync_ends_with_the_status_of_an_interrupt(capsys: pytest.CaptureFixture[str]) -> None:
    options.end_if_cancelled(SyncReport(0, 0, 0, 0, (), 0, False))
    with pytest.raises(click.exceptions.Exit) as caught:
        options.end_if_cancelled(SyncReport(0, 0, 0, 0, (), 0, True))
    assert caught.value.exit_code == options.INTERRUPTED == 130
    assert "the same command goes on from there" in capsys.readouterr().err


def test_a_whole_home_folder_is_indexed_only_if_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    with pytest.raises(ValueError, match="this would index your whole home folder; add --yes"):
        options.ask_if_huge(find_place(str(tmp_path), None), options.IndexOptions())
    options.ask_if_huge(find_place(str(tmp_path), None), options.IndexOptions(yes=True))
    (tmp_path / "made").mkdir()
    options.ask_if_huge(
        find_place(str(tmp_path), None), options.IndexOptions(index=str(tmp_path / "made"))
    )  # it is there already
    options.ask_if_huge(find_place(str(tmp_path / "made"), None), options.IndexOptions())


def test_an_index_that_another_process_writes_to_is_searched_as_it_is(
    tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.txt").write_text("a boat")
    chosen = options.IndexOptions(model=str(tiny_bundle))
    place = find_place(str(tmp_path), None)
    with options.open_folder(place, chosen) as folder:
        options.sync_before_search(folder, place, chosen.settings)
        assert "1 new; 1 file in the index" in capsys.readouterr().err
        (tmp_path / "b.txt").write_text("a garden")
        with Folder.open(tmp_path) as other, other.index._store.writing():
            options.sync_before_search(folder, place, chosen.settings)
        assert "is writing; searching what was committed before" in capsys.readouterr().err
        assert len(folder.search("boat", k=9, min_score=None)) == 1
