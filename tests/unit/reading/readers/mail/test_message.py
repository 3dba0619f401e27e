"""Mail (EML) to text: headers, alternatives, attachments, wrong declarations."""

from __future__ import annotations

import email.message
from typing import Any

from edgeembed.reading.readers import read


def message(**options: Any) -> email.message.EmailMessage:
    mail = email.message.EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = "Grüße aus Köln", "Ann Bø <ann@example.org>", "bob@example.org"
    mail["Date"] = "Mon, 02 Mar 2026 10:00:00 +0100"
    mail.set_content(options.get("text", "The ferry leaves at nine.\n"))
    return mail


def test_mail() -> None:
    mail = message()
    mail.add_alternative("<p>The <b>ferry</b> leaves at nine.</p>", subtype="html")
    mail.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="Fahrplan für Ann.pdf")
    assert read("mail", mail.as_bytes()).text == (
        "# Grüße aus Köln\n\nFrom: Ann Bø <ann@example.org>\nTo: bob@example.org\n"
        "Date: Mon, 02 Mar 2026 10:00:00 +0100\n\nThe ferry leaves at nine.\n\nAttached: Fahrplan für Ann.pdf\n\n"
    )


def test_mail_whose_plain_text_says_nothing() -> None:
    mail = message(text="Use a viewer that shows HTML.")
    mail.add_alternative("<p>" + "The real text is here and it is long. " * 10, subtype="html")
    assert "The real text" in read("mail", mail.as_bytes()).text


def test_mail_within_mail() -> None:
    inner, outer = message(text="what was said before"), message(text="see below")
    outer.add_attachment(inner)
    text = read("mail", outer.as_bytes()).text
    assert "see below" in text
    assert "what was said before" in text


def test_mail_that_says_wrong_what_it_is() -> None:
    raw = b"Subject: =?nonsense?q?caf=E9?=\nContent-Type: text/plain; charset=nonsense\n\nna\xefve words of old"
    assert read("mail", raw).text.endswith("naïve words of old\n\n")
