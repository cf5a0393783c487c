"""A workspace's YAML file: read, checked as a whole, and made so. Nothing is applied unless all of it is valid."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from channels.registry import CHANNELS
from domain.workspace import ChannelSettings, Profile
from knowledge.chunk import chunk, title_of
from runtime import checking, mistakes
from runtime.runtime import Runtime
from store import channels, knowledge, templates, workspaces
from store.db import Database, Tx, new_id
from store.knowledge import Chunk
from store.refitting import Unkept, refit

LARGEST = 1_000_000  # bytes of one knowledge file
MOST_PARTS = 100_000
"""Values of a file that came over the network."""
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
NOT_IN_FILE = "not_in_file"
"""Why a channel is suspended that the workspace's file does not name any more."""
PLANNED = frozenset({"twilio_voice", "email"})
"""Channels that a file may name already; this version keeps them and does not open them."""
UNHURRIED = 1000.0
"""Messages a second of a channel that no provider holds back."""


class BadFile(Exception):
    """One line a mistake: file, line, path in the file, what is wrong and what would be right."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = tuple(mistakes)


@dataclass(frozen=True, slots=True)
class Document:
    source: str
    title: str
    chunks: list[Chunk]
    original: bytes = b""


@dataclass(frozen=True, slots=True)
class WorkspaceFile:
    """A valid file with the documents that it names."""

    profile: Profile
    documents: tuple[Document, ...] = ()
    notices: tuple[str, ...] = field(default=())
    """What the file asks for that this version keeps but does not do."""


def read(path: Path, root: Path | None = None, environ: Mapping[str, str] | None = None) -> WorkspaceFile:
    """The file at `path`; the documents it names are looked for below `root`, else beside the file when one of them
    is there, else below the working directory. With `environ`, a credential may be ${NAME}. Raise BadFile."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile([f"{path}: cannot be read: {error}"]) from None
    try:
        data = YAML().load(text)
    except MarkedYAMLError as error:
        raise BadFile([mistakes.not_yaml(str(path), error)]) from None
    except ValueError as error:
        raise BadFile([f"{path}:1: this is not YAML: {error}"]) from None
    if environ is not None and (missing := _fill_in(data, str(path), environ)):
        raise BadFile(missing)
    return check(data, str(path), root or _root(data, path))


def read_text(text: str, name: str, before: Profile) -> WorkspaceFile:
    """A file that came over the network, for the workspace that `before` is: it names no other workspace and no document
    that is not there already. Raise BadFile."""
    try:
        data = YAML().load(text)
    except MarkedYAMLError as error:
        raise BadFile([mistakes.not_yaml(name, error)]) from None
    except (ValueError, RecursionError, YAMLError) as error:
        raise BadFile([f"{name}:1: this is not YAML: {str(error).splitlines()[0]}"]) from None
    if _is_endless(data):
        raise BadFile([f"{name}:1: its aliases (*name) make more of it than a file holds; write it out"])
    if not isinstance(data, dict):
        raise BadFile([f"{name}:1: the file must be a mapping of keys to values"])
    named = data.get("knowledge") or []
    known = set(before.knowledge)
    strange = [str(one) for one in named if str(one) not in known] if isinstance(named, list) else []
    found = [
        f"{name}:{mistakes.line(data, ('knowledge',))}: knowledge: {one}: there is no such document here; upload it first"
        for one in strange
    ]
    if found:
        raise BadFile(found)
    profile = _checked(data, name)
    if profile.workspace.slug != before.workspace.slug:
        line = mistakes.line(data, ("workspace", "slug"))
        raise BadFile(
            [f"{name}:{line}: workspace.slug: this is the workspace {before.workspace.slug}; keep its slug"]
        )
    return WorkspaceFile(profile, (), _notices(profile))


def _is_endless(data: Any) -> bool:
    """A few lines of YAML can stand for more than fits in memory, or contain themselves."""
    left, seen = [data], 0
    while left:
        one, seen = left.pop(), seen + 1
        if seen > MOST_PARTS:
            return True
        left.extend(one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())
    return False


def _root(data: Any, path: Path) -> Path:
    named = data.get("knowledge") if isinstance(data, dict) else None
    beside = path.absolute().parent
    there = any((beside / str(one)).is_file() for one in named) if isinstance(named, list) else False
    return beside if there else Path.cwd()


def _fill_in(data: Any, name: str, environ: Mapping[str, str]) -> list[str]:
    """Put the environment's values where credentials say ${NAME}; return what is missing."""
    listed = data.get("channels") if isinstance(data, dict) else None
    missing = []
    for n, channel in enumerate(listed if isinstance(listed, list) else ()):
        credentials: Any = channel.get("credentials") if isinstance(channel, dict) else None
        for key, value in list(credentials.items()) if isinstance(credentials, dict) else ():
            if not (found := _VARIABLE.fullmatch(str(value))):
                continue
            if environ.get(found[1]):
                credentials[key] = environ[found[1]]
                continue
            line = mistakes.line(data, ("channels", n, "credentials", key))
            missing.append(
                f"{name}:{line}: channels.{n}.credentials.{key}: the environment has no {found[1]}; set it first"
            )
    return missing


def check(data: Any, name: str, root: Path) -> WorkspaceFile:
    """A mapping in the file's shape, made into a profile. Raise BadFile."""
    profile, found = _found(data, name)
    documents = []
    for n, source in enumerate(profile.knowledge):
        try:
            documents.append(_document(root, source))
        except ValueError as error:
            found.append(f"{name}:{mistakes.line(data, ('knowledge', n))}: knowledge.{n}: {source}: {error}")
    if found:
        raise BadFile(found)
    return WorkspaceFile(profile, tuple(documents), _notices(profile))


def _checked(data: Any, name: str) -> Profile:
    profile, found = _found(data, name)
    if found:
        raise BadFile(found)
    return profile


def _found(data: Any, name: str) -> tuple[Profile, list[str]]:
    """The profile, and what is wrong with it all the same. Raise BadFile when it is none."""
    try:
        profile = Profile.model_validate(data)
    except ValidationError as error:
        raise BadFile([mistakes.mistake(name, data, one) for one in error.errors()]) from None
    found = [mistakes.mistake(name, data, one) for one in checking.complaints(profile)]
    found += [
        f"{name}:{mistakes.line(data, ('channels', n))}: channels.{n}.kind: {one.kind!r} is not a channel; "
        f"there are {', '.join(sorted(CHANNELS))}"
        for n, one in enumerate(profile.channels)
        if one.kind not in CHANNELS and one.kind not in PLANNED
    ]
    return profile, found


def _notices(profile: Profile) -> tuple[str, ...]:
    planned = sorted({one.kind for one in profile.channels if one.kind in PLANNED})
    named = [f"channel {kind}" for kind in planned]
    named += [f"skill {name}" for name in checking.planned(profile)]
    return tuple(f"{name}: kept, but this version does not run it yet" for name in named)


def _document(root: Path, source: str) -> Document:
    if Path(source).is_absolute() or ".." in Path(source).parts:
        raise ValueError(f"write it relative to {root}, without ..")
    path = (root / source).resolve()
    if not path.is_relative_to(root.resolve()):
        raise ValueError(f"lies outside {root}")
    if path.suffix not in (".md", ".txt"):
        raise ValueError("only .md and .txt can be read")
    try:
        original = path.read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read below {root}: {error.strerror}") from None
    if len(original) > LARGEST:
        raise ValueError(f"is larger than {LARGEST:,} bytes; cut it in several files")
    return document(source, original)


def document(source: str, original: bytes) -> Document:
    """Its passages, from its bytes. Raise ValueError for what is not text."""
    try:
        text = original.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 (byte {error.start}); save it as UTF-8") from None
    if "\0" in text:
        raise ValueError("holds a NUL character, so it is no text; save it as UTF-8")
    title = title_of(text, Path(source).stem.replace("_", " ").capitalize())
    return Document(source, title, chunk(text), original)


async def apply(rt: Runtime, file: WorkspaceFile, credentials: dict[str, str] | None = None) -> UUID:
    """Create the workspace, or bring it up to the file. `credentials` are for channels without their own."""
    return await apply_to(rt.db, file, credentials or {})


async def apply_to(db: Database, file: WorkspaceFile, credentials: dict[str, str]) -> UUID:
    workspace_id = await find(db, file)
    if workspace_id is None:
        workspace_id = new_id()
        async with db.found(workspace_id) as tx:
            await workspaces.add(tx, file.profile)
    async with db.transaction(workspace_id) as tx:
        await put(tx, file, credentials)
    return workspace_id


async def find(db: Database, file: WorkspaceFile) -> UUID | None:
    """The workspace that this file speaks of, if it is there already."""
    async with db.dispatch() as dispatch:
        return await workspaces.by_slug(dispatch, file.profile.workspace.slug)


async def put(
    tx: Tx,
    file: WorkspaceFile,
    credentials: dict[str, str],
    *,
    actor: str = "file",
    person_id: UUID | None = None,
    documents: bool = True,
) -> list[Unkept]:
    """Bring the workspace up to the file; without `documents` its knowledge stays as it is. A channel that the file no
    longer names sends nothing more; one without credentials in the file keeps those it has. Returns what open
    conversations could not keep."""
    was = (await workspaces.get(tx)).profile
    await workspaces.replace_profile(tx, file.profile, actor)
    unkept = await refit(tx, was, file.profile, person_id)
    standing = {(one.kind, one.address): one for one in await channels.listed(tx)}
    for channel in (one for one in file.profile.channels if one.kind in CHANNELS):
        before = standing.pop((channel.kind, channel.address), None)
        kept = dict(before.credentials) if before else {}
        given = credentials if channel.kind.startswith("twilio") else {}
        channel_id = await _put_channel(tx, channel, channel.credentials or given or kept)
        if CHANNELS[channel.kind].templates:
            await templates.put(tx, channel_id, file.profile.templates)
        if before and before.state_reason == NOT_IN_FILE:
            await channels.resume(tx, channel_id)
    for gone in standing.values():
        await channels.suspend(tx, gone.id, NOT_IN_FILE)
    if not documents:
        return unkept
    for one in file.documents:
        await knowledge.put(tx, one.source, one.title, one.chunks, one.original)
    await knowledge.keep_only(tx, [one.source for one in file.documents])
    return unkept


def settings_of(channel: ChannelSettings) -> dict[str, Any]:
    """What the channel's own row keeps of its part of the file."""
    settings: dict[str, Any] = {"per_second": channel.per_second, "max_segments": channel.max_segments}
    if CHANNELS[channel.kind].hosted:
        settings |= {"per_second": UNHURRIED, "origins": list(channel.origins)}
    if channel.debounce is not None:
        settings["debounce_s"] = channel.debounce.total_seconds()
    if channel.debounce_max is not None:
        settings["debounce_max_s"] = channel.debounce_max.total_seconds()
    return settings


async def _put_channel(tx: Tx, channel: ChannelSettings, credentials: Mapping[str, str]) -> UUID:
    return await channels.put(tx, channel.kind, channel.address, credentials, settings_of(channel))
