"""Anthropic's Messages API.

https://platform.claude.com/docs/en/api/messages, …/build-with-claude/structured-outputs, …/streaming, …/api/errors
"""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import anthropic
import httpx2

from domain.errors import ModelFailed, Trouble
from domain.llm import Answer, Finish, Piece, Request, Usage

Http = httpx2.AsyncClient  # noqa: TID251  (the name for types; nobody here opens one)
BASE_URL = "https://api.anthropic.com"
WAYS = ("format", "tool")
"""Structured output proper; for models without it, a tool that must be used."""
_BY_STATUS = {
    401: Trouble.AUTH, 402: Trouble.AUTH, 403: Trouble.AUTH, 408: Trouble.TIMEOUT, 409: Trouble.OVERLOADED,
    429: Trouble.RATE_LIMITED,
}  # fmt: skip
_BY_TYPE = {
    "authentication_error": Trouble.AUTH, "permission_error": Trouble.AUTH, "billing_error": Trouble.AUTH,
    "rate_limit_error": Trouble.RATE_LIMITED, "overloaded_error": Trouble.OVERLOADED,
    "api_error": Trouble.OVERLOADED, "timeout_error": Trouble.TIMEOUT, "invalid_request_error": Trouble.BAD_REQUEST,
}  # fmt: skip
_FINISHES = {
    "max_tokens": Finish.LENGTH, "model_context_window_exceeded": Finish.LENGTH, "refusal": Finish.REFUSED,
}  # fmt: skip


class Anthropic:
    """One model. Nothing here repeats itself: that is the chain's."""

    headroom = 0

    def __init__(self, name: str, key: str, base_url: str, http: Http) -> None:
        self._name, self._ways = name, list(WAYS)
        self._client = anthropic.AsyncAnthropic(
            api_key=key or "none", base_url=base_url or BASE_URL, http_client=http, max_retries=0
        )

    @property
    def model(self) -> str:
        return f"anthropic:{self._name}"

    async def check(self) -> str:
        """That the key opens the server and the model is there. Raise ModelFailed."""
        try:
            await self._client.models.retrieve(self._name, timeout=10)
        except anthropic.AnthropicError as error:
            raise self._failed(error) from error
        return "the key is accepted and the model is there"

    async def ask(self, request: Request) -> Answer:
        while True:
            way = self._ways[0]
            try:
                reply = await self._client.messages.create(**self._made(request, way))
                return self._read(_plain(reply), request)
            except anthropic.AnthropicError as error:
                if not self._step_down(way, error):
                    raise self._failed(error) from error
            except (httpx2.HTTPError, httpx2.InvalidURL) as error:
                raise _unheard(self.model, error) from error
            except ValueError as error:
                raise ModelFailed(Trouble.BAD_JSON, self.model, "the server's answer is not JSON") from error

    async def stream(self, request: Request) -> AsyncIterator[Piece]:
        try:
            async for piece in self._stream(request):
                yield piece
        except anthropic.AnthropicError as error:
            raise self._failed(error) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise _unheard(self.model, error) from error
        except ValueError as error:
            raise ModelFailed(Trouble.BAD_JSON, self.model, "an event of the stream is not JSON") from error

    async def _stream(self, request: Request) -> AsyncIterator[Piece]:
        """The message as it grows: each event says what to add to it."""
        message: dict[str, Any] = {"content": [], "usage": {}}
        async with await self._open(request) as events:
            async for event in events:
                said = _plain(event)
                match said.get("type"):
                    case "message_start":
                        message |= {"usage": dict((said.get("message") or {}).get("usage") or {})}
                    case "content_block_start":
                        message["content"].append(dict(said.get("content_block") or {}) | {"json": ""})
                    case "content_block_delta":
                        if words := _grow(message["content"], said.get("delta") or {}):
                            yield words
                    case "message_delta":
                        message |= {k: v for k, v in (said.get("delta") or {}).items() if v is not None}
                        message["usage"] |= {
                            k: v for k, v in (said.get("usage") or {}).items() if v is not None
                        }
                    case "message_stop":
                        yield self._read(_closed(message), request)
                        return
        raise ModelFailed(Trouble.UNREACHABLE, self.model, "the stream ended before the answer did")

    async def _open(self, request: Request) -> Any:
        while True:
            way = self._ways[0]
            try:
                return await self._client.messages.create(**self._made(request, way), stream=True)
            except anthropic.AnthropicError as error:
                if not self._step_down(way, error):
                    raise

    def _made(self, request: Request, way: str) -> dict[str, Any]:
        prompt, shape = request.prompt, request.prompt.shape
        made: dict[str, Any] = {
            "model": self._name, "system": prompt.system, "max_tokens": prompt.max_tokens, "timeout": request.seconds,
            "messages": [{"role": one.role, "content": one.text} for one in prompt.messages],
        }  # fmt: skip
        if shape is not None and way == "format":
            made["output_config"] = {"format": {"type": "json_schema", "schema": dict(shape.schema)}}
        elif shape is not None:
            made["tools"] = [
                {"name": shape.name, "description": "The answer.", "input_schema": dict(shape.schema)}
            ]
            made["tool_choice"] = {"type": "tool", "name": shape.name}
        return made

    def _step_down(self, way: str, error: anthropic.AnthropicError) -> bool:
        if way != self._ways[0]:
            return isinstance(error, anthropic.BadRequestError)  # another call has found out meanwhile
        fits = isinstance(error, anthropic.BadRequestError) and any(
            word in str(error.body) for word in ("output_config", "output_format", "structured output")
        )
        if fits and len(self._ways) > 1:
            del self._ways[0]
            return True
        return False

    def _read(self, reply: Mapping[str, Any], request: Request) -> Answer:
        blocks, shape = reply.get("content") or (), request.prompt.shape
        text = "".join(block.get("text") or "" for block in blocks if block.get("type") == "text")
        used = [block for block in blocks if block.get("type") == "tool_use"]
        if used and (shape is None or any(block.get("name") != shape.name for block in used)):
            raise ModelFailed(
                Trouble.BAD_JSON, self.model, "it used a tool that it was not given", usage=_usage(reply)
            )
        finish = _FINISHES.get(str(reply.get("stop_reason")), Finish.STOP)
        return Answer(json.dumps(used[0].get("input")) if used else text, _usage(reply), self.model, finish)

    def _failed(self, error: anthropic.AnthropicError) -> ModelFailed:
        if isinstance(error, anthropic.APITimeoutError):
            return ModelFailed(Trouble.TIMEOUT, self.model)
        if isinstance(error, anthropic.APIConnectionError):
            return ModelFailed(Trouble.UNREACHABLE, self.model, type(error.__cause__).__name__)
        if isinstance(error, anthropic.APIStatusError):
            return self._of_status(error)
        return ModelFailed(Trouble.BAD_JSON, self.model, type(error).__name__)

    def _of_status(self, error: anthropic.APIStatusError) -> ModelFailed:
        """An error in the middle of a stream comes with the status 200; its type tells."""
        status, kind = error.status_code, _type_of(error.body)
        usual = Trouble.OVERLOADED if status >= 500 or status == 200 else Trouble.BAD_REQUEST
        trouble = _BY_TYPE.get(kind) or _BY_STATUS.get(status, usual)
        after = _seconds(error.response.headers.get("retry-after"))
        detail = f"HTTP {status}{f', {kind}' if kind else ''}"
        return ModelFailed(trouble, self.model, detail, retry_after_s=after, status=status)


def _grow(blocks: list[dict[str, Any]], delta: Mapping[str, Any]) -> str:
    """Adds to the newest block; the words that were added."""
    if not blocks:
        return ""
    if delta.get("type") == "text_delta":
        words = str(delta.get("text") or "")
        blocks[-1]["text"] = (blocks[-1].get("text") or "") + words
        return words
    if delta.get("type") == "input_json_delta":
        blocks[-1]["json"] += delta.get("partial_json") or ""
        return str(delta.get("partial_json") or "")
    return ""


def _closed(message: dict[str, Any]) -> dict[str, Any]:
    """Tools' input comes as pieces of JSON. ValueError when together they are none."""
    for block in message["content"]:
        if block.get("type") == "tool_use" and block["json"]:
            block["input"] = json.loads(block["json"])
    return message


def _unheard(model: str, error: Exception) -> ModelFailed:
    """The connection failed below the SDK."""
    late = isinstance(error, httpx2.TimeoutException)
    return ModelFailed(Trouble.TIMEOUT if late else Trouble.UNREACHABLE, model, type(error).__name__)


def _plain(reply: Any) -> dict[str, Any]:
    if not hasattr(reply, "to_dict"):
        raise ValueError("no JSON object")
    said: dict[str, Any] = reply.to_dict(mode="python", use_api_names=True)
    return said


def _usage(reply: Mapping[str, Any]) -> Usage:
    """Anthropic counts what comes from its cache, or goes there, apart; we count it as input."""
    said = reply.get("usage") or {}
    cached, written = said.get("cache_read_input_tokens") or 0, said.get("cache_creation_input_tokens") or 0
    plain = said.get("input_tokens") or 0
    return Usage(plain + cached + written, said.get("output_tokens") or 0, cached, written)


def _type_of(body: object) -> str:
    error = body.get("error") if isinstance(body, dict) else None
    return str(error.get("type") or "") if isinstance(error, dict) else ""


def _seconds(said: str | None) -> float | None:
    try:
        return max(0.0, float(said)) if said else None
    except ValueError:
        return None
