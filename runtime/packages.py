"""Industry packages: the businesses of demos/, each the beginning of another one's own. What is read is a workspace's
file like any other; what is begun is one too, under another name."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from domain.workspace import ChannelSettings, Hours, Identity, Profile
from runtime import files
from runtime.files import BadFile, Document, WorkspaceFile

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "demos"


@dataclass(frozen=True, slots=True)
class Beginning:
    """A business's own file, made from a package. `samples` are the package's documents under its name: another
    business's prices and addresses until somebody has been through them, so they are not in `file` unless wished for."""

    file: WorkspaceFile
    samples: tuple[Document, ...]


def names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def path(name: str) -> Path:
    """Raise BadFile when there is none of this name."""
    if name not in names():
        raise BadFile([f"there is no package {name!r}; there are {', '.join(names())}"])
    return FOLDER / f"{name}.yaml"


@lru_cache(maxsize=32)
def read(name: str) -> WorkspaceFile:
    """As it stands. Raise BadFile."""
    return files.read(path(name), ROOT)


def about(name: str) -> str:
    """What the head of its file says it is."""
    lines = path(name).read_text(encoding="utf-8").splitlines()
    return " ".join(line.removeprefix("#").strip() for line in _head(lines))


def begin(
    name: str,
    own: Identity,
    hours: Hours | None = None,
    channels: tuple[ChannelSettings, ...] = (),
    *,
    samples: bool = False,
) -> Beginning:
    """The package as this business: its own name wherever the sample's stood, its zone, hours and channels; fields,
    statuses, rules, policy, words and skills as they are. Raise BadFile."""
    sample = read(name)
    was, now = (json.dumps(one)[1:-1] for one in (sample.profile.workspace.name, own.name))
    data = json.loads(
        sample.profile.model_dump_json(exclude={"workspace", "channels", "knowledge"}).replace(was, now)
    )
    identity = own if own.industry != "general" else own.model_copy(update={"industry": _industry(sample)})
    documents = tuple(_renamed(one, sample.profile.workspace.name, own.name) for one in sample.documents)
    data |= {"workspace": identity.model_dump(), "channels": [one.model_dump() for one in channels]}
    data |= {"knowledge": [one.source for one in documents] if samples else []}
    if hours is not None:
        data["hours"] = hours.model_dump()
    profile = Profile.model_validate(data)
    return Beginning(WorkspaceFile(profile, documents if samples else ()), documents)


def _head(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if not line.startswith("#"):
            return
        yield line


def _industry(sample: WorkspaceFile) -> str:
    return sample.profile.workspace.industry


def _renamed(one: Document, was: str, now: str) -> Document:
    """Beside the business's own file, and under its name."""
    text = one.original.decode("utf-8-sig").replace(was, now)
    return files.document(f"knowledge/{Path(one.source).name}", text.encode())
