"""The demo businesses: loaded from demos/*.yaml, with a number at the simulator and a key for their owner."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from runtime import files, listings, packages, portfolios
from runtime.demo import Business
from runtime.files import BadFile, WorkspaceFile
from runtime.runtime import Runtime
from store import channels, people
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
        channel = next(one for one in listed if one.kind == "twilio_sms")
        chat = next((str(one.id) for one in listed if one.kind == "webchat"), "")
        await people.revoke_keys_named(tx, _KEY)
        owner = await people.add(tx, "owner", "Demo Owner", "owner@example.com")
        key = await people.add_key(tx, _KEY, owner)
    for one in listed:
        if one.kind in _PREFIXES:
            url = f"{rt.settings.public_url}/channels/{one.id}/messages"
            number = {
                "number": _PREFIXES[one.kind] + one.address,
                "account_sid": account["sid"],
                "sms_url": url,
            }
            (await rt.http.post(f"{simulator_url}/sim/numbers", json=number)).raise_for_status()
    identity = file.profile.workspace
    return Business(
        identity.slug, str(workspace_id), identity.name, channel.address, str(channel.id), key, chat
    )


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
