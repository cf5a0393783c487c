"""Anthropic's wire: messages, models.

https://platform.claude.com/docs/en/api/messages, …/build-with-claude/streaming, …/api/errors
"""

from __future__ import annotations

import json

from simulators.llm.saying import Said, answer
from simulators.llm.sending import Sending, events, pieces, whole
from simulators.llm.state import Json, Rule, Simulation

_ERRORS: dict[str, tuple[int, str, str]] = {
    "unauthorized": (401, "authentication_error", "invalid x-api-key"),
    "rate_limited": (429, "rate_limit_error", "This request would exceed your organization's rate limit."),
    "no_credit": (400, "billing_error", "Your credit balance is too low to access the Anthropic API."),
    "bad_request": (400, "invalid_request_error", "messages: at least one message is required"),
    "server_error": (500, "api_error", "Internal server error"),
    "overloaded": (529, "overloaded_error", "Overloaded"),
    "no_such_path": (404, "not_found_error", "Not found"),
    "no_format": (400, "invalid_request_error", "output_config.format: this model does not support it"),
}


def refuse(here: Simulation, trouble: str, rule: Rule | None = None) -> Sending:
    status, kind, message = _ERRORS[trouble]
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": here.new_id("req_")}
    sending = whole(here, body)
    sending.status = status
    if rule and "retry_after" in rule.said:
        sending.headers["retry-after"] = f"{rule.said['retry_after']:g}"
    return sending


def messages(here: Simulation, body: Json, rule: Rule | None) -> Sending:
    tools, chosen = body.get("tools") or [], body.get("tool_choice") or {}
    tool = str(chosen.get("name") or "") if chosen.get("type") == "tool" else ""
    schema = next((one.get("input_schema") for one in tools if one.get("name") == tool), None)
    schema = schema or ((body.get("output_config") or {}).get("format") or {}).get("schema")
    said = answer(rule, schema, _last(body), tool)
    if body.get("stream"):
        return events(here, _events(here, body, said, rule), rule)
    return whole(here, _message(here, body, said), rule)


def _last(body: Json) -> str:
    said = (body.get("messages") or [{}])[-1].get("content")
    return said if isinstance(said, str) else json.dumps(said)


def _message(here: Simulation, body: Json, said: Said) -> Json:
    asked = len(str(body.get("system"))) // 4 + len(str(body.get("messages"))) // 4
    return {
        "id": here.new_id("msg_"), "type": "message", "role": "assistant", "model": body.get("model"),
        "content": [_block(here, said)] if said.text and said.finish != "refusal" else [],
        "stop_reason": _reason(said), "stop_sequence": None,
        "usage": {
            "input_tokens": asked, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0,
            "output_tokens": said.tokens, "service_tier": "standard",
        },
    }  # fmt: skip


def _reason(said: Said) -> str:
    usual = "tool_use" if said.tool else "end_turn"
    return {"length": "max_tokens", "refusal": "refusal"}.get(said.finish, usual)


def _block(here: Simulation, said: Said) -> Json:
    if not said.tool:
        return {"type": "text", "text": said.text}
    try:
        given = json.loads(said.text)
    except ValueError:
        given = {}
    return {"type": "tool_use", "id": here.new_id("toolu_"), "name": said.tool, "input": given}


def _events(here: Simulation, body: Json, said: Said, rule: Rule | None) -> list[tuple[str, Json | str]]:
    whole_ = _message(here, body, said)
    begun = whole_ | {"content": [], "stop_reason": None, "usage": whole_["usage"] | {"output_tokens": 1}}
    told: list[Json] = [{"type": "message_start", "message": begun}]
    if whole_["content"]:
        block = whole_["content"][0]
        nothing: Json = {"input": {}} if said.tool else {"text": ""}
        empty = block | nothing
        told.append({"type": "content_block_start", "index": 0, "content_block": empty})
        told.append({"type": "ping"})
        for piece in pieces(said.text, here.config.piece):
            delta = (
                {"type": "input_json_delta", "partial_json": piece}
                if said.tool
                else {"type": "text_delta", "text": piece}
            )
            told.append({"type": "content_block_delta", "index": 0, "delta": delta})
    if rule and rule.trouble == "error_event":
        told.append({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
        return [(one["type"], one) for one in told]
    if whole_["content"]:
        told.append({"type": "content_block_stop", "index": 0})
    end = {"stop_reason": _reason(said), "stop_sequence": None}
    told.append({"type": "message_delta", "delta": end, "usage": {"output_tokens": said.tokens}})
    told.append({"type": "message_stop"})
    return [(one["type"], one) for one in told]


def model(here: Simulation, name: str, rule: Rule | None) -> Sending:
    body = {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"}
    return whole(here, body, rule)
