"""The API's page for people, made from the OpenAPI document: no scripts, nothing from elsewhere."""

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from admin_api.problems import CODES
from admin_api.rights import ROLES, Right

_HERE = Path(__file__).parent


async def show(request: Request) -> HTMLResponse:
    root = request.scope.get("root_path", "")
    html = _render(request.app, root)
    policy = (
        f"default-src 'none'; style-src 'sha256-{_style_hash()}'; base-uri 'none'; frame-ancestors 'none'"
    )
    return HTMLResponse(html, headers={"Content-Security-Policy": policy})


def _render(app: Any, root: str) -> str:
    document = app.openapi()
    return (
        _environment()
        .get_template("docs.html")
        .render(
            document=document,
            root=root,
            operations=_operations(document),
            codes=CODES,
            style=_style(),
            roles=ROLES,
            rights=list(Right),
        )
    )


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["code"] = _code
    return made


@cache
def _style() -> str:
    return (_HERE / "docs.css").read_text(encoding="utf-8")


def _style_hash() -> str:
    return base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    schemas = document["components"]["schemas"]
    return [
        {
            "id": operation["operationId"],
            "method": method.upper(),
            "path": path,
            "tag": operation["tags"][0],
            "about": operation.get("description", ""),
            "parameters": [_parameter(one) for one in operation.get("parameters", [])],
            "body": _fields(schemas, _content(operation.get("requestBody", {}))),
            "answer": _fields(schemas, _content(_done(operation["responses"]))),
            "right": operation.get("x-right"),
            "examples": _examples(operation.get("requestBody", {})),
        }
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def _done(responses: dict[str, Any]) -> dict[str, Any]:
    """What is answered when it went well; with 204 nothing is."""
    found: dict[str, Any] = next((responses[status] for status in ("200", "201") if status in responses), {})
    return found


def _content(holder: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = holder.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def _examples(body: dict[str, Any]) -> list[dict[str, str]]:
    shown = body.get("content", {}).get("application/json", {}).get("examples", {})
    return [
        {"title": one["summary"], "json": json.dumps(one["value"], ensure_ascii=False, indent=2)}
        for one in shown.values()
    ]


def _parameter(one: dict[str, Any]) -> dict[str, Any]:
    schema = one.get("schema", {})
    about = one.get("description") or schema.get("description", "")
    return {
        "name": one["name"],
        "where": one["in"],
        "type": _type(schema),
        "needed": one.get("required"),
        "about": about,
    }


def _fields(
    schemas: dict[str, Any], schema: dict[str, Any], above: tuple[str, ...] = ()
) -> list[dict[str, Any]]:
    """The fields of an object and of what it holds; of one that holds its own kind, once."""
    schema = _resolved(schemas, schema)
    found = []
    for name, field in schema.get("properties", {}).items():
        needed = name in schema.get("required", ())
        found.append(
            {"name": name, "type": _type(field), "needed": needed, "about": field.get("description", "")}
        )
        for inner, step in ((field, "."), (field.get("items", {}), "[]."), (_values(field), ".*.")):
            if "$ref" in inner and inner["$ref"] not in above:
                below = _fields(schemas, inner, (*above, inner["$ref"]))
                found += [one | {"name": name + step + one["name"]} for one in below]
    return found


def _values(field: dict[str, Any]) -> dict[str, Any]:
    """The schema of a mapping's values."""
    values = field.get("additionalProperties")
    return values if isinstance(values, dict) else {}


def _code(text: str) -> Markup:
    """`this` as <code>this</code>, everything escaped."""
    parts = str(escape(text)).split("`")
    return Markup("".join(f"<code>{part}</code>" if n % 2 else part for n, part in enumerate(parts)))  # noqa: S704


def _resolved(schemas: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    for option in schema.get("anyOf", ()):
        if "$ref" in option:
            schema = option
    if "$ref" in schema:
        found: dict[str, Any] = schemas[schema["$ref"].rpartition("/")[2]]
        return found
    return schema


def _type(schema: dict[str, Any]) -> str:
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"])
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    said = str(schema.get("format") or schema.get("type", "anything"))
    return said + (f", at most {schema['maxLength']:,} characters" if "maxLength" in schema else "")
