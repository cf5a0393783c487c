"""Frames, origins, sizes and limits: tables."""

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import webchat_frames, webchat_origin
from channels.sniff import kind_of
from channels.webchat_frames import Auth, BadFrame, Ping, Said, Seen, Typing, read
from channels.webchat_limits import MOST_KEYS, Limits, Rate, network_of
from domain.errors import BadPayload, NotPermitted, TooMany

CODES = ("bad_json", "bad_frame", "empty", "too_long")
FILE = "0192f0c1-2222-7333-8444-555566667777"


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ({"type": "auth", "token": "t"}, Auth("t")),
        ({"type": "message", "id": "a", "text": " hi "}, Said("a", "hi")),
        (
            {"type": "message", "id": "a-1_b.c:d", "text": "hi", "page": "https://x", "n": None},
            Said("a-1_b.c:d", "hi"),
        ),
        ({"type": "message", "id": "a", "attachments": [FILE]}, Said("a", "", (UUID(FILE),))),
        (
            {"type": "message", "id": "a", "text": "x", "attachments": [FILE] * 10},
            Said("a", "x", (UUID(FILE),) * 10),
        ),
        ({"type": "message", "id": "a", "text": "x" * 10_000}, Said("a", "x" * 10_000)),
        ({"type": "message", "id": "a", "text": "a\0b"}, Said("a", "ab")),
        ({"type": "ack", "seq": 0}, Seen(0, read=False)),
        ({"type": "read", "seq": 7}, Seen(7, read=True)),
        ({"type": "typing"}, Typing()),
        ({"type": "ping", "more": 1}, Ping()),
    ],
)
def test_a_frame(frame: dict[str, Any], expected: Any) -> None:
    assert read(json.dumps(frame)) == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bad_json"),
        ("nonsense", "bad_json"),
        ('{"type":"ping"', "bad_json"),
        ("[" * 100_000, "bad_json"),
        ("1" * 5000, "bad_json"),
        ("null", "bad_frame"),
        ('"ping"', "bad_frame"),
        ('["ping"]', "bad_frame"),
        ("{}", "bad_frame"),
        ('{"type":1}', "bad_frame"),
        ('{"type":["ping"]}', "bad_frame"),
        ('{"type":"PING"}', "bad_frame"),
        ('{"type":"auth"}', "bad_frame"),
        ('{"type":"auth","token":1}', "bad_frame"),
        ('{"type":"message","text":"x"}', "bad_frame"),
        ('{"type":"message","id":"","text":"x"}', "bad_frame"),
        ('{"type":"message","id":"a b","text":"x"}', "bad_frame"),
        ('{"type":"message","id":"' + "a" * 65 + '","text":"x"}', "bad_frame"),
        ('{"type":"message","id":7,"text":"x"}', "bad_frame"),
        ('{"type":"message","id":"a","text":7}', "bad_frame"),
        ('{"type":"message","id":"a","text":null}', "bad_frame"),
        ('{"type":"message","id":"a","text":"x","attachments":"f"}', "bad_frame"),
        ('{"type":"message","id":"a","text":"x","attachments":["f"]}', "bad_frame"),
        ('{"type":"message","id":"a","text":"x","attachments":[7]}', "bad_frame"),
        (json.dumps({"type": "message", "id": "a", "attachments": [FILE] * 11}), "bad_frame"),
        ('{"type":"message","id":"a"}', "empty"),
        ('{"type":"message","id":"a","text":" \\u0000\\n"}', "empty"),
        (json.dumps({"type": "message", "id": "a", "text": "x" * 10_001}), "too_long"),
        ('{"type":"ack"}', "bad_frame"),
        ('{"type":"ack","seq":-1}', "bad_frame"),
        ('{"type":"ack","seq":1.5}', "bad_frame"),
        ('{"type":"ack","seq":true}', "bad_frame"),
        ('{"type":"ack","seq":"1"}', "bad_frame"),
        ('{"type":"ack","seq":99999999999999999999}', "bad_frame"),
    ],
)
def test_no_frame(text: str, code: str) -> None:
    with pytest.raises(BadFrame) as refused:
        read(text)
    assert refused.value.code == code


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_json_is_a_frame_or_is_not(value: Any) -> None:
    kinds = ["message", "ack", "read", "auth", "typing", "ping"]
    for frame in [
        value,
        *({"type": kind, "id": value, "seq": value, "text": value, "token": value} for kind in kinds),
    ]:
        try:
            read(json.dumps(frame))
        except BadFrame as error:
            assert error.code in CODES  # noqa: PT017


@given(st.text(max_size=300))
def test_whatever_text_is_a_frame_or_is_not(text: str) -> None:
    try:
        read(text)
    except BadFrame as error:
        assert error.code in CODES  # noqa: PT017


def test_the_longest_message_fits_a_frame_however_it_is_escaped() -> None:
    worst = json.dumps({"type": "message", "id": "a" * 64, "text": "😀" * webchat_frames.MAX_TEXT})
    assert len(worst) < webchat_frames.MAX_BYTES


# --- origins ---

OURS = "https://desk.example:8443"


@pytest.mark.parametrize(
    ("headers", "allowed", "fine"),
    [
        ({"origin": "https://a.example"}, ["https://a.example"], True),
        ({"origin": "https://A.Example"}, ["https://a.example/"], True),
        ({"origin": "https://a.example"}, [], False),
        ({"origin": "http://a.example"}, ["https://a.example"], False),
        ({"origin": "https://a.example:444"}, ["https://a.example"], False),
        ({"origin": "https://a.example.evil"}, ["https://a.example"], False),
        ({"origin": "https://evil-a.example"}, ["https://*.a.example"], False),
        ({"origin": "https://shop.a.example"}, ["https://*.a.example"], True),
        ({"origin": "https://a.example"}, ["https://*.a.example"], False),
        ({"origin": "http://shop.a.example"}, ["https://*.a.example"], False),
        ({"origin": "https://anything"}, ["*"], True),
        ({"origin": "null"}, ["*"], False),
        ({"origin": ""}, ["https://a.example"], False),
        ({"origin": OURS}, [], True),
        ({"origin": "https://desk.example"}, [], False),
        ({}, [], True),
        ({"sec-fetch-site": "same-origin"}, [], True),
        ({"sec-fetch-site": "cross-site"}, ["*"], False),
        ({"sec-fetch-site": "same-site"}, ["*"], False),
    ],
)
def test_which_pages_may_use_a_chat(headers: dict[str, str], allowed: list[str], fine: bool) -> None:
    if fine:
        assert webchat_origin.check(headers, allowed, OURS) == headers.get("origin")
    else:
        with pytest.raises(NotPermitted):
            webchat_origin.check(headers, allowed, OURS)


@pytest.mark.parametrize(
    ("origin", "fine"),
    [
        ("http://localhost:8000", True),
        ("http://[::1]:8000", True),
        ("http://localhost:8001", False),
        ("https://localhost:8000", False),
        ("http://[", False),
    ],
)
def test_this_machine_has_several_names(origin: str, fine: bool) -> None:
    try:
        webchat_origin.check({"origin": origin}, [], "http://127.0.0.1:8000")
    except NotPermitted:
        assert not fine
    else:
        assert fine


# --- limits ---


@pytest.mark.parametrize(
    ("host", "who"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", ""),
        ("::1", ""),
        ("::ffff:127.0.0.1", ""),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_whom_to_count(host: str, who: str) -> None:
    assert network_of(host) == who


def test_a_bucket_empties_and_fills_again() -> None:
    now, rate = [0.0], Rate(3, 0.5)
    limits = Limits(lambda: now[0])
    for _ in range(3):
        limits.take(rate, "a")
    with pytest.raises(TooMany) as refused:
        limits.take(rate, "a")
    assert refused.value.retry_after_s == 2
    limits.take(rate, "b")
    limits.take(rate, "")
    now[0] = 2.0
    limits.take(rate, "a")
    with pytest.raises(TooMany):
        limits.take(rate, "a")


def test_it_does_not_remember_without_end() -> None:
    limits = Limits(lambda: 0.0)
    for n in range(MOST_KEYS + 10):
        limits.take(Rate(1, 1), f"visitor {n}")
    assert len(limits._buckets) == MOST_KEYS


# --- files ---


@pytest.mark.parametrize(
    ("data", "declared", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 20, "text/html", "image/png"),
        (b"%PDF-1.7\n", "image/png", "application/pdf"),
        (b"just words", "text/plain; charset=utf-8", "text/plain"),
        (b"just words", "text/html", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", "image/svg+xml", None),
        (b"MZ\x90\0" + b"\0" * 60, "image/png", None),
        (b"PK\x03\x04" + b"\0" * 60, "text/plain", None),
        (b"\xff\xfe not utf-8", "text/plain", None),
        (b"nul \0 inside", "text/plain", None),
    ],
)
def test_a_file_is_what_its_bytes_say(data: bytes, declared: str, kind: str | None) -> None:
    if kind:
        assert kind_of(data, declared) == kind
    else:
        with pytest.raises(BadPayload):
            kind_of(data, declared)
