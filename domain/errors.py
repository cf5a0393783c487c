"""Every error we raise on purpose, one family per catcher. Anything else is a bug and surfaces.

FrontdeskError
├── Rejected            the caller is wrong            → webhooks / admin_api: a status and a stable code
│   ├── BadSignature    403
│   ├── BadPayload      400
│   ├── Invalid         422   names the field by JSON pointer
│   ├── Unauthenticated 401
│   ├── NotPermitted    403
│   ├── NotFound        404   also another workspace's id
│   ├── Conflict        409
│   └── TooMany         429   says when to come back
├── SendFailed          the provider did not take it   → workers.deliver: a delivery state
│   └── SendUnknown     nobody can say whether it did  → reconciled, never blindly resent
└── TurnFailed          the turn could not be finished → workers.turns: tried again, then a person
    └── ModelFailed     a model gave no usable answer  → dialogue: the next model, then what needs none
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from domain.llm import Usage


class FrontdeskError(Exception):
    """The root. `code` is stable and safe to show; the message is for people and holds no personal data."""

    code = "internal"


@dataclass(frozen=True, slots=True)
class FieldError:
    pointer: str
    detail: str


class Rejected(FrontdeskError):
    """The caller's fault."""

    code = "rejected"
    http_status = 400

    def __init__(
        self, detail: str = "", *, code: str | None = None, errors: Sequence[FieldError] = ()
    ) -> None:
        super().__init__(detail or (type(self).__doc__ or ""))
        self.detail = detail or (type(self).__doc__ or "")
        self.errors = tuple(errors)
        if code:
            self.code = code


class BadSignature(Rejected):
    """The request is not signed by the provider it claims to come from."""

    code, http_status = "bad_signature", 403


class BadPayload(Rejected):
    """The request is signed but is not what the provider documents."""

    code, http_status = "bad_payload", 400


class Invalid(Rejected):
    """A value is not acceptable."""

    code, http_status = "invalid", 422


class Unauthenticated(Rejected):
    """No valid credential was sent."""

    code, http_status = "unauthenticated", 401


class NotPermitted(Rejected):
    """This credential may not do that."""

    code, http_status = "not_permitted", 403


class NotFound(Rejected):
    """There is no such thing here."""

    code, http_status = "not_found", 404


class Conflict(Rejected):
    """The thing has changed, or was already decided."""

    code, http_status = "conflict", 409


class TooMany(Rejected):
    """Too many requests."""

    code, http_status = "too_many_requests", 429

    def __init__(self, detail: str, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class Disposition(StrEnum):
    """What to do about a failed send. Read from each provider's table of codes."""

    RETRY = "retry"  # transient: again later, full jitter
    GIVE_UP = "give_up"  # this message will never arrive
    SUPPRESS = "suppress"  # this number must not be written to again
    NEEDS_TEMPLATE = "needs_template"  # the window is over: it waits until the customer writes again
    ALARM = "alarm"  # our configuration is wrong: stop the channel, tell a person


class SendFailed(FrontdeskError):
    """The provider refused, or could not be reached before it had the message."""

    code = "send_failed"

    def __init__(
        self,
        disposition: Disposition,
        *,
        provider_code: str | None = None,
        http_status: int | None = None,
        retry_after_s: float | None = None,
        opted_out: bool = False,
        detail: str = "",
    ) -> None:
        super().__init__(detail or f"{disposition} (provider code {provider_code}, HTTP {http_status})")
        self.disposition = disposition
        self.provider_code = provider_code
        self.http_status = http_status
        self.retry_after_s = retry_after_s
        self.opted_out = opted_out


class SendUnknown(SendFailed):
    """The request left us and no answer came back: it may or may not have been accepted."""

    code = "send_unknown"

    def __init__(self, detail: str = "") -> None:
        super().__init__(Disposition.RETRY, detail=detail or "no answer after the request was sent")


class TurnFailed(FrontdeskError):
    """A turn could not be finished."""

    code = "turn_failed"


class Trouble(StrEnum):
    """Why a model gave no answer that can be used."""

    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    RATE_LIMITED = "rate_limited"
    OVERLOADED = "overloaded"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    LOOPING = "looping"
    BAD_JSON = "bad_json"
    AUTH = "auth"
    BAD_REQUEST = "bad_request"
    BUDGET = "budget"
    RESTING = "resting"


class ModelFailed(TurnFailed):
    """A language model gave no usable answer. `retry_after_s` is what the provider asked for; `usage` what the
    useless answer cost, where the provider said so."""

    code = "model_failed"

    def __init__(
        self,
        trouble: Trouble,
        model: str,
        detail: str = "",
        *,
        retry_after_s: float | None = None,
        usage: "Usage | None" = None,
        status: int | None = None,
    ) -> None:
        super().__init__(f"{model}: {trouble}{f' ({detail})' if detail else ''}")
        self.trouble, self.model, self.detail = trouble, model, detail
        self.retry_after_s, self.usage, self.status = retry_after_s, usage, status
