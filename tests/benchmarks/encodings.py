"""How many files of older encodings come out as what they are: of a labelled corpus, and of sentences in 47 encodings.

``python -m tests.benchmarks.encodings labelled FOLDER`` takes a folder of folders named after encodings, such as
``tests`` of chardet 5 (https://github.com/chardet/chardet; a language may follow the name).
``python -m tests.benchmarks.encodings sentences FOLDER`` takes the folder ``NTREX-128`` of
https://github.com/MicrosoftTranslator/NTREX: of each pair in ``_PAIRS``, texts of 1, 5 and 20 sentences, twenty of each
that are not ASCII alone, what the encoding lacks replaced by ``?``. ``--skip`` leaves sentences out at the start.

Right is a text that is equal, after NFKC, with runs of blanks as one and without what is not seen, to the one that the
label gives, or the widest encoding that it stands for. ``decode`` is :func:`edgeembed.reading.decode.decode`;
``read_document`` reads the file as an index does, by the reader of its kind, against the same file in UTF-8 with a
mark.

| texts, ``read_document`` right, % | charset-normalizer and its second look | chardet and its second look |
|---|---|---|
| 424 labelled files | 54.0 | 99.5 |
| 939 single sentences | 70.9 | 99.0 |
| 940 texts of 5 sentences | 73.6 | 100.0 |
| 940 texts of 20 sentences | 75.2 | 99.9 |
"""

from __future__ import annotations

import argparse
import codecs
import re
import sys
import tempfile
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from edgeembed import Document
from edgeembed.reading.charset import codec_of, decode_as
from edgeembed.reading.decode import decode
from edgeembed.reading.entries import FileStat
from edgeembed.reading.read_file import read_document
from edgeembed.reading.sandbox.process import Worker

_PAIRS = """
hun cp1250, hun iso8859_2, ces cp1250, ces iso8859_2, slk cp1250, pol cp1250, pol iso8859_2, hrv cp1250, slv cp1250,
srp-Latn cp1250, tur cp1254, lit cp1257, lav cp1257, est cp1257, deu cp1252, fra cp1252, spa cp1252, por cp1252,
ita cp1252, swe cp1252, fin cp1252, dan cp1252, isl cp1252, deu cp850, fra cp850, fra mac_roman, spa mac_roman,
rus cp1251, rus koi8_r, rus cp866, rus iso8859_5, rus mac_cyrillic, bul cp1251, ukr cp1251, srp-Cyrl cp1251, mkd cp1251,
ell cp1253, ell iso8859_7, heb cp1255, arb cp1256, tha cp874, vie cp1258, jpn cp932, jpn euc_jp, zho-CN gb18030,
zho-TW cp950, kor cp949
"""
_DECLARED = re.compile(r"""\A(\s*<\?xml[^>]{0,100}encoding=["'])[^"']*(["'])""")
_UNSEEN = re.compile("[\xad\u200b\u200e\u200f\u2060-\u2064\ufeff\ufffd]")
_SIZES = (1, 5, 20)
_TEXTS = 20


def labelled(corpus: Path) -> Iterator[tuple[Path, str]]:
    """Files of a corpus, each with the name of its codec; those that Python lacks are left out, and named."""
    for folder in sorted(path for path in corpus.iterdir() if path.is_dir()):
        parts = folder.name.split("-")
        names = ("-".join(parts[:end]) for end in range(len(parts), 0, -1))
        codec = next((name for name in names if _is_codec(name)), None)
        if codec is None:
            print(f"left out, no codec: {folder.name}", file=sys.stderr)
            continue
        for path in sorted(folder.iterdir()):
            yield path, codec


def sentences(corpus: Path, skip: int) -> Iterator[tuple[str, int, str, bytes]]:
    """Language and encoding, number of sentences, codec, and a text in it."""
    for pair in _PAIRS.split(","):
        language, codec = pair.split()
        lines = (corpus / f"newstest2019-ref.{language}.txt").read_text("utf-8").splitlines()[skip:]
        for size in _SIZES:
            texts = ("\n".join(lines[at : at + size]) + "\n" for at in range(0, len(lines) - size + 1, size))
            encoded = (encode(text, codec) for text in texts)
            for _, data in zip(range(_TEXTS), (data for data in encoded if not data.isascii()), strict=False):
                yield pair.strip(), size, codec, data


def encode(text: str, codec: str) -> bytes:
    """A text in an encoding; of letters with two marks, which cp1258 writes as two characters, none is lost."""
    if codec != "cp1258":
        return text.encode(codec, "replace")
    out = bytearray()
    for letter in unicodedata.normalize("NFC", text):
        plain = unicodedata.normalize("NFD", letter)
        forms = [letter, *(unicodedata.normalize("NFC", plain[0] + m) + rest for m, rest in _orders(plain[1:])), plain]
        out += next((form.encode(codec) for form in forms if _fits(form, codec)), b"?")
    return bytes(out)


def _orders(marks: str) -> list[tuple[str, str]]:
    return [(marks[at], marks[:at] + marks[at + 1 :]) for at in range(len(marks))]


def _fits(text: str, codec: str) -> bool:
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def _is_codec(name: str) -> bool:
    try:
        codecs.lookup(name)
    except LookupError:
        return False
    return True


def same(text: str | None, data: bytes, codec: str) -> bool:
    """Whether a text is what the bytes are in an encoding, or in a wider one of that name."""
    wider = codec_of(codec) or codec
    wanted = {_normal(data.decode(codec, "replace")), _normal(decode_as(data, wider))}
    return text is not None and _normal(text) in wanted


def _normal(text: str) -> str:
    text = unicodedata.normalize("NFKC", _UNSEEN.sub("", text.replace("\0", " ")))
    return re.sub(r"\s+", " ", text).strip()


def read(root: Path, name: str, data: bytes, worker: Worker) -> str | None:
    """The text that an index would have of a file."""
    path = root / name
    path.write_bytes(data)
    stat = FileStat(name, len(data), 0)
    found = read_document(root, stat, worker=worker)
    return found.text if isinstance(found, Document) else None


def read_as_marked(root: Path, name: str, data: bytes, codec: str, worker: Worker) -> set[str]:
    """The texts that an index would have of it if it were UTF-8 with a mark."""
    texts = (data.decode(codec, "replace"), decode_as(data, codec_of(codec) or codec))
    whole = tuple(_DECLARED.sub(r"\1utf-8\2", text.removeprefix("\ufeff"), count=1) for text in texts)
    marked = [("\ufeff" + text.replace("\ufffd", "")).encode() for text in whole]
    return {_normal(text) for content in marked if (text := read(root, name, content, worker)) is not None}


def measure_labelled(corpus: Path, verbose: bool) -> None:
    """Print right and all of each encoding, by both ways."""
    total, decoded, whole = Counter[str](), Counter[str](), Counter[str]()
    seconds = 0.0
    with tempfile.TemporaryDirectory() as scratch, Worker() as worker:
        for path, codec in labelled(corpus):
            data = path.read_bytes()
            total[codec] += 1
            begin = time.perf_counter()
            text = decode(data)
            seconds += time.perf_counter() - begin
            decoded[codec] += (is_decoded := same(text, data, codec))
            got = read(Path(scratch), path.name, data, worker)
            wanted = read_as_marked(Path(scratch), path.name, data, codec, worker)
            whole[codec] += (is_whole := got is not None and _normal(got) in wanted)
            if verbose and not (is_decoded and is_whole):
                print(f"decode {is_decoded}, read_document {is_whole}: {path.parent.name}/{path.name}")
    for codec in total:
        print(f"{codec:16} {decoded[codec]:4} {whole[codec]:4} of {total[codec]:4}")
    count = total.total()
    right, read_right = 100 * decoded.total() / count, 100 * whole.total() / count
    print(f"decode {right:.1f} % in {seconds:.1f} s, read_document {read_right:.1f} %, {count} files")


def measure_sentences(corpus: Path, skip: int, verbose: bool) -> None:
    """Print right and all of each pair and number of sentences."""
    total, right, whole = Counter[tuple[str, int]](), Counter[tuple[str, int]](), Counter[tuple[str, int]]()
    with tempfile.TemporaryDirectory() as scratch, Worker() as worker:
        for pair, size, codec, data in sentences(corpus, skip):
            total[pair, size] += 1
            text = decode(data)
            right[pair, size] += (is_right := same(text, data, codec))
            whole[pair, size] += same(read(Path(scratch), "text.txt", data, worker), data, codec)
            if verbose and not is_right:
                print(f"{pair} {size}: {(text or 'not text')[:100]!r}, want {data.decode(codec)[:100]!r}")
    for pair in dict.fromkeys(pair for pair, _ in total):
        print(f"{pair:20}", *(f"{size}: {right[pair, size]:2}/{total[pair, size]:2} " for size in _SIZES))
    for name, counts in (("decode", right), ("read_document", whole)):
        shares = (sum(counts[key] for key in total if key[1] == size) for size in _SIZES)
        all_of = (sum(total[key] for key in total if key[1] == size) for size in _SIZES)
        print(name, *(f"{size}: {100 * a / b:.1f} %" for size, a, b in zip(_SIZES, shares, all_of, strict=True)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("labelled", "sentences"))
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--skip", type=int, default=0, help="sentences left out at the start")
    parser.add_argument("--verbose", action="store_true", help="name what is wrong")
    options = parser.parse_args()
    if options.what == "labelled":
        measure_labelled(options.corpus, options.verbose)
    else:
        measure_sentences(options.corpus, options.skip, options.verbose)


if __name__ == "__main__":
    main()
