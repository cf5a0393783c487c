"""Attachments: the bytes that came, of the type that they are, to be saved and never run; to those who may read them."""

from typing import Any
from urllib.parse import unquote

import httpx2
import pytest
from sqlalchemy import text

from store.db import new_id
from tests.admin_api.api_rig import Business, hire, is_problem
from tests.rig import Desk
from tests.workers.test_media import JPEG, PDF, PNG, SVG, VCARD, picture


class Mail:
    """A business that was sent something, and the API in front of it."""

    def __init__(self, desk: Desk, business: Business) -> None:
        self.desk, self.business = desk, business

    async def fetch(self, path: str, key: str = "viewer") -> httpx2.Response:
        url = f"{self.desk.rt.settings.public_url}{self.business.path(path)}"
        return await self.desk.rt.http.get(url, headers=self.business.key(key))

    async def path(self, n: int = 0) -> str:
        """Where the message says that its attachment is."""
        talk = (await self.desk.conversation()).id
        page = (await self.fetch(f"/conversations/{talk}/messages")).json()["items"]
        (message,) = [one for one in page if one["attachments"]]
        return f"/conversations/{talk}/messages/{message['id']}/attachments/{message['attachments'][n]['id']}"


@pytest.fixture
async def mail(desk: Desk) -> Mail:
    return Mail(desk, await hire(desk.rt, desk.workspace_id))


async def sent(mail: Mail, *files: dict[str, str], settle: bool = True) -> None:
    await mail.desk.text("look", media=list(files))
    if settle:
        await mail.desk.settle()


@pytest.mark.parametrize(
    ("announced", "data", "kind", "ending"),
    [
        ("image/png", PNG, "image/png", ".png"),
        ("text/html", PNG, "image/png", ".png"),
        ("image/png", JPEG, "image/jpeg", ".jpg"),
        ("application/pdf", PDF, "application/pdf", ".pdf"),
        ("text/vcard", VCARD, "text/vcard; charset=utf-8", ".vcf"),
        ("text/plain", "¿qué tal? 🙂".encode(), "text/plain; charset=utf-8", ".txt"),
        ("text/plain", b"<script>alert(1)</script>", "text/plain; charset=utf-8", ".txt"),
    ],
    ids=["picture", "announced as a page", "another picture", "pdf", "card", "words", "a page as words"],
)
async def test_the_bytes_that_came_of_the_type_that_they_are(
    mail: Mail, announced: str, data: bytes, kind: str, ending: str
) -> None:
    await sent(mail, picture(announced, data))
    answer = await mail.fetch(await mail.path())
    assert (answer.status_code, answer.content) == (200, data)
    assert answer.headers["content-type"] == kind
    said = answer.headers["content-disposition"]
    assert said.startswith("attachment; ")
    assert said.endswith(ending)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["cache-control"] == "no-store"


async def test_several_each_its_own(mail: Mail) -> None:
    await sent(mail, picture("image/png", PNG), picture("image/jpeg", JPEG))
    for n, data in enumerate((PNG, JPEG)):
        assert (await mail.fetch(await mail.path(n))).content == data


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Röntgen ñ 🦷.png", "Röntgen ñ 🦷.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.png", "a.png"),
        ('a"; filename="evil.html', 'a"; filename="evil.html'),
        ("line\r\nSet-Cookie: x=1", "lineSet-Cookie: x=1"),
        ("gnp\u202egnp.exe", "gnpgnp.exe"),
        ("...", ""),
        ("x" * 500, "x" * 120),
    ],
    ids=["accents", "path", "backslashes", "quotes", "lines", "right to left", "dots", "long"],
)
async def test_a_name_deceives_nobody(mail: Mail, name: str, shown: str) -> None:
    await sent(mail, picture("image/png", PNG))
    async with mail.desk.rt.db.transaction(mail.desk.workspace_id) as tx:
        await tx.execute(
            text("update attachment set name = :name"), {"name": tx.vault.seal("attachment.name", name)}
        )
    answer = await mail.fetch(await mail.path())
    plain, _, extended = answer.headers["content-disposition"].partition("; filename*=UTF-8''")
    assert plain.startswith('attachment; filename="attachment-')
    assert plain.endswith('.png"')
    assert "set-cookie" not in answer.headers
    assert extended.isascii()
    assert unquote(extended) == (shown or plain.split('"')[1])


async def test_one_that_is_on_its_way(mail: Mail) -> None:
    await sent(mail, picture("image/png", PNG), settle=False)
    is_problem(await mail.fetch(await mail.path()), 409, "attachment_pending")


async def test_one_that_was_not_taken(mail: Mail) -> None:
    await sent(mail, picture("image/svg+xml", SVG))
    is_problem(await mail.fetch(await mail.path()), 409, "attachment_rejected")


async def test_one_whose_file_is_gone(mail: Mail) -> None:
    await sent(mail, picture("image/png", PNG))
    (row,) = await mail.desk.rows("select path from attachment")
    (mail.desk.rt.settings.data_dir / row.path).unlink()
    is_problem(await mail.fetch(await mail.path()), 404, "file_gone")


async def test_only_where_it_belongs(mail: Mail, make_desk: Any) -> None:
    await sent(mail, picture("image/png", PNG))
    path = await mail.path()
    _, _, talk, _, message, _, attachment = path.split("/")
    for wrong in (
        f"/conversations/{new_id()}/messages/{message}/attachments/{attachment}",
        f"/conversations/{talk}/messages/{new_id()}/attachments/{attachment}",
        f"/conversations/{talk}/messages/{message}/attachments/{new_id()}",
        f"/conversations/{talk}/messages/{message}/attachments/..%2f..%2fsecret.key",
        f"/conversations/{message}/messages/{talk}/attachments/{attachment}",
    ):
        is_problem(await mail.fetch(wrong), 404, "not_found")
    other_desk: Desk = await make_desk()
    other = Mail(other_desk, await hire(other_desk.rt, other_desk.workspace_id))
    is_problem(await other.fetch(path), 404, "not_found")
    for key in ("nothing", "expired"):
        assert (await mail.fetch(path, key)).status_code in (401, 403)
