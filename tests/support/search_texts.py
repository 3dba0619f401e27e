"""Texts that searches are tried on, and the ids of what they find."""

from __future__ import annotations

import edgeembed

TEXTS = {
    "boat": "the boat leaves the harbour at dawn",
    "garden": "tomato seedlings for the garden, not for the boat",
    "fence": "an invoice for painting the garden fence",
    "code": "def parseConfigFile(path): return load_user_settings(path)",
    "müll": "Die Müllabfuhr kommt dienstags in die Lange Straße",
    "kyoto": "桜は京都の春に咲く",
    "thai": "ฉันรักภาษาไทยมาก",
    "hindi": "मुझे किताबें पढ़ना पसंद है",
}
UNREAD = frozenset(("kyoto", "thai", "hindi"))
"""Of these the tiny model knows no word, so that they are found by their words alone."""


def ids(hits: list[edgeembed.Hit]) -> list[str]:
    return [hit.id for hit in hits]
