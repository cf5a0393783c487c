"""Attachments: fetched from the provider's hosts only, believed after a look inside, kept sealed."""

import base64
import gzip
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from frontdesk.serving import listen, serving, url_of
from tests.rig import Desk
from workers.media import LARGEST, MAX_ATTEMPTS, MediaWorker

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg=="
)
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + b"\0" * 64
PDF = b"%PDF-1.7\n1 0 obj\n"
EXE = b"MZ\x90\x00\x03\x00\x00\x00" + b"\0" * 64
HTML = b"<!doctype html><html><script>alert(1)</script></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
VCARD = b"BEGIN:VCARD\nFN:Zacharias\nEND:VCARD"


def picture(kind: str, data: bytes) -> dict[str, str]:
    return {"content_type": kind, "data_base64": base64.b64encode(data).decode()}


async def kept(desk: Desk) -> list[Any]:
    return await desk.rows("select * from attachment order by n")


async def only(desk: Desk) -> Any:
    (row,) = await kept(desk)
    return row


# --- from the provider ---


async def test_a_picture_is_kept_sealed(desk: Desk) -> None:
    await desk.text("look", media=[picture("image/png", PNG)])
    await desk.settle()
    row = await only(desk)
    assert (row.state, row.sniffed_type, row.size, row.url) == ("stored", "image/png", len(PNG), None)
    assert bytes(row.sha256) == hashlib.sha256(PNG).digest()
    file = (desk.rt.settings.data_dir / row.path).read_bytes()
    assert PNG not in file
    assert b"IHDR" not in file
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        assert tx.vault.open_bytes("attachment.file", file) == PNG


async def test_the_file_of_another_business_does_not_open(make_desk: Any) -> None:
    ours, theirs = await make_desk(), await make_desk()
    await ours.text("look", media=[picture("image/png", PNG)])
    await ours.settle()
    file = (ours.rt.settings.data_dir / (await only(ours)).path).read_bytes()
    async with theirs.rt.db.transaction(theirs.workspace_id) as tx:
        with pytest.raises(Exception, match="does not open"):
            tx.vault.open_bytes("attachment.file", file)


@pytest.mark.parametrize(
    ("declared", "data", "found"),
    [
        ("image/jpeg", PNG, "image/png"),
        ("application/octet-stream", JPEG, "image/jpeg"),
        ("text/html", PDF, "application/pdf"),
        ("IMAGE/GIF; x=y", PNG, "image/png"),
        ("text/vcard", VCARD, "text/vcard"),
        ("text/plain; charset=utf-8", b"hello", "text/plain"),
    ],
)
async def test_it_is_what_is_inside_not_what_was_declared(
    desk: Desk, declared: str, data: bytes, found: str
) -> None:
    await desk.text("look", media=[picture(declared, data)])
    await desk.settle()
    row = await only(desk)
    assert (row.state, row.sniffed_type) == ("stored", found)


@pytest.mark.parametrize(
    ("declared", "data"),
    [
        ("image/jpeg", HTML), ("text/html", HTML), ("image/png", EXE), ("application/pdf", EXE),
        ("image/svg+xml", SVG), ("image/png", SVG), ("text/plain", b"\xff\xfe\x00\x81"), ("image/png", b""),
        ("application/zip", b"PK\x03\x04" + b"\0" * 40), ("application/octet-stream", b"who knows"),
    ],
)  # fmt: skip
async def test_what_could_do_harm_is_not_kept(desk: Desk, declared: str, data: bytes) -> None:
    await desk.text("look", media=[picture(declared, data)])
    await desk.settle()
    row = await only(desk)
    assert (row.state, row.path, row.url) == ("rejected", None, None)
    assert row.reason


async def test_ten_at_once_and_the_text_is_answered_whatever_becomes_of_them(desk: Desk) -> None:
    await desk.text(
        "What are your hours?", media=[picture("image/png", PNG)] * 9 + [picture("image/png", EXE)]
    )
    await desk.settle()
    assert [row.state for row in await kept(desk)] == ["stored"] * 9 + ["rejected"]
    assert len(desk.ledger()) == 1


async def test_two_workers_fetch_one_attachment_once(desk: Desk) -> None:
    await desk.text("look", media=[picture("image/png", PNG)])
    one, other = MediaWorker(desk.rt, desk.workspace_id), MediaWorker(desk.rt, desk.workspace_id)
    assert len([*await one.claim(4), *await other.claim(4)]) == 1
    desk.wait(seconds=61)
    assert len(await other.claim(4)) == 1  # the first one never came back


# --- from a host that plays tricks ---


@dataclass
class Host:
    """A store of media on loopback, and what it was asked with."""

    url: str = ""
    answers: dict[str, Callable[[Request], Response]] = field(default_factory=dict)
    asked: list[tuple[str, str, bool]] = field(default_factory=list)
    """(host, path, with credentials)"""

    async def answer(self, request: Request) -> Response:
        path = request.url.path
        self.asked.append((request.headers["host"], path, "authorization" in request.headers))
        return self.answers[path](request)

    @property
    def port(self) -> str:
        return self.url.rpartition(":")[2]


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    found, listener = Host(url=""), listen("127.0.0.1", 0)
    found.url = url_of(listener)
    async with serving(Starlette(routes=[Route("/{path:path}", found.answer)]), listener):
        yield found


async def fetched(desk: Desk, host: Host, path: str) -> Any:
    """A message with one attachment at `path`, after one try to fetch it from this host."""
    sid = f"MM{uuid4().hex}"
    media = {"NumMedia": "1", "MediaUrl0": f"{host.url}{path}", "MediaContentType0": "image/png"}
    assert (await desk.post(desk.inbound("look", sid, **media))).status_code == 200
    return await again(desk, host)


async def again(desk: Desk, host: Host) -> Any:
    rt = replace(desk.rt, settings=replace(desk.rt.settings, twilio_url=host.url))
    worker = MediaWorker(rt, desk.workspace_id)
    for due in await worker.claim(4):
        await worker.work(due)
    return await only(desk)


async def test_credentials_go_to_the_provider_and_not_along_a_redirect(desk: Desk, host: Host) -> None:
    host.answers["/media"] = lambda _: RedirectResponse(f"http://localhost:{host.port}/stored", 307)
    host.answers["/stored"] = lambda _: Response(PNG)
    assert (await fetched(desk, host, "/media")).state == "stored"
    assert host.asked == [
        (f"127.0.0.1:{host.port}", "/media", True),
        (f"localhost:{host.port}", "/stored", False),
    ]


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1:9/x", "http://169.254.169.254/latest/meta-data", "http://evil.example/x", "file:///etc/passwd",
     "//evil.example/x", "http://127.0.0.1@evil.example/", "http://[::1]/", "gopher://x", "http://", "\\\\x", ""],
)  # fmt: skip
async def test_a_redirect_out_of_the_providers_hosts_is_not_followed(
    desk: Desk, host: Host, target: str
) -> None:
    host.answers["/media"] = lambda _: Response(status_code=302, headers={"location": target})
    row = await fetched(desk, host, "/media")
    assert (row.state, row.path) in (("rejected", None), ("pending", None))
    assert [asked[1] for asked in host.asked][:1] == ["/media"]
    assert {asked[0] for asked in host.asked} == {f"127.0.0.1:{host.port}"}


@pytest.mark.parametrize(
    "url",
    [
        "http://evil.example/x.png",
        "http://169.254.169.254/",
        "file:///etc/passwd",
        "http://127.0.0.1:9/",
        "x",
    ],
)
async def test_a_webhook_cannot_name_another_host(desk: Desk, host: Host, url: str) -> None:
    row = await fetched(desk, replace(host, url=""), url)
    assert row.state == "pending" or row.reason == "host_not_allowed"
    row = await again(desk, host)
    assert (row.state, row.reason) == ("rejected", "host_not_allowed")
    assert host.asked == []


async def test_redirects_without_end(desk: Desk, host: Host) -> None:
    host.answers["/media"] = lambda _: RedirectResponse("/media", 302)
    row = await fetched(desk, host, "/media")
    assert (row.state, row.reason) == ("rejected", "too_many_redirects")
    assert len(host.asked) <= 5


async def test_too_large_is_given_up_in_the_middle(desk: Desk, host: Host) -> None:
    sent = []

    async def endless(request: Request) -> AsyncIterator[bytes]:
        while not await request.is_disconnected():
            sent.append(1)
            yield b"\x89PNG" + b"\0" * 1_000_000

    host.answers["/media"] = lambda request: StreamingResponse(endless(request))
    row = await fetched(desk, host, "/media")
    assert (row.state, row.reason) == ("rejected", "too_large")
    assert len(sent) < LARGEST // 1_000_000 + 20


async def test_a_small_file_that_unpacks_to_a_large_one(desk: Desk, host: Host) -> None:
    bomb = gzip.compress(b"\0" * (LARGEST * 4))
    host.answers["/media"] = lambda _: Response(bomb, headers={"content-encoding": "gzip"})
    assert (await fetched(desk, host, "/media")).reason == "too_large"


async def test_not_there_yet_is_fetched_a_moment_later(desk: Desk, host: Host) -> None:
    tries = iter([404, 404, 200])
    host.answers["/media"] = lambda _: Response(PNG, next(tries))
    row = await fetched(desk, host, "/media")
    assert (row.state, row.reason, row.attempts) == ("pending", "http_404", 1)
    assert (await again(desk, host)).attempts == 1  # not before its time
    for _ in range(2):
        desk.wait(minutes=5)
        row = await again(desk, host)
    assert row.state == "stored"


@pytest.mark.parametrize("status", [404, 403, 500, 503])
async def test_what_never_comes_is_given_up(desk: Desk, host: Host, status: int) -> None:
    host.answers["/media"] = lambda _: Response("no", status)
    row = await fetched(desk, host, "/media")
    for _ in range(MAX_ATTEMPTS + 3):
        desk.wait(minutes=30)
        row = await again(desk, host)
    assert (row.state, row.reason) == ("rejected", f"http_{status}")
    assert len(host.asked) == MAX_ATTEMPTS


async def test_a_host_that_is_down_is_asked_again(desk: Desk, host: Host) -> None:
    gone = Host(url="http://127.0.0.1:9")
    row = await fetched(desk, gone, "/media")
    assert (row.state, row.reason, row.attempts) == ("pending", "ConnectError", 1)
