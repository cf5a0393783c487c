"""The document for programs and the page for people."""

import base64
import hashlib
import re

from admin_api.problems import CODES
from tests.admin_api.api_rig import Api


async def test_openapi(api: Api) -> None:
    answer = await api.get("/api/v1/openapi.json")
    document = answer.json()
    assert document["openapi"].startswith("3.1.")
    assert document["servers"] == [{"url": "/api/v1"}]
    assert set(document["components"]["securitySchemes"]) == {"key", "bearer"}
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["description"], path
            signed_in = [{"key": []}, {"bearer": []}]
            assert operation["security"] == (signed_in if "x-right" in operation else [])
            problem = operation["responses"]["422"]["content"]["application/problem+json"]["schema"]
            assert problem == {"$ref": "#/components/schemas/Problem"}
            assert (
                ("ws" in [one["name"] for one in operation["parameters"]]) == ("{ws}" in path)
                if "{" in path
                else True
            )
    names = [
        operation["operationId"] for methods in document["paths"].values() for operation in methods.values()
    ]
    assert len(names) == len(set(names))


async def test_every_reference_is_there(api: Api) -> None:
    answer = await api.get("/api/v1/openapi.json")
    there = answer.json()["components"]["schemas"]
    assert set(re.findall(r'"#/components/schemas/([^"]+)"', answer.text)) <= set(there)


async def test_the_page(api: Api) -> None:
    answer = await api.get("/api/v1/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = answer.text
    document = (await api.get("/api/v1/openapi.json")).json()
    for path in document["paths"]:
        assert f"</span> {path}</h3>" in page
    for code in CODES:
        assert f'id="{code}"' in page
    assert page.startswith("<!doctype html>")
    for link in re.findall(r'href="#([^"]+)"', page):
        assert f'id="{link}"' in page


async def test_the_page_needs_nothing_from_elsewhere(api: Api) -> None:
    answer = await api.get("/api/v1/docs")
    assert "<script" not in answer.text
    assert "//" not in re.sub(r"<(pre|code)>.*?</\1>", "", answer.text, flags=re.S).replace("<!doctype", "")
    style = re.search(r"<style>(.*?)</style>", answer.text, re.S)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]
