"""Outgoing webhooks: events of the log become calls, and calls are made until they arrive, are given up, or nobody wants
them any more. Public addresses only; a call may arrive twice, with the same id."""

import asyncio
import logging
import random
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import httpx2

from domain import webhooks as rules
from runtime.http import NotPublic
from store import events, webhooks
from store.webhooks import Attempt
from workers.base import Worker

logger = logging.getLogger(__name__)

TOPIC = "webhooks"
PATIENCE_S = 15.0
LEASE = timedelta(seconds=60)
GONE = 410
Due = tuple[UUID, UUID]
"""(workspace, call)"""


class WebhookFollower(Worker[UUID]):
    """Reads the log of each workspace that has webhooks for it."""

    topic = "webhook-events"
    at_once = 2

    async def claim(self, limit: int) -> Sequence[UUID]:
        async with self._rt.db.dispatch() as dispatch:
            places = await webhooks.followers(dispatch, self._only)
            moved = await events.moved(dispatch, places) if places else {}
        return [workspace_id for workspace_id, readable in moved.items() if readable][:limit]

    async def work(self, workspace_id: UUID) -> None:
        async with self._rt.db.transaction(workspace_id) as tx:
            await webhooks.read_on(tx)
        await self._rt.wake.wake(TOPIC)


class WebhookWorker(Worker[Due]):
    topic = TOPIC

    async def claim(self, limit: int) -> Sequence[Due]:
        async with self._rt.db.dispatch() as dispatch:
            return await webhooks.claim(dispatch, limit, LEASE, self._only)

    async def next_due_s(self) -> float | None:
        async with self._rt.db.dispatch() as dispatch:
            return await webhooks.next_due_s(dispatch, self._only)

    async def work(self, due: Due) -> None:
        """No transaction is open while the other server thinks."""
        workspace_id, call_id = due
        async with self._rt.db.transaction(workspace_id) as tx:
            attempt, now = await webhooks.begin(tx, call_id), tx.now
        if attempt is None:
            return
        headers = rules.sign(attempt.secret, str(attempt.id), now, attempt.body)
        status, reason, asked = await self._send(attempt, headers)
        async with self._rt.db.transaction(workspace_id) as tx:
            if reason is None and status is not None:
                await webhooks.succeeded(tx, attempt, status)
            elif status == GONE:
                await webhooks.gone(tx, attempt, status)
            else:
                again = tx.now + rules.wait(attempt.number, random.random(), asked)  # noqa: S311  (jitter)
                live = again < attempt.begun_at + rules.GIVE_UP
                await webhooks.failed(tx, attempt, status, reason or "", again if live else None)

    async def _send(
        self, attempt: Attempt, headers: dict[str, str]
    ) -> tuple[int | None, str | None, timedelta | None]:
        """(status, why it failed, Retry-After). What the other server says besides is not read."""
        headers |= {"content-type": "application/json", "user-agent": "Frontdesk-Webhooks/1"}
        try:
            async with (
                asyncio.timeout(PATIENCE_S),
                self._rt.web.stream("POST", attempt.url, content=attempt.body, headers=headers) as answer,
            ):
                if answer.is_success:
                    return answer.status_code, None, None
                return answer.status_code, f"status_{answer.status_code}", _asked(answer)
        except NotPublic:
            return None, "not_public", None
        except (TimeoutError, httpx2.TimeoutException):
            return None, "timeout", None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            logger.info("webhook %s: %s", attempt.webhook_id, type(error).__name__)
            return None, "unreachable", None


def _asked(answer: httpx2.Response) -> timedelta | None:
    said = answer.headers.get("retry-after", "")
    return timedelta(seconds=int(said)) if said.isascii() and said.isdigit() and len(said) < 7 else None
