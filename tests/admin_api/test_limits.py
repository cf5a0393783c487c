"""How often a key may ask."""

import re
from dataclasses import replace

import admin_api.app
from admin_api.limits import Limits
from runtime.runtime import Runtime
from store.embedded import EmbeddedRedis
from tests.admin_api.api_rig import Api, Business, is_problem, together


def test_a_hundred_a_minute() -> None:
    assert admin_api.app.PER_MINUTE == 100


async def test_used_up(rt: Runtime, open_api, business: Business) -> None:
    api: Api = await open_api(rt, 5)
    for left in (4, 3, 2, 1, 0):
        answer = await api.get("/api/v1/me", headers=business.key())
        assert answer.status_code == 200
        assert answer.headers["ratelimit-limit"] == "5"
        assert answer.headers["ratelimit-remaining"] == str(left)
        assert 1 <= int(answer.headers["ratelimit-reset"]) <= 60
        assert answer.headers["ratelimit-policy"] == '"default";q=5;w=60'
        assert re.fullmatch(rf'"default";r={left};t=\d+', answer.headers["ratelimit"])
    for path in ("/api/v1/me", business.path("/drafts"), "/api/v1/workspaces/elsewhere/drafts"):
        answer = await api.get(path, headers=business.key())
        is_problem(answer, 429, "too_many_requests")
        assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert answer.headers["ratelimit-remaining"] == "0"
    assert (await api.get("/api/v1/me", headers=business.key("owner"))).status_code == 200, "another key"


async def test_refusals_count_and_say_what_is_left(rt: Runtime, open_api, business: Business) -> None:
    api: Api = await open_api(rt, 3)
    for path, status in (("/drafts?limit=0", 422), ("/drafts/x", 404)):
        answer = await api.get(business.path(path), headers=business.key())
        assert answer.status_code == status
    assert answer.headers["ratelimit-remaining"] == "1"


async def test_strangers_are_counted_by_address(rt: Runtime, open_api, business: Business) -> None:
    """Guessing uses up the address' own count, and never a key's."""
    api: Api = await open_api(rt, 3)
    for _ in range(3):
        is_problem(await api.get("/api/v1/me", headers={"X-API-Key": "fd_x"}), 401, "unauthenticated")
    is_problem(await api.get("/api/v1/me", headers={"X-API-Key": "fd_x"}), 429, "too_many_requests")
    assert (await api.get("/api/v1/me", headers=business.key())).status_code == 200


async def test_all_at_once(rt: Runtime, open_api, business: Business) -> None:
    api: Api = await open_api(rt, 10)
    answers = await together(*(api.get("/api/v1/me", headers=business.key()) for _ in range(25)))
    assert [answer.status_code for answer in answers].count(200) == 10


async def test_processes_count_together(redis: EmbeddedRedis) -> None:
    first, second = Limits(redis.url, 3), Limits(redis.url, 3)
    allowed = [(await one.take("key", "a"))[0] for one in (first, second, first, second)]
    assert allowed == [True, True, True, False]
    for one in (first, second):
        await one.close()


async def test_without_redis_each_process_counts_for_itself(
    redis: EmbeddedRedis, rt: Runtime, open_api, business
) -> None:
    limits = Limits(redis.url, 2)
    assert (await limits.take("key", "a"))[0]
    redis.stop()
    assert [(await limits.take("key", "a"))[0] for _ in range(3)] == [True, True, False]
    await limits.close()
    api: Api = await open_api(replace(rt, settings=replace(rt.settings, redis_url=redis.url)))
    assert (await api.get("/api/v1/me", headers=business.key())).status_code == 200
