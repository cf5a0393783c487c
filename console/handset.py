"""The customer's telephone: what the demo phone asks of the simulator's handsets."""

import re
from typing import Any

import httpx2
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response

from console.loopback import Away
from domain.errors import BadPayload, FieldError, Invalid, NotFound

Json = dict[str, Any]
Http = httpx2.AsyncClient  # noqa: TID251 - named here as a type

LARGEST = 8_000_000  # bytes of a request: 5 MB of picture, as base64
SEND_S = 20.0
"""The simulator answers only when the business's webhook has."""
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_NUMBER = r"^\+[1-9][0-9]{6,14}$"
_SID = re.compile(r"[A-Z]{2}[0-9a-f]{32}")


class Attachment(BaseModel):
    model_config = ConfigDict(extra="forbid")

    content_type: str = Field(pattern=r"^[a-z]+/[a-z0-9.+-]+$", max_length=100)
    data_base64: str
    name: str = Field(default="", max_length=200)


class Text(BaseModel):
    """What somebody presses send on."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    sender: str = Field(alias="from", pattern=_NUMBER)
    to: str = Field(pattern=_NUMBER)
    text: str = Field(default="", max_length=1600)
    media: list[Attachment] = Field(default_factory=list, max_length=10)


class Handset:
    """One simulator; any number may pick up a phone there."""

    def __init__(self, http: Http, simulator_url: str) -> None:
        self._http, self._url = http, simulator_url

    async def send(self, text: Text) -> Json:
        """`delivered` is False when the business's webhook did not take it."""
        if not text.text.strip() and not text.media:
            raise Invalid(
                "there is nothing to send",
                errors=[FieldError("/text", "write something, or attach a picture")],
            )
        body = {"to": text.to, "body": text.text, "media": [one.model_dump() for one in text.media]}
        said = await self._ask("POST", f"/sim/handsets/{text.sender}/messages", json=body, timeout=SEND_S)
        hooks = said["webhook"]
        return {"sid": said["sid"], "delivered": bool(hooks) and 200 <= (hooks[0]["status"] or 0) < 300}

    async def screen(self, number: str, peer: str, after: int) -> Json:
        """The messages between the two, in order; `direction` is the phone's own."""
        if not (re.match(_NUMBER, number) and re.match(_NUMBER, peer)):
            raise Invalid("number and with must be telephone numbers like +15125550123")
        query = {"with": peer, "after": str(after)}
        said = await self._ask("GET", f"/sim/handsets/{number}/messages", params=query)
        return {"messages": [_line(one) for one in said["messages"]]}

    async def picture(self, account: tuple[str, str], message_sid: str, media_sid: str) -> Response:
        """Its bytes, got as Twilio's customers get them. Raise NotFound for anything but a picture."""
        if not (_SID.fullmatch(message_sid) and _SID.fullmatch(media_sid)):
            raise NotFound("there is no such picture")
        path = f"/2010-04-01/Accounts/{account[0]}/Messages/{message_sid}/Media/{media_sid}"
        try:
            found = await self._http.get(self._url + path, auth=account)
            if found.status_code == 307:
                found = await self._http.get(found.headers["location"])
        except httpx2.HTTPError:
            raise _away() from None
        kind = found.headers.get("content-type", "")
        if found.status_code != 200 or kind not in PICTURES:
            raise NotFound("there is no such picture")
        return Response(
            found.content, media_type=kind, headers={"Content-Security-Policy": "default-src 'none'; sandbox"}
        )

    async def _ask(self, method: str, path: str, **more: Any) -> Json:
        if not self._url:
            raise _away()
        try:
            answer = await self._http.request(method, self._url + path, **more)
            said: Json = answer.json()
        except (httpx2.HTTPError, ValueError):
            raise _away() from None
        if answer.status_code == 400:
            raise Invalid(
                f"the telephone network refuses: {said.get('error', 'no reason given')}", code="refused"
            )
        if answer.status_code != 200:
            raise _away()
        return said


def read_text(body: bytes, content_type: str) -> Text:
    """Raise BadPayload, or Invalid with the fields."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise BadPayload("send application/json")
    try:
        return Text.model_validate_json(body)
    except ValidationError as error:
        fields = [FieldError("/" + "/".join(map(str, one["loc"])), one["msg"]) for one in error.errors()]
        raise Invalid("this cannot be sent", errors=fields) from None


def _away() -> Away:
    return Away(
        "the simulated telephone network does not answer; is `frontdesk up` still running?",
        code="simulator_away",
    )


def _line(message: Json) -> Json:
    """Without addresses inside the simulator, which a page has no use for."""
    media = [
        {"sid": one["sid"], "content_type": one["content_type"], "name": one["name"]}
        for one in message["media"]
    ]
    return {**message, "media": media}
