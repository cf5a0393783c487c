"""A feed's appointments as its subscribers see them."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from domain.booking import BookingSettings
from domain.calendars import Entry, title
from domain.workspace import Profile
from integrations import ical
from store import feeds, workspaces
from store.db import Tx
from store.feeds import Feed, Row


@dataclass(frozen=True, slots=True)
class Document:
    body: bytes
    etag: str
    changed_at: datetime


async def read(tx: Tx, secret: str) -> Document | None:
    """None when there is no such feed, or the business books nothing any more."""
    feed = await feeds.find(tx, secret)
    profile = (await workspaces.get(tx)).profile
    if feed is None or "booking" not in profile.skills:
        return None
    settings = BookingSettings.model_validate(profile.skills["booking"])
    entries = [_entry(row, feed, profile, settings) for row in await feeds.rows(tx, feed.resource)]
    name = " · ".join(filter(None, (profile.workspace.name, feed.resource.replace("*", ""))))
    body = ical.feed(name, entries)
    return Document(body, f'"{sha256(body).hexdigest()[:32]}"', await feeds.changed_at(tx, feed.id))


def _entry(row: Row, feed: Feed, profile: Profile, settings: BookingSettings) -> Entry:
    said = title(feed.tells, settings, profile.assistant.languages[0], row.service, row.resource, row.name)
    return Entry(row.id, row.start, row.end, said, row.state == "cancelled", row.version, row.updated_at)
