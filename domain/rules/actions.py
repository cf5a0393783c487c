"""What a rule may do: the shape of each action, one key each. How it is done is dialogue's and the store's."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from domain.workspace import Duration, Model, Name

PRIORITIES = ("low", "normal", "high", "urgent")
Tag = Annotated[str, Field(pattern=r"^[\w][\w .:-]{0,39}$")]
Words = Annotated[str, Field(min_length=1, max_length=1600)]


class Notify(Model):
    """People of the business are told. `text` may hold {{contact.name}}, {{message.text}}, {{service}}…"""

    roles: tuple[Literal["owner", "admin", "agent", "viewer"], ...] = ("owner",)
    people: tuple[str, ...] = ()
    text: Words


class SetField(Model):
    field: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]
    value: Any


class RunSkill(Model):
    skill: Name
    goal: str = ""


class HandOff(Model):
    reason: str = "rule"
    text: str = ""


class Webhook(Model):
    """Signed as Standard Webhooks say. `data` is sent beside the ids of what happened."""

    url: Annotated[str, Field(pattern=r"^https?://", max_length=2000)]
    data: dict[str, str] = Field(default_factory=dict)


class Action(Model):
    """Exactly one of these keys."""

    notify: Notify | None = None
    set_field: SetField | None = None
    set_status: str | None = None
    set_schema: str | None = None
    """The conversation fills this schema from here on; what both have stays."""
    add_tag: Tag | None = None
    remove_tag: Tag | None = None
    set_priority: Literal["low", "normal", "high", "urgent"] | None = None
    assign: str | None = None
    """A person's e-mail, or a role: the conversation is theirs to look after; the assistant goes on."""
    reply: Words | None = None
    """Sent to the customer through policy and gate."""
    run_skill: RunSkill | None = None
    hand_off: HandOff | None = None
    webhook: Webhook | None = None
    wait: Duration | None = None
    """The rest happens after this, if the conditions still hold then."""
    stop: bool | None = None
    """No rule after this one is looked at for the same event."""

    @field_validator("set_field", mode="before")
    @classmethod
    def _short_field(cls, value: Any) -> Any:
        """{set_field: {budget: 450000}} is short for {set_field: {field: budget, value: 450000}}."""
        if isinstance(value, dict) and len(value) == 1 and "field" not in value:
            name, told = next(iter(value.items()))
            return {"field": name, "value": told}
        return value

    @field_validator("run_skill", mode="before")
    @classmethod
    def _short_skill(cls, value: Any) -> Any:
        return {"skill": value} if isinstance(value, str) else value

    @field_validator("hand_off", mode="before")
    @classmethod
    def _short_hand_off(cls, value: Any) -> Any:
        return {} if value is True else {"reason": value} if isinstance(value, str) else value

    @field_validator("notify", mode="before")
    @classmethod
    def _short_notify(cls, value: Any) -> Any:
        return {"text": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _exactly_one(self) -> "Action":
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            known = ", ".join(type(self).model_fields)
            raise ValueError(f"an action has exactly one of {known}; this has {', '.join(given) or 'none'}")
        return self

    @property
    def kind(self) -> str:
        return next(name for name in type(self).model_fields if getattr(self, name) is not None)

    @property
    def told(self) -> Any:
        return getattr(self, self.kind)
