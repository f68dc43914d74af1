"""Mail: headers people ask about, the body by its parts, attachments as documents."""

from email.message import EmailMessage
from email.mime.text import MIMEText

import pytest

from index.extract import Extraction, extract_all
from index.extract.formats import HTML, MAIL, PDF, PLAIN

DATE = "Mon, 05 Jan 2026 10:00:00 +0100"
TOP = f"From: Ann <ann@x.org>\nTo: Bob <bob@x.org>\nDate: {DATE}\nSubject: Parking\n"
HEAD = f"From: Ann <ann@x.org>\nTo: Bob <bob@x.org>\nDate: {DATE}\nSubject: Parking"


def read(data: bytes | str, name: str = "a.eml") -> Extraction:
    raw = data.encode() if isinstance(data, str) else data
    return extract_all(raw, uri=f"file:///{name}", name=name)


def message(**headers: str) -> EmailMessage:
    made = EmailMessage()
    given = {"From": "Ann <ann@x.org>", "To": "Bob <bob@x.org>", "Date": DATE, "Subject": "Parking"}
    for name, value in (given | headers).items():
        made[name] = value
    return made


def text_of(data: bytes | str) -> str:
    """The text of the one document, without its head."""
    found = read(data)
    assert found.problems == ()
    return found.documents[0].text.split("\n\n", 1)[1]


def test_headers_are_metadata_and_the_head_of_the_text() -> None:
    found = read(TOP + "Cc: Cy <cy@x.org>\nX-Mailer: M 1\n\nThe zone is *free*.\n\nBye\n")
    (document,) = found.documents
    assert found.problems == ()
    assert document.media_type == MAIL
    assert document.title == "Parking"
    assert document.text == (
        "From: Ann <ann@x.org>\nTo: Bob <bob@x.org>\nCc: Cy <cy@x.org>\n"
        f"Date: {DATE}\nSubject: Parking\n\nThe zone is *free*.\n\nBye"
    )
    assert document.metadata == {
        "from": "Ann <ann@x.org>",
        "to": "Bob <bob@x.org>",
        "cc": "Cy <cy@x.org>",
        "subject": "Parking",
        "date": "2026-01-05T10:00:00+01:00",
    }
    (part,) = document.parts
    assert (part.kind, part.name) == ("part", "1")
    assert document.text[part.start : part.end] == "The zone is *free*.\n\nBye"
    assert document.part_at("part", 0) is None


def test_without_a_subject_the_title_is_the_name() -> None:
    (document,) = read("MIME-Version: 1.0\nFrom: a@x.org\n\nHello.", "notes/a 1.eml").documents
    assert (document.title, document.title_from_name) == ("a 1", True)


@pytest.mark.parametrize(
    ("date", "iso"),
    [
        ("Mon, 5 Jan 2026 10:00:00 -0500 (EST)", "2026-01-05T10:00:00-05:00"),
        ("2026-01-05T10:00:00.000Z", "2026-01-05T10:00:00+00:00"),
        ("yesterday", None),
        ("Mon, 99 Jan 99999 10:00:00 +9999", None),
    ],
)
def test_dates_are_iso_or_left_out(date: str, iso: str | None) -> None:
    (document,) = read(f"MIME-Version: 1.0\nDate: {date}\n\nHello.").documents
    assert document.metadata.get("date") == iso
    assert f"Date: {date}" in document.text


@pytest.mark.parametrize(
    ("subject", "words"),
    [
        (b"=?utf-8?q?Gr=C3=BC=C3=9Fe_aus?= =?utf-8?b?IEvDtmxu?=", "Grüße aus Köln"),
        (b"=?UTF-8?Q?K=C3?=\n =?UTF-8?Q?=B6ln?=", "Köln"),
        (b"=?iso-8859-1?q?K=F6ln?= and =?koi8-r?b?7c/Ty9fB?=", "Köln and Москва"),
        (b"=?utf-8*en?q?K=C3=B6ln?=", "Köln"),
        (b"=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=", "日本"),
        ("Grüße aus Köln".encode(), "Grüße aus Köln"),
        (
            "Grüße aus Köln, können Sie kommen?".encode("cp1252"),
            "Grüße aus Köln, können Sie kommen?",
        ),
        (b"=?utf-8?b?A?= =?none-such?q?x=41?=", "=?utf-8?b?A?=xA"),
        (rb"C:\users =?utf-8?q?=C3=B6?=", r"C:\users ö"),
        (b"a =?utf-8?q?b?=c", "a bc"),
    ],
)
def test_headers_are_decoded(subject: bytes, words: str) -> None:
    (document,) = read(b"MIME-Version: 1.0\nSubject: " + subject + b"\n\nHello.").documents
    assert document.title == words


@pytest.mark.parametrize(
    ("charset", "words"),
    [
        ("utf-8", "Grüße aus Köln"),
        ("iso-8859-1", "Grüße aus Köln"),
        ("koi8-r", "Привет, как дела"),
        ("iso-8859-8", "שלום"),
        ("iso-2022-jp", "日本語の文章です"),
        ("gb2312", "这是中文文本"),
    ],
)
@pytest.mark.parametrize("coding", ["base64", "quoted-printable"])
def test_bodies_are_decoded(charset: str, words: str, coding: str) -> None:
    made = message()
    made.set_content(words, charset=charset, cte=coding)
    assert text_of(bytes(made)) == words


def test_a_charset_with_the_order_of_its_lines_is_known() -> None:
    made = MIMEText("שלום", "plain", "iso-8859-8")
    made.replace_header("Content-Type", "text/plain; charset=iso-8859-8-i")
    assert read(bytes(made)).documents[0].text == "שלום"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-32"])
def test_a_message_saved_in_unicode_is_read(encoding: str) -> None:
    data = (TOP + "MIME-Version: 1.0\n\nGrüße.").encode(encoding)
    assert read(data).documents[0].text == HEAD + "\n\nGrüße."


def test_what_mail_programs_put_around_a_message_is_dropped() -> None:
    body = TOP + "MIME-Version: 1.0\n\nHello."
    assert read(f"{len(body)}\n{body}", "1.emlx").documents[0].text == HEAD + "\n\nHello."
    assert read("\n\n" + body).documents[0].text == HEAD + "\n\nHello."


def test_of_two_forms_the_plain_one_is_read() -> None:
    made = message()
    made.set_content("The plain form.")
    made.add_alternative("<p>The <b>HTML</b> form.</p>", subtype="html")
    (document,) = read(bytes(made)).documents
    assert document.text == HEAD + "\n\nThe plain form."
    assert document.parts[0].name == "1"


def test_the_html_form_is_read_where_the_plain_one_only_points_to_it() -> None:
    made = message()
    made.set_content("Please see the HTML.")
    made.add_alternative("<h1>News</h1><p>" + "All of the news. " * 20 + "</p>", subtype="html")
    (document,) = read(bytes(made)).documents
    assert document.text.startswith(HEAD + "\n\nNews\n\nAll of the news.")
    assert document.parts[0].name == "2"
    assert document.sections[0].path == ("News",)


def test_html_alone_is_read_as_a_page() -> None:
    made = message()
    made.set_content("<h2>Rates</h2><ul><li>A</li></ul><script>x()</script>", subtype="html")
    (document,) = read(bytes(made)).documents
    assert document.text == HEAD + "\n\nRates\n\n- A"


def test_pictures_of_a_page_are_no_attachments() -> None:
    made = message()
    made.set_content("<p>Look: <img src='cid:1' alt='a cat'></p>", subtype="html")
    made.add_related(b"\x89PNG\r\n\x1a\n", "image", "png", cid="<1>")
    found = read(bytes(made))
    assert found.problems == ()
    assert len(found.documents) == 1
    assert found.documents[0].parts[0].name == "1"


def test_attachments_are_documents_with_numbers_as_imap_has_them() -> None:
    made = message()
    made.set_content("See the attachments.")
    made.add_alternative("<p>See the attachments.</p>", subtype="html")
    made.add_attachment(b"# Rates\n\nEUR 4", "text", "markdown", filename="räte n.md")
    made.add_attachment(b"\x89PNG\r\n\x1a\n", "image", "png", filename="logo.png")
    made.add_attachment("Plain.", filename="../../etc/passwd")
    found = read(bytes(made))
    own, rates, passwd = found.documents
    assert own.parts[0].name == "1.1"
    assert rates.uri == "file:///a.eml!/2/r%C3%A4te n.md"
    assert rates.text == "Rates\n\nEUR 4"
    assert rates.title == "Rates"
    assert rates.metadata == {
        "from": "Ann <ann@x.org>",
        "to": "Bob <bob@x.org>",
        "date": "2026-01-05T10:00:00+01:00",
    }
    assert passwd.uri == "file:///a.eml!/4/passwd"
    (problem,) = found.problems
    assert problem.unsupported
    assert problem.uri == "file:///a.eml!/3/logo.png"
    assert problem.reason.startswith("a.eml!/3/logo.png: looks like a PNG image, which is not read")


def test_what_an_attachment_is_decides_its_content() -> None:
    made = message()
    made.set_content("See the page.")
    made.add_attachment(b"<!DOCTYPE html><p>Hi.</p>", "application", "pdf", filename="a.pdf")
    assert [document.media_type for document in read(bytes(made)).documents] == [MAIL, HTML]


def test_a_message_inside_is_read_like_any_other() -> None:
    inner = message(Subject="Inner")
    inner.set_content("Inside.")
    inner.add_attachment("Deep.", filename="deep.txt")
    outer = message(Subject="Outer")
    outer.set_content("Outside.")
    outer.add_attachment(inner)
    documents = read(bytes(outer)).documents
    assert [(document.uri, document.title) for document in documents] == [
        ("file:///a.eml", "Outer"),
        ("file:///a.eml!/2", "Inner"),
        ("file:///a.eml!/2!/2/deep.txt", "Deep."),
    ]
    assert [document.media_type for document in documents] == [MAIL, MAIL, PLAIN]
    assert documents[1].text.endswith("\n\nInside.")


def test_a_signature_is_no_attachment() -> None:
    found = read(
        TOP + 'MIME-Version: 1.0\nContent-Type: multipart/signed; boundary="b"\n\n--b\n\nHello.\n'
        "--b\nContent-Type: application/pgp-signature; name=s.asc\n\nxyz\n--b--\n"
    )
    assert found.problems == ()
    assert found.documents[0].text == HEAD + "\n\nHello."


@pytest.mark.parametrize(
    "rest",
    [
        "Content-Type: multipart/encrypted; boundary=b\n\n--b\n\nVersion: 1\n--b--\n",
        "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nxyz\n",
        "\n-----BEGIN PGP MESSAGE-----\n\nxyz\n-----END PGP MESSAGE-----\n",
    ],
)
def test_encrypted_mail_is_refused_as_such(rest: str) -> None:
    found = read(TOP + "MIME-Version: 1.0\n" + rest)
    assert found.documents == ()
    assert found.problems[0].reason.startswith("a.eml: is an encrypted message; ")


def test_a_message_without_a_body_is_its_head() -> None:
    assert read(TOP + "MIME-Version: 1.0\n").documents[0].text == HEAD


def test_a_saved_page_is_read_without_its_furniture() -> None:
    found = read(
        "From: <Saved by a browser>\nSubject: A page\nMIME-Version: 1.0\n"
        'Content-Type: multipart/related; type="text/html"; boundary="b"\n\n'
        "--b\nContent-Type: text/html\n\n<html><h1>Rates</h1><p>EUR 4</p></html>\n"
        "--b\nContent-Type: text/css\nContent-Location: a.css\n\nbody { color: red }\n"
        "--b\nContent-Type: image/png\nContent-Location: a.png\n\nxyz\n--b--\n",
        "page.mhtml",
    )
    assert found.problems == ()
    (document,) = found.documents
    assert document.title == "A page"
    assert document.text.endswith("Rates\n\nEUR 4")


@pytest.mark.parametrize(
    "broken",
    [
        "Content-Type: multipart/mixed\n\nHello.",
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHello.",
        "Content-Type: text/plain; charset=none-such\n\nHello.",
        "Content-Type: ;;;=\n\nHello.",
        "Content-Transfer-Encoding: none-such\n\nHello.",
        "Content-Transfer-Encoding: base64\n\nSGVsbG8u!",
        "Content-Disposition: inline; filename*=x'y\n\nHello.",
    ],
)
def test_broken_messages_are_read_as_far_as_they_go(broken: str) -> None:
    assert text_of(TOP + "MIME-Version: 1.0\n" + broken).startswith("Hello")


def test_endless_nesting_is_refused() -> None:
    parts = "".join(
        f"Content-Type: multipart/mixed; boundary=b{depth}\n\n--b{depth}\n"
        for depth in range(2_000)
    )
    found = read("MIME-Version: 1.0\n" + parts + "\nHello.")
    assert found.documents == ()
    assert "nested" in found.problems[0].reason


def test_reading_twice_gives_the_same() -> None:
    made = message()
    made.set_content("Hello.")
    made.add_attachment(b"%PDF-1.4 broken", "application", "pdf", filename="a.pdf")
    data = bytes(made)
    assert read(data) == read(data)
    assert PDF not in {document.media_type for document in read(data).documents}
