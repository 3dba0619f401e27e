"""LZFu, the compression of rich text in Outlook messages."""

from __future__ import annotations


def test_outlook_packs_rich_text() -> None:
    from edgeembed.reading.readers.mail.lzfu import unpack_lzfu

    # Both examples of [MS-OXRTFCP] 3.
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    )
    assert unpack_lzfu(packed) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    packed = bytes.fromhex("1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0")
    assert unpack_lzfu(packed) == b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"
