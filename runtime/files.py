"""A workspace's YAML file: read, checked as a whole, and made so. Nothing is applied unless all of it is valid."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedBase
from ruamel.yaml.error import MarkedYAMLError

from channels.registry import CHANNELS
from domain.workspace import ChannelSettings, Profile
from knowledge.chunk import chunk, title_of
from runtime.runtime import Runtime
from store import channels, knowledge, workspaces
from store.db import Database, Tx, new_id
from store.knowledge import Chunk

LARGEST = 1_000_000  # bytes of one knowledge file
PLANNED = frozenset({"twilio_whatsapp", "meta_whatsapp", "webchat", "twilio_voice", "email"})
"""Channels that a file may name already; this version keeps them and does not open them."""


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


@dataclass(frozen=True, slots=True)
class WorkspaceFile:
    """A valid file with the documents that it names."""

    profile: Profile
    documents: tuple[Document, ...] = ()
    notices: tuple[str, ...] = field(default=())
    """What the file asks for that this version keeps but does not do."""


def read(path: Path, root: Path | None = None) -> WorkspaceFile:
    """The file at `path`; the documents it names are looked for below `root` (the working directory). Raise
    BadFile."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile([f"{path}: cannot be read: {error}"]) from None
    try:
        data = YAML().load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise BadFile([f"{path}:{line}: this is not YAML: {error.problem}"]) from None
    return check(data, str(path), root or Path.cwd())


def check(data: Any, name: str, root: Path) -> WorkspaceFile:
    """A mapping in the file's shape, made into a profile. Raise BadFile."""
    try:
        profile = Profile.model_validate(data)
    except ValidationError as error:
        raise BadFile([_mistake(name, data, one) for one in error.errors()]) from None
    mistakes = [
        f"{name}:{_line(data, ('channels', n))}: channels.{n}.kind: {one.kind!r} is not a channel; "
        f"there are {', '.join(sorted(CHANNELS))}"
        for n, one in enumerate(profile.channels)
        if one.kind not in CHANNELS and one.kind not in PLANNED
    ]
    documents = []
    for n, source in enumerate(profile.knowledge):
        try:
            documents.append(_document(root, source))
        except (OSError, UnicodeDecodeError, ValueError) as error:
            mistakes.append(f"{name}:{_line(data, ('knowledge', n))}: knowledge.{n}: {source}: {error}")
    if mistakes:
        raise BadFile(mistakes)
    return WorkspaceFile(profile, tuple(documents), _notices(profile))


def _notices(profile: Profile) -> tuple[str, ...]:
    asked = {
        "rules": profile.rules,
        "skills": profile.skills,
        "workflow": profile.schemas and profile.schemas[0].workflow,
    }
    planned = sorted({one.kind for one in profile.channels if one.kind in PLANNED})
    named = [name for name, value in asked.items() if value] + [f"channel {kind}" for kind in planned]
    return tuple(f"{name}: kept, but this version does not run it yet" for name in named)


def _document(root: Path, source: str) -> Document:
    path = (root / source).resolve()
    if not path.is_relative_to(root.resolve()):
        raise ValueError(f"lies outside {root}")
    if path.suffix not in (".md", ".txt"):
        raise ValueError("only .md and .txt can be read")
    if path.stat().st_size > LARGEST:
        raise ValueError(f"is larger than {LARGEST:,} bytes")
    text = path.read_text(encoding="utf-8")
    return Document(source, title_of(text, path.stem.replace("_", " ").capitalize()), chunk(text))


def _mistake(name: str, data: Any, error: Any) -> str:
    where = tuple(
        part for part in error["loc"] if isinstance(part, int) or part in _keys(data, error["loc"], part)
    )
    path = ".".join(str(part) for part in error["loc"])
    said = error["msg"].removeprefix("Value error, ")
    return f"{name}:{_line(data, where)}: {path or 'the file'}: {said}"


def _keys(data: Any, location: tuple[Any, ...], part: Any) -> tuple[Any, ...]:
    """`part` when it is a key on the way to `location`; pydantic also names types there."""
    for step in location:
        if not isinstance(data, dict | list):
            return ()
        if step == part and isinstance(data, dict) and part in data:
            return (part,)
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return ()
    return ()


def _line(data: Any, location: tuple[Any, ...]) -> int:
    """The line (from 1) of what lies at `location`, or of the nearest thing around it."""
    line = 1
    for step in location:
        if not isinstance(data, CommentedBase):
            break
        try:
            mark = data.lc.value(step) if isinstance(data, dict) else data.lc.item(step)
            line, data = mark[0] + 1, data[step]  # type: ignore[index]
        except (KeyError, IndexError, TypeError, AttributeError):
            break
    return line


async def apply(rt: Runtime, file: WorkspaceFile, credentials: dict[str, str] | None = None) -> UUID:
    """Create the workspace, or bring it up to the file. `credentials` are for channels without their own."""
    return await apply_to(rt.db, file, credentials or {})


async def apply_to(db: Database, file: WorkspaceFile, credentials: dict[str, str]) -> UUID:
    async with db.dispatch() as dispatch:
        workspace_id = await workspaces.by_slug(dispatch, file.profile.workspace.slug)
    if workspace_id is None:
        workspace_id = new_id()
        async with db.found(workspace_id) as tx:
            await workspaces.add(tx, file.profile)
    async with db.transaction(workspace_id) as tx:
        await workspaces.replace_profile(tx, file.profile)
        for channel in (one for one in file.profile.channels if one.kind in CHANNELS):
            await _put_channel(tx, channel, credentials)
        for document in file.documents:
            await knowledge.put(tx, document.source, document.title, document.chunks)
        await knowledge.keep_only(tx, [document.source for document in file.documents])
    return workspace_id


async def _put_channel(tx: Tx, channel: ChannelSettings, credentials: dict[str, str]) -> None:
    settings: dict[str, Any] = {"per_second": channel.per_second, "max_segments": channel.max_segments}
    if channel.debounce is not None:
        settings["debounce_s"] = channel.debounce.total_seconds()
    if channel.debounce_max is not None:
        settings["debounce_max_s"] = channel.debounce_max.total_seconds()
    await channels.put(tx, channel.kind, channel.address, channel.credentials or credentials, settings)
