"""Action servers, called with what the workspace keeps for them: the secret is opened for the call and not held."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from domain import webhooks as signing
from domain.actions import ActionFailed, ActionSettings, ServerSettings, Trouble
from integrations import action_server
from runtime.http import Client, NotAllowed, NotPublic
from runtime.settings import FETCH_INSIDE
from store import webhooks
from store.db import Database

ONCE_MORE = 2
"""So often what is safe to repeat is asked while the customer waits."""


class HttpActions:
    """`web` reaches what is public, and what the operator has named besides."""

    def __init__(self, db: Database, web: Client) -> None:
        self._db, self._web = db, web

    async def call(
        self, workspace_id: UUID, server: ServerSettings, action: ActionSettings, body: Mapping[str, Any], key: str
    ) -> Any:  # fmt: skip
        """Twice at most, and only what may be carried out twice and is not being called by a worker, which counts
        for itself. Raise ActionFailed."""
        for left in reversed(range(ONCE_MORE if action.at_once else 1)):
            try:
                return await self.once(workspace_id, server, action, body, key)
            except ActionFailed as error:
                if not left or not error.trouble.may_pass:
                    raise
        raise AssertionError  # the last one has returned or raised

    async def once(
        self, workspace_id: UUID, server: ServerSettings, action: ActionSettings, body: Mapping[str, Any], key: str
    ) -> Any:  # fmt: skip
        """No transaction is open while the other server thinks. Raise ActionFailed."""
        written = json.dumps(body, ensure_ascii=False)
        headers = {"idempotency-key": key} | await self._authority(workspace_id, server, key, written)
        try:
            return await action_server.post(
                self._web,
                server.url,
                written.encode("utf-8", "replace"),
                headers,
                action.timeout.total_seconds(),
            )
        except NotAllowed as error:
            allowed = f"the operator allows it with {FETCH_INSIDE}={urlsplit(server.url).netloc}"
            raise ActionFailed(Trouble.NOT_PUBLIC, f"{error}; {allowed}") from error
        except NotPublic as error:
            raise ActionFailed(Trouble.NOT_PUBLIC, str(error)) from error

    async def _authority(
        self, workspace_id: UUID, server: ServerSettings, key: str, written: str
    ) -> dict[str, str]:
        if server.auth == "none":
            return {}
        async with self._db.transaction(workspace_id) as tx:
            mine, now = await webhooks.of_action_server(tx, server.url), tx.now
        if not mine.active:
            raise ActionFailed(Trouble.SWITCHED_OFF, "its webhook is switched off")
        if server.auth == "bearer":
            return {"authorization": f"Bearer {mine.secret}"}
        return signing.sign(mine.secret, key, now, written)
