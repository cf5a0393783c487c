"""What applying a file would change, one line each. Secrets are named, never shown."""

from collections.abc import Mapping, Sequence
from typing import Any

from channels.registry import CHANNELS
from domain.workspace import Profile
from runtime import export, files
from runtime.files import WorkspaceFile
from store import channels, knowledge, workspaces
from store.channels import ChannelRow
from store.db import Tx
from store.knowledge import Stored


def created(file: WorkspaceFile) -> list[str]:
    """The lines for a workspace that is not there yet."""
    identity = file.profile.workspace
    lines = [f"workspace: created, {identity.name}, {identity.timezone}"]
    lines += [f"channels.{one.kind} {one.address}".rstrip() + ": added" for one in file.profile.channels]
    return lines + [f"knowledge.{one.source}: added, {len(one.chunks)} passages" for one in file.documents]


async def between(tx: Tx, file: WorkspaceFile, *, documents: bool = True) -> list[str]:
    """From the workspace as it is to the file; empty when there is nothing to do."""
    before = (await workspaces.get(tx)).profile
    lines = _profiles(before, file.profile)
    lines += _channels(await channels.listed(tx), file.profile)
    return lines + (_documents(await knowledge.stored(tx), file) if documents else [])


def paths(before: Profile, after: Profile) -> list[str]:
    """What is different, without values: section and field, such as policy.confidence. Lists are one thing."""
    was, now = (_fields(profile) for profile in (before, after))
    return sorted(path for path in was.keys() | now.keys() if was.get(path) != now.get(path))


def _fields(profile: Profile) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for section, value in _full(profile).items():
        found |= (
            {f"{section}.{name}": one for name, one in value.items()}
            if isinstance(value, Mapping)
            else {section: value}
        )
    return found


def _profiles(before: Profile, after: Profile) -> list[str]:
    if before.model_dump(exclude={"channels": {"__all__": {"credentials"}}}) == after.model_dump(
        exclude={"channels": {"__all__": {"credentials"}}}
    ):
        return []
    was, now = _flat(_full(before)), _flat(_full(after))
    lines = [f"{path}: {_show(was[path])} → removed" for path in was if path not in now]
    lines += [f"{path}: added, {_show(value)}" for path, value in now.items() if path not in was]
    lines += [
        f"{path}: {_show(was[path])} → {_show(now[path])}"
        for path in now
        if was.get(path, now[path]) != now[path]
    ]
    return sorted(lines) or ["order: changed"]


def _full(profile: Profile) -> dict[str, Any]:
    data = profile.model_dump(mode="json", exclude={"channels": {"__all__": {"credentials"}}})
    return data | {"hours": export.hours(profile.hours), "knowledge": []}


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    """path → plain value; things in a list go by their name, not by their place."""
    if isinstance(value, Mapping):
        parts = [(str(name), one) for name, one in value.items()]
    elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
        parts = [(_name(one, n), one) for n, one in enumerate(value)]
    else:
        return {path: value}
    found: dict[str, Any] = {}
    for name, one in parts:
        found |= _flat(one, f"{path}.{name}" if path else name)
    return found


def _name(value: Any, n: int) -> str:
    if not isinstance(value, Mapping):
        return str(n)
    named = value.get("name") or " ".join(str(value[key]) for key in ("kind", "address") if value.get(key))
    return str(named or n)


def _show(value: Any) -> str:
    shown = "nothing" if value in (None, "", [], {}) else str(value)
    return shown if len(shown) <= 100 else shown[:99] + "…"


def _channels(rows: Sequence[ChannelRow], after: Profile) -> list[str]:
    """What only the channels' own rows know: credentials, settings, and those that are no longer in the file."""
    standing, lines = {(one.kind, one.address): one for one in rows}, []
    for channel in (one for one in after.channels if one.kind in CHANNELS):
        row, path = (
            standing.pop((channel.kind, channel.address), None),
            f"channels.{channel.kind} {channel.address}",
        )
        if row is None:
            lines.append(f"{path}: opened")
            continue
        if channel.credentials and dict(row.credentials) != channel.credentials:
            names = sorted(
                name for name, value in channel.credentials.items() if row.credentials.get(name) != value
            )
            names += sorted(
                f"{name} (removed)" for name in row.credentials if name not in channel.credentials
            )
            lines.append(f"{path}.credentials: changed, {', '.join(names)}")
        if row.settings != files.settings_of(channel):
            lines.append(f"{path}.settings: changed")
        if row.state_reason == files.NOT_IN_FILE:
            lines.append(f"{path}: is in the file again, sends again")
    gone = [one for one in standing.values() if one.active]
    return lines + [f"channels.{one.kind} {one.address}: not in the file any more, suspended" for one in gone]


def _documents(stored: Sequence[Stored], file: WorkspaceFile) -> list[str]:
    known, lines = {one.source: one for one in stored}, []
    for document in file.documents:
        old, path, count = (
            known.pop(document.source, None),
            f"knowledge.{document.source}",
            len(document.chunks),
        )
        if old is None:
            lines.append(f"{path}: added, {count} passages")
        elif old.sha256 != knowledge.digest_of(document.chunks):
            lines.append(f"{path}: changed, {old.passages} → {count} passages")
        elif old.original != document.original:
            lines.append(f"{path}: changed in its bytes, not in its words")
    return lines + [f"knowledge.{source}: removed" for source in known]
