"""A person says which schema a conversation fills."""

from dataclasses import dataclass, field
from uuid import UUID
from zoneinfo import ZoneInfo

from admin_api.auth import Here
from dialogue.schemas import use
from domain.errors import FieldError, Invalid
from domain.rules.effects import SetStatus
from domain.turn import Conversation, Turn, UseSchema
from domain.workspace import Profile
from store import audit, contexts, conversations, events, ruling, schemas, workspaces
from store.db import Tx

NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Gone:
    """The fields whose values left the context, and those whose values came back."""

    left: list[str] = field(default_factory=list)
    back: list[str] = field(default_factory=list)


async def choose(tx: Tx, here: Here, context_id: UUID, name: str | None, why: str) -> Gone:
    """The conversation is held. None takes the choice back, to the workspace's first. Raise Invalid for a name that no
    schema has."""
    profile = (await workspaces.get(tx)).profile
    known = [one.name for one in profile.schemas]
    if name is not None and name not in known:
        said = f"there is no schema {name!r}; there are {', '.join(known) or 'none'}"
        raise Invalid("there is no such schema", errors=[FieldError("/to", said)])
    turn = await _turn(tx, context_id, profile)
    if not known or turn.standing.schema == (name or ""):
        return Gone()
    place = await contexts.newest(tx, context_id)
    after = use(turn, name or known[0], "human", why, here.caller.actor, keep=name is not None)
    effect = next(one for one in after.effects if isinstance(one, UseSchema))
    await schemas.use(tx, context_id, effect, None, here.caller.person_id)
    for one in after.effects:
        if isinstance(one, SetStatus):
            await ruling.set_status(tx, context_id, one)
    told = {"before": turn.profile.schemas[0].name, "schema": after.profile.schemas[0].name}
    await audit.add(tx, here.caller.actor, "schema_chosen", "conversation", context_id, **told)
    gone = Gone([name for name in effect.left if name in turn.context], list(effect.back))
    if changed := [*gone.left, *gone.back]:
        fields = ",".join(changed)
        await events.add(tx, "context.changed", context_id, context_id, fields=fields, after=place)
    return gone


async def _turn(tx: Tx, context_id: UUID, profile: Profile) -> Turn:
    """The conversation as it stands, without its words."""
    held = await conversations.get(tx, context_id)
    standing = await ruling.standing(tx, held.id, held.contact_id, profile)
    talk = Conversation(held.id, NOBODY, held.contact_id, NOBODY, "", 0)
    return Turn(
        talk,
        profile.using(standing.schema),
        (),
        tx.now.astimezone(ZoneInfo(profile.workspace.timezone)),
        context=await contexts.values(tx, held.id),
        put_by=await schemas.put_by(tx, held.id) if standing.schema else {},
        standing=standing,
    )
