"""What a running `frontdesk up` tells the demo phone, the terminal phone and `trigger`: `up.json` in the data
directory. It holds API keys and is readable by its owner only."""

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


class BadDemo(Exception):
    """up.json is there but not as we write it; the message says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Business:
    """One demo workspace: where to text it, and the key of its owner."""

    slug: str
    id: str
    name: str
    number: str
    channel_id: str
    api_key: str = field(repr=False)
    chat_id: str = ""
    """Its web chat's channel; "" when it has none."""


@dataclass(frozen=True, slots=True)
class Demo:
    """`simulator_url` is "" when no demo is loaded, `redis_url` when there is no Redis."""

    url: str
    simulator_url: str
    pid: int
    workspaces: tuple[Business, ...] = ()
    database_url: str = field(default="", repr=False)
    redis_url: str = field(default="", repr=False)
    public_url: str = ""
    """What providers call; signatures are checked against it."""

    def find(self, name: str) -> Business | None:
        """The business with this slug, id, or number."""
        return next((one for one in self.workspaces if name in (one.slug, one.id, one.number)), None)


def file(data_dir: Path) -> Path:
    return data_dir / "up.json"


def read(data_dir: Path) -> Demo | None:
    """None when nothing is up. Raise BadDemo when the file is damaged."""
    try:
        text = file(data_dir).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise BadDemo(_broken(data_dir, f"it cannot be read ({type(error).__name__})")) from None
    try:
        return _demo(json.loads(text))
    except (ValueError, TypeError, KeyError) as error:
        raise BadDemo(_broken(data_dir, f"{type(error).__name__}: {error}")) from None


def write(data_dir: Path, demo: Demo) -> None:
    """Whole or not at all."""
    data_dir.mkdir(parents=True, exist_ok=True)
    new = file(data_dir).with_suffix(".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        json.dump(asdict(demo), opened, indent=2)
        opened.flush()
        os.fsync(opened.fileno())
    new.replace(file(data_dir))


def remove(data_dir: Path) -> None:
    file(data_dir).unlink(missing_ok=True)


def _demo(data: Any) -> Demo:
    """Names that a newer version may have added are passed over."""
    workspaces = tuple(_business(one) for one in data["workspaces"])
    url, simulator_url = _text(data, "url"), _text(data, "simulator_url")
    return Demo(
        url,
        simulator_url,
        int(data["pid"]),
        workspaces,
        *(_maybe(data, n) for n in ("database_url", "redis_url", "public_url")),
    )


def _business(data: Any) -> Business:
    return Business(
        *(_text(data, name) for name in ("slug", "id", "name", "number", "channel_id", "api_key")),
        *(_maybe(data, name) for name in ("chat_id",)),
    )


def _text(data: Any, name: str) -> str:
    if not isinstance(value := data[name], str):
        raise TypeError(f"{name} is not a text")
    return value


def _maybe(data: Any, name: str) -> str:
    return _text(data, name) if data.get(name) else ""


def _broken(data_dir: Path, what: str) -> str:
    return f"{file(data_dir)} is damaged: {what}; stop frontdesk and start it again (make run)"
