"""Stories about a CRM: connected when they begin, what people type there, and who stands there in the end."""

from typing import Any
from uuid import UUID

from frontdesk.stories import compare
from frontdesk.stories.stage import Stage
from store import crm_links


async def prepare(stage: Stage, workspace_id: UUID, *, wanted: bool) -> None:
    """An empty one; the business has a token of it where the story says so."""
    here = stage.crm.state
    here.forget()
    here.hook_url = f"{stage.rt.settings.public_url}/hooks/gohighlevel"
    if wanted:
        async with stage.rt.db.transaction(workspace_id) as tx:
            await crm_links.connect(tx, here.config.location, here.config.token)


async def act(stage: Stage, wish: dict[str, Any]) -> None:
    """Somebody there: {new: fields}, or to whoever came last {set: fields}, {tag: […]}, {untag: […]}, {dnd: true},
    {delete: true}. The CRM tells it."""
    here = stage.crm.state
    verb, given = next(iter(wish.items()))
    last = list(here.contacts)[-1] if here.contacts else ""
    match verb:
        case "new":
            here.person_adds(**given)
        case "set":
            here.person_sets(last, **given)
        case "tag":
            here.person_tags(last, add=tuple(given))
        case "untag":
            here.person_tags(last, remove=tuple(given))
        case "dnd":
            here.person_stops(last)
        case "delete":
            here.person_deletes(last)
        case _:
            raise ValueError(f"nobody can {verb!r} in a CRM")
    await here.deliver()


def check(stage: Stage, wanted: list[Any]) -> list[str]:
    """Everybody there, who came first, first; each by the keys that the story names: fields of theirs, custom ones by
    their key, `tags` by the alphabet, `dnd`, and `notes`: how many."""
    got = [
        {
            **one.fields,
            **one.custom,
            "tags": sorted(one.tags),
            "dnd": one.dnd.get("SMS") == "active",
            "notes": len(one.notes),
        }
        for one in stage.crm.state.contacts.values()
    ]
    if len(got) != len(wanted):
        return [f"crm: expected {len(wanted)} contacts, got {len(got)}: {got}"]
    return [
        problem
        for n, (expected, actual) in enumerate(zip(wanted, got, strict=True))
        for problem in compare.values(f"crm[{n}]", expected, actual)
    ]
