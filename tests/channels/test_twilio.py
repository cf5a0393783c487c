"""Twilio for whatever input: its own validator as the oracle, strangers' bytes, the table of error codes."""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

import httpx2
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from channels import forms, twilio, twilio_errors
from channels.base import Account, Fetch, Hook
from channels.registry import open_channel
from channels.twilio_sms import TwilioSMS
from domain import segments
from domain.errors import BadPayload, BadSignature, Disposition, Rejected, SendFailed
from domain.messages import Address, DeliveryState, Inbound, Outbound, Scheme, Status

TABLE = json.loads((Path(__file__).parent / "cases" / "twilio_sms.json").read_text())
SID, TOKEN, URL = "AC1", "11111111111111111111111111111111", "https://desk.test/channels/7/messages"
ACCOUNT = Account("+15125550100", {"account_sid": SID, "auth_token": TOKEN})
CHANNEL = TwilioSMS(ACCOUNT)

Form = list[tuple[str, str]]
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
KEYS = st.one_of(st.sampled_from(["Body", "From", "To", "MessageSid", "SmsStatus", "MediaUrl0"]), WORDS)
FORMS = st.lists(st.tuples(KEYS, WORDS), min_size=1, max_size=8)
TARGETS = st.builds(
    "{}://{}{}/{}{}".format,
    st.sampled_from(["http", "https"]),
    st.sampled_from(["desk.test", "127.0.0.1", "a-b.example.co.uk"]),
    st.sampled_from(["", ":80", ":443", ":8443"]),
    st.text("abc/-._~%20", max_size=12),
    st.sampled_from(["", "?m=1", "?m=1&p=2&empty=", "?q=%20%2B+"]),
)


class Repeated(dict[str, list[str]]):
    def getlist(self, key: str) -> list[str]:
        return self[key]


def grouped(form: Form) -> Repeated:
    out = Repeated()
    for key, value in form:
        out.setdefault(key, []).append(value)
    return out


def signed(form: Form, url: str = URL, token: str = TOKEN) -> str:
    return RequestValidator(token).compute_signature(url, grouped(form))


def hook(form: Form, signature: str, url: str = URL, body: bytes = b"x") -> Hook:
    query = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    return Hook(url, {"x-twilio-signature": signature}, form, query, body)


def passes(one: Hook) -> bool:
    try:
        CHANNEL.verify(one)
    except BadSignature:
        return False
    return True


# --- signature ---


@given(FORMS, TARGETS)
def test_what_twilio_signs_verifies_after_the_wire(form: Form, url: str) -> None:
    read = forms.read_form(urlencode(form).encode(), "application/x-www-form-urlencoded; charset=UTF-8")
    assert read == form
    assert passes(hook(read, signed(form, url), url))


@given(FORMS, TARGETS, TARGETS, st.sampled_from([TOKEN, "other", ""]))
def test_we_and_twilio_agree(form: Form, called: str, signed_for: str, token: str) -> None:
    signature = signed(form, signed_for, token)
    theirs = RequestValidator(TOKEN).validate(called, grouped(form), signature)
    assert passes(hook(form, signature, called)) == theirs


@given(FORMS, st.data())
def test_any_change_fails(form: Form, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(form) - 1))
    key, value = form[at]
    changed = data.draw(
        st.sampled_from(
            [
                [*form[:at], (key, value + "x"), *form[at + 1 :]],
                [*form[:at], (key + "x", value), *form[at + 1 :]],
                [*form[:at], *form[at + 1 :]],
                [*form, ("Extra", "1")],
            ]
        )
    )
    assume(canon(changed) != canon(form))
    assert not passes(hook(changed, signed(form)))


def canon(form: Form) -> str:
    """Twilio's scheme has no separators and drops what is said twice: only what it can tell apart counts."""
    return "".join(key + value for key, value in sorted(set(form)))


@given(FORMS, st.integers(0, 27), st.sampled_from("Az09+/= "))
def test_any_change_of_the_signature_fails(form: Form, at: int, letter: str) -> None:
    good = signed(form)
    bad = good[:at] + letter + good[at + 1 :]
    assert passes(hook(form, bad)) == (bad == good)


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_a_body_that_is_no_form_is_bound_by_its_hash(body: bytes, other: bytes) -> None:
    url = f"{URL}?bodySHA256={hashlib.sha256(body).hexdigest()}"
    signature = RequestValidator(TOKEN).compute_signature(url, {})
    assert passes(hook([], signature, url, body))
    assert passes(hook([], signature, url, other)) == (other == body)
    assert not passes(hook([], RequestValidator(TOKEN).compute_signature(URL, {}), URL, body or b"{}"))


def test_the_oracle_agrees_about_json() -> None:
    body = '{"a": "é"}'
    url = f"{URL}?bodySHA256={hashlib.sha256(body.encode()).hexdigest()}"
    signature = RequestValidator(TOKEN).compute_signature(url, {})
    assert RequestValidator(TOKEN).validate(url, body, signature)
    assert passes(hook([], signature, url, body.encode()))


@pytest.mark.parametrize("credentials", [{}, {"account_sid": SID}, {"account_sid": SID, "auth_token": ""}])
def test_no_token_is_no_key(credentials: dict[str, str]) -> None:
    form = [("Body", "x")]
    with pytest.raises(BadSignature):
        TwilioSMS(Account("+1", credentials)).verify(hook(form, signed(form, token="")))


# --- strangers ---

RARER = ["MediaUrl0", "MediaContentType0", "OptOutType", "ErrorCode", "EventType", "MessagingServiceSid"]
ANYTHING = st.text(st.characters(), max_size=30)  # lone surrogates and NUL too


@given(
    st.binary(max_size=400), st.sampled_from(["application/x-www-form-urlencoded", "text/plain", "", "\0;="])
)
@example(b"&" * 2000, "application/x-www-form-urlencoded")
@example(b"=" * 10 + b"%" * 20, "application/x-www-form-urlencoded")
def test_arbitrary_bytes_are_rejected_or_read(body: bytes, content_type: str) -> None:
    try:
        form = forms.read_form(body, content_type)
        survives(hook(form, signed(form), body=body))
    except BadPayload:
        pass


@given(
    st.lists(
        st.tuples(
            st.one_of(
                st.sampled_from([*TABLE["forms"]["message"], *TABLE["forms"]["status"], *RARER]),
                ANYTHING,
            ),
            st.one_of(
                st.sampled_from(["", "0", SID, "+15125550100", "received", "delivered", "STOP"]), ANYTHING
            ),
        ),
        max_size=12,
    ),
    st.lists(st.tuples(st.sampled_from(["m", "p", "bodySHA256"]), ANYTHING), max_size=3),
    ANYTHING,
    ANYTHING,
)
def test_arbitrary_fields_are_rejected_or_read(form: Form, query: Form, tail: str, signature: str) -> None:
    survives(Hook(URL + tail, {"x-twilio-signature": signature}, form, query))
    survives(Hook(URL + tail, {}, form, query, b"{"))


def survives(one: Hook) -> None:
    """Nothing but Rejected is raised, and what comes out can be stored."""
    for step in (CHANNEL.verify, CHANNEL.parse):
        try:
            for event in step(one) or ():
                storable(event)
        except Rejected as error:
            assert error.http_status in (400, 403)  # noqa: PT017


def storable(event: Inbound | Status) -> None:
    said = [event.provider_id]
    if isinstance(event, Inbound):
        said += [
            event.text,
            event.sender.value,
            *(m.url for m in event.media),
            *(m.content_type for m in event.media),
        ]
    else:
        said += [event.raw_state, event.error_code or ""]
    assert all("\0" not in text and text.encode() is not None for text in said)
    assert 0 < len(event.provider_id) <= 64


def test_forms_have_limits() -> None:
    kind = "application/x-www-form-urlencoded"
    assert len(forms.read_form(b"&".join([b"a=1"] * forms.MAX_FIELDS), kind)) == forms.MAX_FIELDS
    with pytest.raises(BadPayload):
        forms.read_form(b"&".join([b"a=1"] * (forms.MAX_FIELDS + 1)), kind)
    with pytest.raises(BadPayload):
        forms.read_form(b"a" * (forms.MAX_BYTES + 1), kind)
    assert forms.read_form(b"a=1&b=&a=2", "Application/X-WWW-Form-Urlencoded;charset=utf-8") == [
        ("a", "1"),
        ("b", ""),
        ("a", "2"),
    ]


# --- states and codes ---


def test_every_state_is_in_the_table_of_cases() -> None:
    told = [event for row in TABLE["receive"] for event in row.get("events", ()) if "raw_state" in event]
    assert {event["raw_state"] for event in told} == set(twilio.STATES)
    assert set(twilio.STATES.values()) >= {DeliveryState.READ, DeliveryState.FAILED, DeliveryState.CANCELLED}


def test_every_code_is_in_the_table_of_cases() -> None:
    ours: dict[str, list[str]] = {}
    for code in sorted(twilio_errors.ERRORS):
        ours.setdefault(str(twilio_errors.disposition(code)), []).append(code)
    assert ours == TABLE["errors"]
    assert twilio_errors.disposition(None) is None
    assert twilio_errors.disposition("29999") is None


@pytest.mark.parametrize("code", sorted(twilio_errors.ERRORS))
async def test_a_refusal_and_a_report_agree_about_a_code(code: str, provider: Any, http: Any) -> None:
    there = await provider([{"status": 400, "json": {"code": int(code), "message": "no"}}])
    with pytest.raises(SendFailed) as refused:
        await open_channel("twilio_sms", account(there.url)).send(http, OUTBOUND)
    assert refused.value.disposition is twilio_errors.disposition(code)
    assert refused.value.provider_code == code
    assert refused.value.opted_out == (code == "21610")


# --- sending ---

OUTBOUND = Outbound(uuid4(), 0, Address(Scheme.TEL, "+14155550123"), "Hello", "https://desk.test/status")


def account(base_url: str, **settings: object) -> Account:
    return Account(ACCOUNT.address, ACCOUNT.credentials, base_url, {"timeout_s": 5, **settings})


async def test_no_free_connection_is_surely_not_sent(provider: Any) -> None:
    there = await provider([{"fault": "hang"}])
    async with httpx2.AsyncClient(trust_env=False, limits=httpx2.Limits(max_connections=1)) as http:  # noqa: TID251
        busy = asyncio.create_task(http.get(there.url, timeout=5))
        while not there.heard:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        with pytest.raises(SendFailed) as failed:
            await TwilioSMS(account(there.url, timeout_s=0.1)).send(http, OUTBOUND)
        busy.cancel()
        await asyncio.gather(busy, return_exceptions=True)
    assert (failed.value.code, failed.value.disposition) == ("send_failed", Disposition.RETRY)
    assert len(there.heard) == 1, "only what kept the connection busy"


# --- splitting ---


@given(
    st.text(st.sampled_from("ab c.!?\n’–…😀é👍🏽\u200d{€"), max_size=900), st.integers(1, 3), st.booleans()
)
def test_parts_fit_and_lose_nothing(text: str, limit: int, smart: bool) -> None:
    parts = TwilioSMS(account("", max_segments=limit, smart_encoding=smart)).split(text)
    plain = segments.to_gsm(text) if smart else text
    assert "".join("".join(parts).split()) == "".join(plain.split())
    assert all(part.strip() == part != "" for part in parts)
    assert all(segments.count(part).segments <= limit and len(part) <= 1600 for part in parts)


@pytest.mark.parametrize("said", [None, 0, -3, "many"])
def test_a_budget_that_is_none_is_ten(said: object) -> None:
    assert len(TwilioSMS(account("", max_segments=said)).split("a" * 1531)) == 2


def test_what_cannot_be_said_is_left_out() -> None:
    assert CHANNEL.split("a\0b\ud800\udfff") == ["ab\ufffd\ufffd"]
    assert CHANNEL.split(" \n\0 ") == []


# --- attachments ---


def may(fetch: Fetch, urls: Sequence[str]) -> list[bool]:
    return [fetch.allows(url) for url in urls]


def test_media_is_fetched_from_twilio_only() -> None:
    fetch = CHANNEL.fetch()
    home, store = "https://api.twilio.com/2010-04-01/x", "https://media.twiliocdn.com/AC1/abc"
    assert (
        may(fetch, [home, store, "https://mms.twiliocdn.com/x", "https://mcs.us1.twilio.com/x"]) == [True] * 4
    )
    assert fetch.auth_for(home) == (SID, TOKEN)
    assert fetch.auth_for(store) is None
    strangers = [
        "http://api.twilio.com/x",
        "https://api.twilio.com:8443/x",
        "https://api.twilio.com.evil.test/x",
        "https://eviltwilio.com/x",
        "https://twilio.com@evil.test/x",
        "https://user@api.twilio.com/x",
        "https://evil.test\\@api.twilio.com/x",
        "https://169.254.169.254/",
        "file:///etc/passwd",
        "https://[::1",
        "",
    ]
    assert may(fetch, strangers) == [False] * len(strangers)
    assert not any(fetch.auth_for(url) for url in strangers)


@pytest.mark.parametrize(
    ("base_url", "home", "elsewhere"),
    [
        ("http://127.0.0.1:4010", "http://127.0.0.1:4010/m", "http://127.0.0.1:4011/m"),
        ("http://127.0.0.1:4010/", "http://127.0.0.1:4010/m", "http://127.0.0.1/m"),
        ("http://Twilio.local", "http://twilio.local/m", "https://twilio.local/m"),
        ("https://twilio.local/proxy", "https://twilio.local/m", "http://twilio.local/m"),
    ],
)
def test_an_overridden_provider_is_asked_at_its_port(base_url: str, home: str, elsewhere: str) -> None:
    fetch = TwilioSMS(account(base_url)).fetch()
    assert fetch.allows(home)
    assert fetch.auth_for(home) == (SID, TOKEN)
    assert not fetch.allows(elsewhere)
    assert fetch.allows("https://api.twilio.com/x")
    assert fetch.auth_for("https://api.twilio.com/x") is None
