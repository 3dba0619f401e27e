"""The process that reads what may be hostile: bounded, replaced, silent, and gone afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest
from PIL import ImageChops

from edgeembed.reading.extracted import ExtractedText
from edgeembed.reading.extras import Unreadable
from edgeembed.reading.sandbox import frozen
from edgeembed.reading.sandbox import process as process_module
from edgeembed.reading.sandbox.process import Limits, Worker, WorkerCancelled
from edgeembed.reading.sandbox.protocol import DecodeRequest, receive, send

posix = pytest.mark.skipif(os.name == "nt", reason="processes and their limits as on POSIX")


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.csv"
    path.write_text("name,age\nAnn,42\n", encoding="utf-8")
    return path


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    """A web page that takes html.parser minutes."""
    path = tmp_path / "endless.html"
    path.write_text("<![CDATA[" * 200_000, encoding="utf-8")
    return path


def pid_of(worker: Worker) -> int:
    assert worker._process is not None
    return worker._process._popen.pid


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A process whose parent died first may wait for ever to be asked how it ended: in containers nobody asks.
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def is_gone_within(seconds: float, pid: int) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not is_alive(pid):
            return True
        time.sleep(0.02)
    return False


def reason(worker: Worker, path: Path, kind: str) -> str:
    with pytest.raises(Unreadable) as caught:
        worker.document(path, kind)
    return caught.value.reason


def test_it_starts_when_needed_and_serves_many_files(rows: Path) -> None:
    with Worker() as worker:
        assert worker._process is None
        expected = ExtractedText("name | age\nname: Ann, age: 42\n", lines=True)
        assert worker.document(rows, "csv") == expected
        first = pid_of(worker)
        assert worker.document(rows, "csv") == expected
        assert pid_of(worker) == first


@posix
def test_nothing_is_left_of_it(rows: Path) -> None:
    with Worker() as worker:
        worker.document(rows, "csv")
        pid = pid_of(worker)
        assert is_alive(pid)
    assert not is_alive(pid)


def test_it_imports_neither_models_nor_search(tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("<p>hello", encoding="utf-8")
    code = (
        "import sys; from pathlib import Path; import edgeembed.reading.sandbox.child; "
        "from edgeembed.reading.readers import read; "
        f"read('html', Path({str(path)!r}).read_bytes()); print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "edgeembed.reading.readers.web.html" in loaded
    assert not {"numpy", "onnxruntime", "tokenizers", "usearch", "sqlite3", "PIL", "click"} & set(loaded)


def test_a_file_that_takes_too_long_costs_that_time_and_no_more(endless: Path, rows: Path) -> None:
    with Worker(Limits(seconds=0.5)) as worker:
        worker.document(rows, "csv")
        start = time.monotonic()
        assert reason(worker, endless, "html") == "takes too long: more than 2.3 seconds"  # for 1.8 MB
        assert time.monotonic() - start < 20  # by the clock of a machine that may be busy
        assert worker.document(rows, "csv").text  # by the next one


@pytest.mark.slow
def test_a_bomb_is_stopped_by_the_limit_of_memory(tmp_path: Path, rows: Path) -> None:
    bomb = tmp_path / "bomb.odt"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        archive.writestr("content.xml", b"<a>" + b" " * (255 << 20))
    assert bomb.stat().st_size < 1 << 20
    with Worker(Limits(memory_bytes=150_000_000)) as worker:
        worker.document(rows, "csv")
        assert reason(worker, bomb, "zip") == "takes too much memory: more than 150 MB"
        assert worker.document(rows, "csv").text


@pytest.mark.slow
def test_a_part_that_unpacks_to_too_much_is_not_read(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.epub"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip")
        with archive.open("META-INF/container.xml", "w", force_zip64=True) as part:
            for _ in range(260):
                part.write(bytes(1 << 20))
    with Worker(Limits(seconds=60, memory_bytes=2_000_000_000)) as worker:
        assert reason(worker, bomb, "zip") == "unpacks to too much: more than 256 MiB"


@posix
def test_a_crash_is_no_ones_fault_but_the_files(rows: Path, endless: Path) -> None:
    with Worker() as worker:
        worker.document(rows, "csv")
        os.kill(pid_of(worker), signal.SIGKILL)
        assert worker.document(rows, "csv").text  # the process was broken before: the file is tried again

        def kill_each_one() -> None:
            pid = 0
            for _ in range(2):
                while worker._process is None or pid_of(worker) == pid:
                    time.sleep(0.01)
                pid = pid_of(worker)
                time.sleep(1)  # it has begun with the file by now
                os.kill(pid, signal.SIGSEGV)

        killer = threading.Thread(target=kill_each_one)
        killer.start()
        assert reason(worker, endless, "html") == "damaged: the program that reads it crashed"
        killer.join()
        assert worker.document(rows, "csv").text


@posix
def test_cancelling_ends_it_at_once(endless: Path) -> None:
    begun = time.monotonic()
    worker = Worker(cancel=lambda: time.monotonic() - begun > 0.5)
    with pytest.raises(WorkerCancelled):
        worker.document(endless, "html")
    assert time.monotonic() - begun < 3
    assert worker._process is None


LEFT_ALONE = """
import sys, threading, time
from pathlib import Path
from edgeembed.reading.sandbox.process import Limits, Worker
worker = Worker(Limits(seconds=1.5))
threading.Thread(target=worker.document, args=(Path(sys.argv[1]), sys.argv[2]), daemon=True).start()
while worker._process is None or not worker._process._popen.pid:
    time.sleep(0.01)
time.sleep(0.6)
print(worker._process._popen.pid, flush=True)
time.sleep(60)
"""


@posix
@pytest.mark.parametrize(("kind", "seconds"), [("csv", 1.0), ("html", 20.0)])
def test_it_ends_when_its_owner_is_killed(rows: Path, endless: Path, kind: str, seconds: float) -> None:
    """Idle, it sees the end of its input; busy, it ends itself when the time for the file is over."""
    path = rows if kind == "csv" else endless
    owner = subprocess.Popen([sys.executable, "-c", LEFT_ALONE, path, kind], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    with owner, owner.stdout:
        pid = int(owner.stdout.readline())
        assert is_alive(pid)
        owner.kill()
    assert is_gone_within(seconds, pid)


@posix
def test_ctrl_c_on_the_terminal_is_not_for_it(rows: Path) -> None:
    with Worker() as worker:
        worker.document(rows, "csv")
        assert os.getsid(pid_of(worker)) != os.getsid(0)
        os.kill(pid_of(worker), signal.SIGINT)
        first = pid_of(worker)
        worker.document(rows, "csv")
        assert pid_of(worker) == first


def test_pictures_come_back_no_larger_than_needed(tmp_path: Path) -> None:
    from PIL import Image

    from edgeembed.reading.images import from_pixels

    picture = Image.linear_gradient("L").resize((1200, 900)).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    picture.save(tmp_path / "side.png", exif=exif)
    with Worker() as worker:
        size, pixels, missing, _ = worker.decode_image(tmp_path / "side.png", DecodeRequest(200, upright=True))
        assert (size, missing) == ((225, 300), None)
        whole, *_ = worker.decode_image(tmp_path / "side.png", DecodeRequest(None, upright=False))
        assert whole == (1200, 900)
        (tmp_path / "no.gif").write_bytes(b"GIF89a")
        with pytest.raises(Unreadable, match=r"damaged picture|not a picture"):
            worker.decode_image(tmp_path / "no.gif", DecodeRequest(200, upright=True))
    turned = from_pixels(size, pixels)
    expected = picture.transpose(Image.Transpose.ROTATE_270).resize(size, Image.Resampling.BOX)
    assert max(high for _, high in ImageChops.difference(turned, expected).getextrema()) <= 2


def test_a_picture_that_is_a_bomb_is_bounded(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("1", (13_000, 13_000)).save(tmp_path / "bomb.tiff", compression="tiff_lzw")
    assert (tmp_path / "bomb.tiff").stat().st_size < 1 << 20
    with Worker() as worker, pytest.raises(Unreadable, match="takes too much memory"):
        worker.decode_image(tmp_path / "bomb.tiff", DecodeRequest(200, upright=True))


def test_threads_take_turns(rows: Path) -> None:
    texts: list[str] = []
    with Worker() as worker:
        threads = [
            threading.Thread(target=lambda: texts.append(worker.document(rows, "csv").text), daemon=True)
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert texts == ["name | age\nname: Ann, age: 42\n"] * 8


def test_names_that_are_no_text_and_a_current_folder_full_of_traps(
    tmp_path: Path, rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json.py", "csv.py", "edgeembed.py", "sitecustomize.py"):
        (tmp_path / name).write_text("raise SystemExit('a trap')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    odd = tmp_path / os.fsdecode(b"caf\xe9 \xf0\x9f\x98\x80.csv")
    try:
        odd.write_bytes(rows.read_bytes())
    except OSError:
        odd = rows  # this file system takes UTF-8 names only
    with Worker() as worker:
        assert worker.document(odd.relative_to(tmp_path), "csv").text.startswith("name")


def test_a_frozen_application_that_is_not_prepared_is_not_started_again(
    rows: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(frozen, "_is_ready", False)
    with Worker() as worker:
        assert "run_if_worker" in reason(worker, rows, "csv")
    frozen.run_if_worker()
    assert process_module._command() == [sys.executable, "--edgeembed-worker"]


def test_an_executable_that_does_not_start(rows: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Worker() as worker:
        monkeypatch.setattr(sys, "executable", str(rows.parent / "missing"))
        first = reason(worker, rows, "csv")
        assert first.startswith("not readable: ")  # so that it is tried again next time
        assert reason(worker, rows, "csv") == first


def test_a_prepared_executable_becomes_the_worker(rows: Path) -> None:
    application = (
        "import sys; sys.argv.append('--edgeembed-worker'); import edgeembed.worker as w; w.run_if_worker(); 1/0"
    )
    process = subprocess.Popen([sys.executable, "-c", application], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        send(process.stdin, {"seconds": 5, "memory_bytes": 500_000_000})
        send(process.stdin, {"task": "document", "path": str(rows), "kind": "csv"})
        ready, answer = receive(process.stdout), receive(process.stdout)
    assert process.returncode == 0
    assert ready is not None
    assert answer is not None
    assert answer.body == b"name | age\nname: Ann, age: 42\n"


@posix
def test_processor_time_counts_and_not_the_clock(tmp_path: Path, rows: Path) -> None:
    """A pipe that nobody writes to stands in for a disk that sleeps."""
    os.mkfifo(tmp_path / "slow.csv")
    with Worker(Limits(seconds=0.3)) as worker:
        worker.document(rows, "csv")
        begun = time.monotonic()
        threading.Timer(1.5, (tmp_path / "slow.csv").write_text, ("name,age\nBob,7\n",)).start()
        assert worker.document(tmp_path / "slow.csv", "csv").text.endswith("age: 7\n")
        assert time.monotonic() - begun > 1.4
        assert reason(worker, tmp_path / "slow.csv", "csv") == "takes too long: more than 3 seconds by the clock"
        assert worker.document(rows, "csv").text


@posix
def test_a_file_gets_the_same_time_however_many_came_before(tmp_path: Path) -> None:
    many = tmp_path / "many.csv"
    many.write_text("name,age\n" + "Ann,42\n" * 40_000)
    with Worker(Limits(seconds=0.6)) as worker:
        pids = {(worker.document(many, "csv").lines, pid_of(worker)) for _ in range(12)}
    assert len(pids) == 1


@pytest.mark.slow
def test_a_large_file_may_take_more(tmp_path: Path) -> None:
    path = tmp_path / "large.html"
    text = "a note of some length, and some more words behind it"
    path.write_text(f"<p>{text}</p>\n" * 65_000)
    with Worker(Limits(seconds=1.0)) as worker:
        assert len(worker.document(path, "html").text) == (len(text) + 2) * 65_000
