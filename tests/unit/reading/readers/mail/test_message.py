"""Mail (EML) to text: headers, alternatives, attachments, wrong declarations."""

from __future__ import annotations

import email.message
from typing import Any

import pytest

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


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_letters_in_fields_as_they_are(encoding: str) -> None:
    raw = 'Subject: Rechnung für März\nFrom: "Jürgen Groß" <jürgen@exämple.org>\n\nBitte zahlen.\n'.encode(encoding)
    assert read("mail", raw).text == (
        '# Rechnung für März\n\nFrom: "Jürgen Groß" <jürgen@exämple.org>\n\nBitte zahlen.\n\n'
    )


def test_what_stands_around_encoded_words() -> None:
    sender = "From: =?iso-2022-jp?b?GyRCJUYbKEI=?= <a@b>"
    raw = f"Subject: Größe =?utf-8?q?f=C3=BCr?= =?utf-8*de?b?w6Q=?= 日本\n{sender}\n\nx"
    assert read("mail", raw.encode()).text == "# Größe fürä 日本\n\nFrom: テ <a@b>\n\nx\n\n"
    split = "Subject: =?utf-8?b?5pel5g==?= =?utf-8?b?nKw=?=\n\nx"  # a character in two words
    assert read("mail", split.encode()).text.startswith("# 日本\n")
    assert read("mail", b"Subject: =?utf-8?b?x?= y\n\nwords").text.endswith("words\n\n")


@pytest.mark.parametrize(
    ("charset", "raw", "text"),
    [
        ("iso-8859-1", b"s\x9cur, 50 \x80", "sœur, 50 €"),
        ("us-ascii", "schön".encode(), "schön"),
        ("iso-8859-1", "schön".encode(), "schön"),
        ("x-sjis", "予算".encode("cp932"), "予算"),
        ("ks_c_5601-1987", "똠방".encode("cp949"), "똠방"),
        ("gb2312", "镕基".encode("gb18030"), "镕基"),
        ("iso-2022-jp", b"\x1b$B-!M=;;\x1b(B", "①予算"),
        ("windows-1251", b"\xcf\xf0\xe8\x98\xe2\xe5\xf2", "При\ufffdвет"),
        ("utf-8", "schön".encode() * 9 + b"\xff", "schön" * 9 + "\ufffd"),
        ("utf-8", "Größe für März".encode("cp1252"), "Größe für März"),
        ("unknown-8bit", "schön".encode(), "schön"),
    ],
)
def test_charsets_mean_what_mail_programs_take_them_for(charset: str, raw: bytes, text: str) -> None:
    head = f"Subject: s\nContent-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n"
    assert read("mail", head.encode() + raw).text == f"# s\n\n{text}\n\n"


def test_mail_within_mail_has_its_subject_and_people() -> None:
    inner, outer = message(text="about turbines"), message(text="see below")
    inner.replace_header("Subject", "Audit of the hangar")
    inner.add_attachment(b"%PDF-", maintype="application", subtype="pdf", filename="plan.pdf")
    outer.add_attachment(inner)
    text = read("mail", outer.as_bytes()).text
    assert text.endswith(
        "see below\n\n## Audit of the hangar\n\nFrom: Ann Bø <ann@example.org>\nTo: bob@example.org\n"
        "Date: Mon, 02 Mar 2026 10:00:00 +0100\n\nabout turbines\n\nAttached: plan.pdf\n\n"
    )
    assert text.count("plan.pdf") == 1


def test_attached_texts_and_invitations() -> None:
    mail = message(text="minutes attached")
    mail.add_attachment("They bought a harpsichord.", filename="minutes.txt")
    mail.add_attachment("{\\rtf1 a {\\b falcon}\\par}", subtype="rtf", filename="bird.rtf")
    mail.add_attachment("BEGIN:VEVENT\r\nSUMMARY:Meeting\r\nEND:VEVENT", subtype="calendar", filename="a.ics")
    text = read("mail", mail.as_bytes()).text
    assert "harpsichord" in text
    assert "a falcon" in text
    assert "# Meeting\n" in text
    assert "Attached: minutes.txt, bird.rtf, a.ics" in text


def test_an_invitation_is_no_better_form_of_its_text() -> None:
    mail = message(text="Join us at nine.")
    mail.add_alternative("BEGIN:VEVENT\nSUMMARY:" + "long " * 99 + "\nEND:VEVENT", subtype="calendar")
    assert "Join us" in read("mail", mail.as_bytes()).text


def test_names_of_attachments_in_letters_as_they_are() -> None:
    raw = "Subject: s\nContent-Type: application/pdf; name=ciéle.pdf\n\nx".encode()
    assert "Attached: ciéle.pdf" in read("mail", raw).text


def test_a_part_that_is_none_of_what_it_says_costs_itself() -> None:
    parts = b"--B\nContent-Type: text/html\n\n\x00\x01\x02\x03\x04\n--B\nContent-Type: text/plain\n\nwords\n--B--"
    assert "words" in read("mail", b"Subject: s\nContent-Type: multipart/mixed; boundary=B\n\n" + parts).text


def test_messages_deep_within_each_other_end_well() -> None:
    raw = b"Subject: s\n\nwords"
    for _ in range(60):
        raw = b"Subject: o\nContent-Type: message/rfc822\n\n" + raw
    assert read("mail", raw).text.startswith("# o\n\n## o\n")
