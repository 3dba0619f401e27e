"""RTF as Outlook packs it: LZFu, https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxrtfcp."""

from __future__ import annotations

_RTF_START = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS "
    b"Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b"
    b"\\i\\u\\tab\\tx"
)
_RTF_WINDOW = 4096


def unpack_lzfu(packed: bytes) -> bytes:
    """RTF as Outlook packs it, https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxrtfcp."""
    if packed[8:12] != b"LZFu":
        return packed[16:]
    window = bytearray(_RTF_START.ljust(_RTF_WINDOW, b" "))
    write, pos, out = len(_RTF_START), 16, bytearray()
    while pos < len(packed):
        control = packed[pos]
        pos += 1
        for bit in range(8):
            if control >> bit & 1:
                if pos + 2 > len(packed):
                    return bytes(out)
                reference = int.from_bytes(packed[pos : pos + 2], "big")
                pos += 2
                offset, length = reference >> 4, (reference & 15) + 2
                if offset == write:
                    return bytes(out)
                piece = [(offset + i) % _RTF_WINDOW for i in range(length)]
            else:
                if pos >= len(packed):
                    return bytes(out)
                window[write] = packed[pos]
                pos += 1
                piece = [write]
                offset = -1
            for place in piece:
                byte = window[place]
                out.append(byte)
                if offset >= 0:
                    window[write] = byte
                write = (write + 1) % _RTF_WINDOW
    return bytes(out)
