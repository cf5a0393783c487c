"""What the tests of the Twilio simulator share: a receiver of webhooks, polling, the SDK led astray."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from twilio.http.http_client import TwilioHttpClient

from simulators.twilio import Config

OWNED, CUSTOMER = "+15125550100", "+14155550123"
SID, TOKEN = Config().account_sid, Config().auth_token


@dataclass
class Hit:
    url: str
    params: dict[str, str]
    headers: dict[str, str]


@dataclass
class Receiver:
    """Our side of the webhooks: keeps every hit and answers with `answers` in turn, then with empty TwiML."""

    url: str = ""
    hits: list[Hit] = field(default_factory=list)
    answers: list[Response] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        fields = request.query_params if request.method == "GET" else await request.form()
        params = {key: str(value) for key, value in fields.multi_items()}
        self.hits.append(Hit(self.url + request.url.path + _query(request), params, dict(request.headers)))
        return self.answers.pop(0) if self.answers else twiml("<Response/>")

    def statuses(self) -> list[str]:
        return [hit.params["MessageStatus"] for hit in self.hits if "MessageStatus" in hit.params]


def _query(request: Request) -> str:
    return f"?{request.url.query}" if request.url.query else ""


def twiml(text: str) -> Response:
    return Response(text, media_type="text/xml")


async def until(true: Callable[[], Any], seconds: float = 5) -> None:
    """Poll until it is so."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it never became true"
        await asyncio.sleep(0.003)


class Rewriting(TwilioHttpClient):
    """The SDK's own client, led to the simulator instead of api.twilio.com."""

    def __init__(self, url: str) -> None:
        super().__init__(timeout=5)
        self.url = url

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        return super().request(method, url.replace("https://api.twilio.com", self.url), *args, **kwargs)
