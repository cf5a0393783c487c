"""A channel, put to the test: its provider is asked whether it knows us, and whether it would call us."""

import re
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2

from channels import meta
from channels.base import Account
from channels.registry import CHANNELS
from runtime.findings import Finding, note, ok, wrong
from runtime.runtime import Runtime
from store.channels import ChannelRow

REAL_TWILIO = "https://api.twilio.com"
CREDENTIALS = {
    "twilio": (("account_sid", "auth_token"), ()),
    "meta": (("phone_number_id", "access_token", "app_secret", "verify_token"), ("waba_id",)),
}
"""provider → (needed, optional)"""
_ORIGIN = re.compile(r"https?://(\*\.)?[^/\s*]+/?|\*")
_OUR_OWN = frozenset({"127.0.0.1", "localhost", "::1"})


def provider_of(kind: str) -> str:
    return kind.partition("_")[0]


async def check(rt: Runtime, row: ChannelRow, name: str) -> list[Finding]:
    """What works and what to do; nothing is changed, nothing is sent to a customer."""
    if not row.active:
        todo = "mend the cause, then set its state to active (PATCH channels/{id}, or frontdesk apply)"
        return [wrong(name, f"suspended: {row.state_reason}", todo)]
    if row.kind in CHANNELS and CHANNELS[row.kind].hosted:
        return _hosted(rt, row, name)
    account = rt.open_channel(row).account
    needed = CREDENTIALS.get(provider_of(row.kind), ((), ()))[0]
    missing = [one for one in needed if not account.credentials.get(one)]
    if missing:
        todo = f"give the channel its {', '.join(missing)}"
        if provider_of(row.kind) == "twilio":
            todo += ", or set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"
        return [wrong(name, "no credentials: nothing can be sent or verified", todo)]
    if provider_of(row.kind) == "meta":
        return [*await _meta(rt, row, name, account), _called(rt, name)]
    return await _twilio(rt, row, name, account)


def webhooks(rt: Runtime, row: ChannelRow) -> dict[str, str]:
    """What to paste at the provider, by what it is for."""
    base = f"{rt.settings.public_url}/channels/{row.id}"
    if row.kind in CHANNELS and CHANNELS[row.kind].hosted:
        return {
            "script": f'<script src="{rt.settings.public_url}/widget.js" data-channel="{row.id}" defer></script>'
        }
    if provider_of(row.kind) == "meta":
        return {"callback_url": f"{base}/webhook"}
    return {"messages": f"{base}/messages", "status": f"{base}/status"}


# --- Twilio ---


async def _twilio(rt: Runtime, row: ChannelRow, name: str, account: Account) -> list[Finding]:
    """Source: https://www.twilio.com/docs/iam/api/account, …/phone-numbers/api/incomingphonenumber-resource"""
    sid, token = account.credentials["account_sid"], account.credentials["auth_token"]
    base = f"{rt.settings.twilio_url}/2010-04-01/Accounts/{quote(sid, safe='')}"
    try:
        found = await rt.http.get(f"{base}.json", auth=(sid, token))
        numbers = await rt.http.get(
            f"{base}/IncomingPhoneNumbers.json", auth=(sid, token), params={"PhoneNumber": row.address}
        )
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        said = f"Twilio does not answer ({type(error).__name__})"
        return [wrong(name, said, "look at the network, and FRONTDESK_TWILIO_URL")]
    if found.status_code in (401, 403, 404):
        said = f"Twilio refuses the credentials ({found.status_code})"
        return [wrong(name, said, "copy account SID and auth token anew")]
    if found.status_code != 200 or (status := read(found).get("status")) != "active":
        said = f"answers {found.status_code}" if found.status_code != 200 else f"the account is {status}"
        return [wrong(name, f"Twilio: {said}", "see the account at console.twilio.com")]
    place = "the simulator" if rt.settings.twilio_url != REAL_TWILIO else "Twilio"
    findings = [ok(name, f"credentials accepted by {place}")]
    return findings if row.kind != "twilio_sms" else [*findings, _webhook(rt, row, name, read(numbers))]


def _webhook(rt: Runtime, row: ChannelRow, name: str, answer: dict[str, Any]) -> Finding:
    ours = webhooks(rt, row)["messages"]
    listed = [
        one for one in answer.get("incoming_phone_numbers", ()) if one.get("phone_number") == row.address
    ]
    if not listed:
        said = "the account does not own this number"
        return wrong(f"{name} webhook", said, "buy it there, or mend the address")
    url = str(listed[0].get("sms_url") or "")
    if url == ours:
        return ok(f"{name} webhook", "points here")
    host = urlsplit(url).netloc or "nowhere"
    return wrong(f"{name} webhook", f"points to {host}", f"set the number's messaging webhook to {ours}")


# --- Meta ---


async def _meta(rt: Runtime, row: ChannelRow, name: str, account: Account) -> list[Finding]:
    """Source: https://developers.facebook.com/docs/whatsapp/business-management-api/manage-phone-numbers"""
    number = quote(account.credentials["phone_number_id"], safe="")
    headers = {"authorization": f"Bearer {account.credentials['access_token']}"}
    query = {"fields": "display_phone_number,verified_name,quality_rating"}
    try:
        answer = await rt.http.get(f"{meta.base(account)}/{number}", headers=headers, params=query)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        said = f"Meta does not answer ({type(error).__name__})"
        return [wrong(name, said, "look at the network, and FRONTDESK_META_URL")]
    told = read(answer)
    if answer.status_code == 200 and told.get("display_phone_number"):
        return _number(row, name, told)
    error_ = told.get("error")
    code = error_.get("code") if isinstance(error_, dict) else None
    if code == 190 or answer.status_code == 401:
        return [
            wrong(
                name,
                "Meta refuses the access token",
                "make a permanent token of a system user, and put it in",
            )
        ]
    if answer.status_code in (400, 403, 404):
        said = f"Meta does not know this phone_number_id, or not for this token (code {code})"
        return [
            wrong(
                name,
                said,
                "copy phone_number_id from WhatsApp → API Setup; let the token's user see the account",
            )
        ]
    return [wrong(name, f"Meta answers {answer.status_code}", "try again; see metastatus.com")]


def _number(row: ChannelRow, name: str, told: dict[str, Any]) -> list[Finding]:
    if re.sub(r"\D", "", str(told["display_phone_number"])) != re.sub(r"\D", "", row.address):
        said = "this phone_number_id is another number than the channel's address"
        return [wrong(name, said, "mend the address, or copy the id of the right number")]
    found = [ok(name, "access token and phone number accepted by Meta")]
    if str(told.get("quality_rating", "")).upper() == "RED":
        todo = "write to fewer people who have not written first; Meta will limit the number"
        found.append(note(f"{name} quality", "Meta rates the number RED", todo))
    return found


def _called(rt: Runtime, name: str) -> Finding:
    """Meta tells nobody where it calls."""
    if not rt.settings.public_url.startswith("https://"):
        said = f"{rt.settings.public_url} is not https, and Meta calls nothing else"
        return wrong(f"{name} webhook", said, "set FRONTDESK_PUBLIC_URL to the https address")
    todo = "if no messages come: paste callback_url and the verify_token at WhatsApp → Configuration, subscribe to messages"
    return note(f"{name} webhook", "Meta does not say where it calls", todo)


# --- web chat ---


def _hosted(rt: Runtime, row: ChannelRow, name: str) -> list[Finding]:
    origins = [str(one) for one in row.settings.get("origins", ())]
    found = [_origin(name, one) for one in origins]
    if not origins:
        todo = "name the addresses of your pages in origins, such as https://www.example.com"
        found = [note(name, "no origins: only pages of our own address may show it", todo)]
    public = urlsplit(rt.settings.public_url)
    if public.scheme != "https" and public.hostname not in _OUR_OWN:
        todo = "set FRONTDESK_PUBLIC_URL to the https address: pages served by https load nothing else"
        found.append(wrong(f"{name} address", f"{rt.settings.public_url} is not https", todo))
    return found


def _origin(name: str, origin: str) -> Finding:
    check_ = f"{name} {origin}"
    if not _ORIGIN.fullmatch(origin):
        todo = "write scheme and host only, such as https://www.example.com or https://*.example.com"
        return wrong(check_, "is not an origin: no page has this address", todo)
    if origin == "*":
        return note(
            check_, "every page on the internet may show this chat", "name the addresses of your own pages"
        )
    if origin.startswith("http://") and urlsplit(origin).hostname not in _OUR_OWN:
        return note(
            check_, "is not https: anybody on the way may read and change that page", "serve it by https"
        )
    return ok(check_, "its pages may show the chat")


def read(answer: httpx2.Response) -> dict[str, Any]:
    """{} when it is no JSON object."""
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
