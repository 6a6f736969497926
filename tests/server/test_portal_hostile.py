# SPDX-License-Identifier: GPL-3.0-or-later
"""A stranger sends the portal what no page of ours would: each is answered in words, and nothing of it comes true."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest

from app.domain.entities import TICKET
from tests.server.test_portal import ASKED, Visitor, rows
from tests.server.test_portal import visitor as visitor  # a fixture
from tests.server.test_portal import with_files as with_files  # a fixture
from tests.server.world import World

_EVIL = (
    "\r\nBcc: x@y.z", "{{7*7}}", "<svg/onload=alert(1)>", "\ud83d", "\x00", "' OR 1=1--", "=HYPERLINK(1)", "\u202egnp",
)  # fmt: skip
_FORM = "application/x-www-form-urlencoded"
_PART = b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n1\r\n'


@pytest.mark.parametrize(
    "link",
    ["x%0d%0aSet-Cookie:%20a=b", "%2F%2Fevil.example", "%00", "a%ff", "A" * 9000, "%E2%80%AE", "..%2F..%2Fready"],
)
def test_an_address_that_is_no_link_sets_no_header_and_leads_nowhere_else(visitor: Visitor, link: str) -> None:
    """Line ends, other hosts, folders above, bytes that are no text: in pages, parts, files and forms."""
    asked = [
        *(visitor.client.post(f"/help/t/{link}/{deed}", data={"form": "x"}, follow_redirects=False)
          for deed in ("call", "uncall", "renew", "withdraw", "reply", "answers")),
        *(visitor.client.get(path, follow_redirects=False)
          for path in (f"/help/t/{link}", f"/help/answers/{link}", f"/help/static/{link}", f"/help/t/{link}/live",
                       f"/help/t/{link}/file/{link}/1", f"/help?lang={link}&zone={link}")),
    ]  # fmt: skip
    for answer in asked:
        assert answer.status_code in (200, 204, 303, 404)
        assert "set-cookie" not in answer.headers
        where = answer.headers.get("location", "/help/t/")
        assert where.startswith("/help/t/")
        assert not re.search(r"[\r\n\0]", where)


def test_names_of_files_set_no_header_and_no_file_is_shown_as_a_page(with_files: Visitor) -> None:
    """Quotes, line ends, folders, letters that turn the reading round, and a type that would run."""
    for name in ('a"; filename="evil.html', "x\r\nX-Evil: 1.png", "../../etc/passwd", "a\u202egnp.exe", "<script>.svg"):
        sent = with_files.write(files=[(name, b"<script>alert(1)</script>", "text/html\r\nx-evil: 1")])
        assert sent.status_code == 303
        page = with_files.page()
        assert "<script>." not in page.text
        path = re.search(r'href="(/help/t/[^"]*/file/[^"]*)"', page.text)
        assert path is not None
        file = with_files.client.get(path[1].replace("&amp;", "&"))
        assert file.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
        assert not re.search(r"[\r\n\"/;\u202e]", file.headers["content-disposition"].removeprefix("attachment;"))
        assert file.headers["content-type"] == "application/octet-stream"
        assert "sandbox" in file.headers["content-security-policy"]
        assert "x-evil" not in file.headers


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "multipart/form-data; boundary=x"),
        (b"--x", "multipart/form-data; boundary=x"),
        (b"--x\r\n" * 100_000, "multipart/form-data; boundary=x"),
        (b"--x\r\n" + b"A: b\r\n" * 50_000 + b"\r\n\r\n--x--", "multipart/form-data; boundary=x"),
        (b"".join(_PART % n for n in range(20_000)) + b"--x--\r\n", "multipart/form-data; boundary=x"),
        (b"a", "multipart/form-data"),
        (b"\x1f\x8b\x08", _FORM),
        (b"&".join(b"a%d=1" % n for n in range(20_000)), _FORM),
        (b'{"form":1}', "application/json"),
    ],
    ids=["empty", "cut", "bounds", "heads", "parts", "unbound", "packed", "fields", "json"],
)
def test_a_body_that_is_no_form_of_ours_is_refused_in_words(
    desk: World, visitor: Visitor, body: bytes, kind: str
) -> None:
    """Nothing is unpacked, nothing is kept, and no trouble of ours is told."""
    before = len(rows(desk, TICKET))
    head = {"content-type": kind, "content-encoding": "gzip"}
    answer = visitor.client.post("/help/write?lang=en", content=body, headers=head, follow_redirects=False)
    assert answer.status_code in (400, 413, 422)
    assert "<h1>" in answer.text
    assert len(rows(desk, TICKET)) == before


@pytest.mark.parametrize("field", ["subject", "name", "mail", "phone", "body"])
def test_what_nobody_types_is_text_or_refused_whatever_the_field(visitor: Visitor, field: str) -> None:
    """Templates, markup, halves of letters, formulas, and four hundred thousand letters."""
    for evil in (*_EVIL, "a" * 400_001):
        mark = visitor.mark(visitor.get("/help/write"), "/help/write")
        fields = {**ASKED, field: evil, "form": mark}
        sent = visitor.client.post(
            "/help/write?lang=en", content=urlencode(fields, errors="surrogatepass").encode(),
            headers={"content-type": _FORM}, follow_redirects=False,
        )  # fmt: skip
        assert sent.status_code in (303, 422, 429)
        shown = sent.text if sent.status_code != 303 else visitor.get(sent.headers["location"]).text
        assert "<svg" not in shown
        assert ">49<" not in shown
