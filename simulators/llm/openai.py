"""OpenAI's wire: Responses, chat completions, embeddings, models.

https://platform.openai.com/docs/api-reference/responses, …/responses-streaming, …/chat, …/embeddings
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
import struct
import time
from collections.abc import Sequence

from simulators.llm.saying import Said, answer
from simulators.llm.sending import Sending, events, pieces, whole
from simulators.llm.state import Json, Rule, Simulation

DIMENSIONS = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072}
_ERRORS: dict[str, tuple[int, str, str | None, str]] = {
    "unauthorized": (401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    "rate_limited": (429, "requests", "rate_limit_exceeded", "Rate limit reached for requests."),
    "no_credit": (429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota."),
    "bad_request": (400, "invalid_request_error", None, "Invalid value."),
    "server_error": (500, "server_error", None, "The server had an error while processing your request."),
    "overloaded": (503, "service_unavailable_error", None, "The engine is currently overloaded."),
    "no_such_path": (404, "invalid_request_error", None, "Invalid URL."),
    "no_format": (
        400,
        "invalid_request_error",
        None,
        "Unknown parameter: response_format of type json_schema.",
    ),
}


def refuse(here: Simulation, trouble: str, rule: Rule | None = None) -> Sending:
    status, kind, code, message = _ERRORS[trouble]
    headers = (
        {"retry-after": f"{rule.said['retry_after']:g}"} if rule and "retry_after" in rule.said else None
    )
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    sending = whole(here, body)
    sending.status = status
    sending.headers |= headers or {}
    return sending


def refuses(trouble: str) -> bool:
    return trouble in _ERRORS


# --- Responses ---


def responses(here: Simulation, body: Json, rule: Rule | None) -> Sending:
    shape = (body.get("text") or {}).get("format") or {}
    schema = shape.get("schema") if shape.get("type") == "json_schema" else None
    said = answer(rule, schema, _last(body.get("input")))
    if body.get("stream"):
        return events(here, _response_events(here, body, said, rule), rule)
    if rule and rule.trouble == "error_event":
        return whole(here, _failed(_response(here, body, said)))
    return whole(here, _response(here, body, said), rule)


def _last(said: str | Sequence[Json] | None) -> str:
    if isinstance(said, str):
        return said
    if not said:
        return ""
    content = said[-1].get("content")
    return content if isinstance(content, str) else str(content)


def _response(here: Simulation, body: Json, said: Said) -> Json:
    cut = said.finish == "length"
    status = "incomplete" if cut else "completed"
    part: Json = {"type": "output_text", "text": said.text, "annotations": [], "logprobs": []}
    if said.finish == "refusal":
        part = {"type": "refusal", "refusal": said.text}
    item = {
        "id": here.new_id("msg_"),
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": [part],
    }
    asked = len(str(body.get("instructions"))) // 4 + len(str(body.get("input"))) // 4
    return {
        "id": here.new_id("resp_"), "object": "response", "created_at": int(time.time()), "status": status,
        "error": None, "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "instructions": body.get("instructions"), "max_output_tokens": body.get("max_output_tokens"),
        "model": body.get("model"), "output": [item], "parallel_tool_calls": True, "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None}, "store": body.get("store", True), "temperature": 1.0,
        "text": body.get("text") or {"format": {"type": "text"}}, "tool_choice": "auto", "tools": [], "top_p": 1.0,
        "truncation": "disabled", "user": None, "metadata": {},
        "usage": {
            "input_tokens": asked, "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": said.tokens, "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": asked + said.tokens,
        },
    }  # fmt: skip


def _failed(response: Json) -> Json:
    error = {"code": "server_error", "message": "The server had an error while processing your request."}
    return response | {"status": "failed", "error": error, "output": [], "usage": None}


def _response_events(
    here: Simulation, body: Json, said: Said, rule: Rule | None
) -> list[tuple[str, Json | str]]:
    done = _response(here, body, said)
    begun = done | {"status": "in_progress", "output": [], "usage": None, "incomplete_details": None}
    item = done["output"][0]
    part, where = item["content"][0], {"output_index": 0, "content_index": 0, "item_id": item["id"]}
    refused = said.finish == "refusal"
    kind, word = ("refusal", "refusal") if refused else ("output_text", "text")
    told: list[Json] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        {"type": "response.output_item.added", "output_index": 0,
         "item": item | {"status": "in_progress", "content": []}},
        {"type": "response.content_part.added", **where, "part": part | {word: ""}},
    ]  # fmt: skip
    logprobs: Json = {} if refused else {"logprobs": []}
    told += [
        {"type": f"response.{kind}.delta", **where, "delta": piece, **logprobs}
        for piece in pieces(said.text, here.config.piece)
    ]
    if rule and rule.trouble == "error_event":
        told.append({"type": "response.failed", "response": _failed(done)})
    else:
        told += [
            {"type": f"response.{kind}.done", **where, word: said.text, **logprobs},
            {"type": "response.content_part.done", **where, "part": part},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": f"response.{done['status']}", "response": done},
        ]
    return [(one["type"], one | {"sequence_number": n}) for n, one in enumerate(told)]


# --- chat completions ---


def chat(here: Simulation, body: Json, rule: Rule | None) -> Sending:
    shape = body.get("response_format") or {}
    schema = (shape.get("json_schema") or {}).get("schema") if shape.get("type") == "json_schema" else None
    said = answer(rule, schema, _last(body.get("messages")))
    return (
        events(here, _chunks(here, body, said, rule), rule)
        if body.get("stream")
        else whole(here, _completion(here, body, said), rule)
    )


def _finish(said: Said) -> str:
    return said.finish if said.finish == "length" else "stop"


def _completion(here: Simulation, body: Json, said: Said) -> Json:
    refused = said.finish == "refusal"
    message: Json = {"role": "assistant", "content": None if refused else said.text, "annotations": []}
    message["refusal"] = said.text if refused else None
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(said)}
    return {
        "id": here.new_id("chatcmpl-"), "object": "chat.completion", "created": int(time.time()),
        "model": body.get("model"), "choices": [choice], "usage": _usage(body, said), "service_tier": "default",
        "system_fingerprint": None,
    }  # fmt: skip


def _usage(body: Json, said: Said) -> Json:
    asked = len(str(body.get("messages"))) // 4
    return {
        "prompt_tokens": asked, "completion_tokens": said.tokens, "total_tokens": asked + said.tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }  # fmt: skip


def _chunks(here: Simulation, body: Json, said: Said, rule: Rule | None) -> list[tuple[str, Json | str]]:
    head = {
        "id": here.new_id("chatcmpl-"), "object": "chat.completion.chunk", "created": int(time.time()),
        "model": body.get("model"), "system_fingerprint": None,
    }  # fmt: skip

    def chunk(delta: Json, reason: str | None = None) -> tuple[str, Json]:
        return "", head | {
            "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]
        }

    word = "refusal" if said.finish == "refusal" else "content"
    told: list[tuple[str, Json | str]] = [chunk({"role": "assistant", word: ""})]
    told += [chunk({word: piece}) for piece in pieces(said.text, here.config.piece)]
    if rule and rule.trouble == "error_event":
        return [
            *told,
            ("", {"error": {"message": "overloaded", "type": "server_error", "code": "server_error"}}),
        ]
    told.append(chunk({}, _finish(said)))
    if (body.get("stream_options") or {}).get("include_usage"):
        told.append(("", head | {"choices": [], "usage": _usage(body, said)}))
    return [*told, ("", "[DONE]")]


# --- the rest ---


def embeddings(here: Simulation, body: Json, rule: Rule | None) -> Sending:
    """Deterministic: texts that share words are near each other."""
    said = body.get("input")
    texts = [said] if isinstance(said, str) else [str(one) for one in said or ()]
    size = int(body.get("dimensions") or DIMENSIONS.get(str(body.get("model")), 64))
    packed = body.get("encoding_format") == "base64"
    rows = [_vector(text, size) for text in texts]
    data = [
        {"object": "embedding", "index": n, "embedding": _packed(row) if packed else row}
        for n, row in enumerate(rows)
    ]
    tokens = sum(len(text) // 4 + 1 for text in texts)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return whole(here, {"object": "list", "data": data, "model": body.get("model"), "usage": usage}, rule)


def _vector(text: str, size: int) -> list[float]:
    """Of unit length, as OpenAI's are."""
    vector = [0.0] * size
    for word in re.findall(r"\w+", text.casefold()) or [text]:
        digest = hashlib.sha256(word.encode()).digest()
        for at in range(0, 32, 4):
            (place,) = struct.unpack("<I", digest[at : at + 4])
            vector[place % size] += 1.0 if place & 1 << 31 else -1.0
    length = math.sqrt(sum(x * x for x in vector)) or 1.0
    return [x / length for x in vector]


def _packed(row: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(row)}f", *row)).decode()


def model(here: Simulation, name: str, rule: Rule | None) -> Sending:
    return whole(here, {"id": name, "object": "model", "created": 1700000000, "owned_by": "simulator"}, rule)
