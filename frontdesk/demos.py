"""The demo businesses: loaded from demos/*.yaml, with a number at the simulator and a key for their owner."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from domain.workspace import Identity
from runtime import files, listings, packages, portfolios
from runtime.demo import Business
from runtime.files import BadFile, WorkspaceFile
from runtime.runtime import Runtime
from simulators import twilio
from store import channels, people
from store.channels import ChannelRow
from store.db import Tx

_KEY = "demo"
_PREFIXES = {"twilio_sms": "", "twilio_whatsapp": "whatsapp:"}
"""How the provider writes the number of each kind of channel."""


@dataclass(frozen=True, slots=True)
class Demos:
    businesses: tuple[Business, ...]


async def load_demos(rt: Runtime, names: tuple[str, ...], simulator_url: str) -> Demos:
    """Every named demo, created or brought up to its file. Raise BadFile before anything is done."""
    found = [packages.read(name) for name in dict.fromkeys(names)]
    return Demos(tuple([await _load(rt, file, simulator_url) for file in found]))


async def _load(rt: Runtime, file: WorkspaceFile, simulator_url: str) -> Business:
    account = (await rt.http.post(f"{simulator_url}/sim/accounts", json={})).json()
    credentials = {"account_sid": account["sid"], "auth_token": account["auth_token"]}
    workspace_id = await files.apply(rt, file, credentials)
    await _homes(rt, workspace_id, packages.FOLDER / file.profile.workspace.slug / "listings.json")
    async with rt.db.transaction(workspace_id) as tx:
        await _samples(tx, packages.FOLDER / file.profile.workspace.slug)
        listed = await channels.listed(tx)
        await people.revoke_keys_named(tx, _KEY)
        owner = await people.add(tx, "owner", "Demo Owner", "owner@example.com")
        key = await people.add_key(tx, _KEY, owner)
    await connect(rt, listed, simulator_url)
    return business(workspace_id, file.profile.workspace, listed, key)


async def connect(rt: Runtime, listed: list[ChannelRow], simulator_url: str) -> None:
    """The numbers of these channels are in service at the simulator, and what is written to them comes here."""
    for one in listed:
        if one.kind not in _PREFIXES:
            continue
        known = rt.open_channel(one).account.credentials
        account = {"sid": known.get("account_sid", ""), "auth_token": known.get("auth_token", "")}
        number = {
            "number": _PREFIXES[one.kind] + one.address,
            "account_sid": account["sid"],
            "sms_url": f"{rt.settings.public_url}/channels/{one.id}/messages",
        }
        for path, told in (("accounts", account), ("numbers", number)):
            (await rt.http.post(f"{simulator_url}/sim/{path}", json=told)).raise_for_status()


def business(workspace_id: UUID, identity: Identity, listed: list[ChannelRow], key: str) -> Business:
    """What the phones need to know of it; `number` is "" when it has none for text messages."""
    text = next((one for one in listed if one.kind == "twilio_sms"), None)
    chat = next((str(one.id) for one in listed if one.kind == "webchat"), "")
    number, channel = (text.address, str(text.id)) if text else ("", "")
    return Business(identity.slug, str(workspace_id), identity.name, number, channel, key, chat)


def without_credentials(environ: Mapping[str, str]) -> dict[str, str]:
    """The simulator's own account, by which channels that have no credentials speak to it; nothing where one is set."""
    if environ.get("TWILIO_ACCOUNT_SID") or environ.get("TWILIO_AUTH_TOKEN"):
        return {}
    account = twilio.Config()
    return {"TWILIO_ACCOUNT_SID": account.account_sid, "TWILIO_AUTH_TOKEN": account.auth_token}


async def _homes(rt: Runtime, workspace_id: UUID, path: Path) -> None:
    """What a demo lists, where it lists something. Raise BadFile."""
    text = _text(path)
    if text:
        taken = await listings.take(rt.db, workspace_id, text, "demo")
        if taken.bad:
            raise BadFile([f"{path}:{one.line}: {one.why}" for one in taken.bad])


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


async def _samples(tx: Tx, folder: Path) -> None:
    """What the demo's clients hold, where it has clients who hold something. Raise BadFile."""
    takes = {"holdings.csv": portfolios.take_holdings, "prices.csv": portfolios.take_prices}
    for path, take in ((folder / name, take) for name, take in takes.items()):
        if path.exists() and (bad := (await take(tx, path.read_text(encoding="utf-8"))).bad):
            raise BadFile([f"{path}:{one.line}: {one.why}" for one in bad])
