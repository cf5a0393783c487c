"""OpenAI, and every server that speaks its protocol: the Responses API, or chat completions where there is no other.

https://platform.openai.com/docs/api-reference/responses, …/responses-streaming, …/chat, …/guides/error-codes
"""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx2
import openai

from domain.errors import ModelFailed, Trouble
from domain.llm import Answer, Finish, Piece, Prompt, Request, Usage

Http = httpx2.AsyncClient  # noqa: TID251  (the name for types; nobody here opens one)
BASE_URL = "https://api.openai.com/v1"
THINKING = 2_000
"""Tokens that a reasoning model may spend before its first word; they count against the limit on output."""
WAYS = ("responses", "chat", "plain")
"""From the best to what even a small server has: plain asks for JSON in words."""
_BY_STATUS = {
    401: Trouble.AUTH, 402: Trouble.AUTH, 403: Trouble.AUTH, 408: Trouble.TIMEOUT, 409: Trouble.OVERLOADED,
    429: Trouble.RATE_LIMITED,
}  # fmt: skip
_BY_CODE = {
    "insufficient_quota": Trouble.AUTH, "invalid_api_key": Trouble.AUTH, "rate_limit_exceeded": Trouble.RATE_LIMITED,
    "content_filter": Trouble.REFUSED, "content_policy_violation": Trouble.REFUSED,
    "misalignment_policy_violation": Trouble.REFUSED, "bio_policy": Trouble.REFUSED,
    "invalid_prompt": Trouble.REFUSED, "server_error": Trouble.OVERLOADED,
}  # fmt: skip
_DELTAS = frozenset({"response.output_text.delta"})
_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed"})


class OpenAI:
    """One model at one server. Nothing here repeats itself: that is the chain's."""

    headroom = THINKING

    def __init__(self, name: str, key: str, base_url: str, http: Http) -> None:
        self._name = name
        self._client = openai.AsyncOpenAI(
            api_key=key or "none", base_url=base_url or BASE_URL, http_client=http, max_retries=0
        )
        self._responses, self._chat = (
            self._client.responses,
            self._client.chat.completions,
        )  # loads their types now
        self._ways = list(WAYS if (base_url or BASE_URL) != BASE_URL else WAYS[:1])

    @property
    def model(self) -> str:
        return f"openai:{self._name}"

    async def check(self) -> str:
        """That the key opens the server and the model is there. Raise ModelFailed."""
        try:
            await self._client.models.retrieve(self._name, timeout=10)
        except openai.OpenAIError as error:
            raise self._failed(error) from error
        return "the key is accepted and the model is there"

    async def ask(self, request: Request) -> Answer:
        while True:
            way = self._ways[0]
            try:
                return await self._ask(way, request)
            except openai.OpenAIError as error:
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
        except openai.OpenAIError as error:
            raise self._failed(error) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise _unheard(self.model, error) from error
        except ValueError as error:
            raise ModelFailed(Trouble.BAD_JSON, self.model, "an event of the stream is not JSON") from error

    async def _ask(self, way: str, request: Request) -> Answer:
        if way == "responses":
            reply = await self._responses.create(**self._of_responses(request))
            return self._from_response(_plain(reply))
        reply = await self._chat.create(**self._of_chat(request, way))
        return self._from_chat(_plain(reply))

    async def _stream(self, request: Request) -> AsyncIterator[Piece]:
        while True:
            way = self._ways[0]
            try:
                if way == "responses":
                    made = self._of_responses(request) | {"stream": True}
                    events = await self._responses.create(**made)
                else:
                    made = self._of_chat(request, way) | {
                        "stream": True,
                        "stream_options": {"include_usage": True},
                    }
                    events = await self._chat.create(**made)
                break
            except openai.OpenAIError as error:
                if not self._step_down(way, error):
                    raise
        async with events:
            read = self._response_events(events) if way == "responses" else self._chat_chunks(events)
            async for piece in read:
                yield piece

    async def _response_events(self, events: Any) -> AsyncIterator[Piece]:
        async for event in events:
            said = _plain(event)
            kind = said.get("type")
            if kind in _DELTAS:
                yield str(said.get("delta") or "")
            elif kind in _ENDS:
                yield self._from_response(said.get("response") or {})
                return
            elif kind == "error":
                raise self._of_code(str(said.get("code") or ""), Trouble.OVERLOADED)
        raise ModelFailed(Trouble.UNREACHABLE, self.model, "the stream ended before the answer did")

    async def _chat_chunks(self, chunks: Any) -> AsyncIterator[Piece]:
        text, refusal, reason, usage = "", "", None, Usage()
        async for chunk in chunks:
            said = _plain(chunk)
            usage = _chat_usage(said.get("usage")) if said.get("usage") else usage
            for choice in said.get("choices") or ():
                delta = choice.get("delta") or {}
                reason, refusal = (
                    choice.get("finish_reason") or reason,
                    refusal + (delta.get("refusal") or ""),
                )
                if words := delta.get("content"):
                    text += words
                    yield words
        if reason is None:
            raise ModelFailed(Trouble.UNREACHABLE, self.model, "the stream ended before the answer did")
        yield Answer(text, usage, self.model, _finish(reason), refusal)

    def _of_responses(self, request: Request) -> dict[str, Any]:
        """Nothing is kept at the provider."""
        prompt = request.prompt
        made: dict[str, Any] = {
            "model": self._name, "instructions": prompt.system, "store": False, "timeout": request.seconds,
            "input": [{"role": one.role, "content": one.text} for one in prompt.messages],
            "max_output_tokens": prompt.max_tokens + THINKING,
        }  # fmt: skip
        if prompt.shape is not None:
            made["text"] = {"format": {"type": "json_schema"} | _schema(prompt)}
        return made

    def _of_chat(self, request: Request, way: str) -> dict[str, Any]:
        """`max_tokens` is what such servers know; OpenAI's own does not come here."""
        prompt, system = request.prompt, request.prompt.system
        made: dict[str, Any] = {
            "model": self._name, "timeout": request.seconds, "max_tokens": prompt.max_tokens + THINKING,
        }  # fmt: skip
        if prompt.shape is not None and way == "plain":
            system += (
                f"\n\nAnswer with one JSON object of this JSON Schema:\n{json.dumps(prompt.shape.schema)}"
            )
            made["response_format"] = {"type": "json_object"}
        elif prompt.shape is not None:
            made["response_format"] = {"type": "json_schema", "json_schema": _schema(prompt)}
        messages = [{"role": one.role, "content": one.text} for one in prompt.messages]
        return made | {"messages": [{"role": "system", "content": system}, *messages]}

    def _step_down(self, way: str, error: openai.OpenAIError) -> bool:
        """The server has no such address, or not this kind of format: it is asked in a simpler way, now and later."""
        if not isinstance(error, openai.APIStatusError):
            return False
        if way != self._ways[0]:
            return True  # another call has found out meanwhile
        if len(self._ways) == 1:
            return False
        nowhere = way == "responses" and error.status_code in (404, 405, 501)
        unknown = way == "chat" and error.status_code in (400, 422) and "response_format" in str(error.body)
        if nowhere or unknown:
            del self._ways[0]
        return nowhere or unknown

    def _from_response(self, reply: Mapping[str, Any]) -> Answer:
        if error := reply.get("error"):
            raise self._of_code(str(error.get("code") or ""), Trouble.OVERLOADED)
        parts = [
            part
            for item in reply.get("output") or ()
            if item.get("type") == "message"
            for part in item.get("content") or ()
        ]
        text = "".join(part.get("text") or "" for part in parts if part.get("type") == "output_text")
        refusal = "".join(part.get("refusal") or "" for part in parts if part.get("type") == "refusal")
        reason = (reply.get("incomplete_details") or {}).get("reason")
        finish = Finish.STOP if reply.get("status") != "incomplete" else _finish(str(reason))
        return Answer(text, _usage(reply.get("usage")), self.model, finish, refusal)

    def _from_chat(self, reply: Mapping[str, Any]) -> Answer:
        choice = next(iter(reply.get("choices") or ()), None) or {}
        said = choice.get("message") or {}
        finish = _finish(str(choice.get("finish_reason")))
        usage = _chat_usage(reply.get("usage"))
        return Answer(said.get("content") or "", usage, self.model, finish, said.get("refusal") or "")

    def _failed(self, error: openai.OpenAIError) -> ModelFailed:
        if isinstance(error, openai.APITimeoutError):
            return ModelFailed(Trouble.TIMEOUT, self.model)
        if isinstance(error, openai.APIConnectionError):
            return ModelFailed(Trouble.UNREACHABLE, self.model, type(error.__cause__).__name__)
        if isinstance(error, openai.APIResponseValidationError):
            return ModelFailed(Trouble.BAD_JSON, self.model, "the server's answer is not JSON")
        if isinstance(error, openai.APIStatusError):
            return self._of_status(error)
        code = getattr(error, "code", None) or ""
        return self._of_code(str(code), Trouble.OVERLOADED)

    def _of_status(self, error: openai.APIStatusError) -> ModelFailed:
        status, code = error.status_code, error.code or ""
        usual = Trouble.OVERLOADED if status >= 500 else _BY_STATUS.get(status, Trouble.BAD_REQUEST)
        return ModelFailed(
            _BY_CODE.get(code, usual),
            self.model,
            f"HTTP {status}{f', {code}' if code else ''}",
            retry_after_s=retry_after(error.response.headers),
            status=status,
        )

    def _of_code(self, code: str, usual: Trouble) -> ModelFailed:
        return ModelFailed(_BY_CODE.get(code, usual), self.model, code)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds; None where none, or no number, was said."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) / unit)
        except (KeyError, ValueError):
            continue
    return None


def _schema(prompt: Prompt) -> dict[str, Any]:
    assert prompt.shape is not None
    return {"name": prompt.shape.name, "schema": prompt.shape.schema, "strict": True}


def _unheard(model: str, error: Exception) -> ModelFailed:
    """The connection failed below the SDK."""
    late = isinstance(error, httpx2.TimeoutException)
    return ModelFailed(Trouble.TIMEOUT if late else Trouble.UNREACHABLE, model, type(error).__name__)


def _plain(reply: Any) -> dict[str, Any]:
    """As the server sent it: other people's servers leave out what the SDK's types promise. ValueError when it is
    no object at all, which the SDK lets pass."""
    if not hasattr(reply, "to_dict"):
        raise ValueError("no JSON object")
    said: dict[str, Any] = reply.to_dict(mode="python", use_api_names=True)
    return said


def _finish(reason: str) -> Finish:
    if reason in ("length", "max_output_tokens", "max_tokens"):
        return Finish.LENGTH
    return Finish.REFUSED if reason == "content_filter" else Finish.STOP


def _usage(said: Mapping[str, Any] | None) -> Usage:
    said = said or {}
    detail = said.get("input_tokens_details") or {}
    return Usage(
        said.get("input_tokens") or 0,
        said.get("output_tokens") or 0,
        detail.get("cached_tokens") or 0,
        detail.get("cache_write_tokens") or 0,
    )


def _chat_usage(said: Mapping[str, Any] | None) -> Usage:
    said = said or {}
    cached = (said.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    return Usage(said.get("prompt_tokens") or 0, said.get("completion_tokens") or 0, cached)
