"""The web chat's door: sessions, the socket, its fall-back over plain HTTP, and files."""

from collections.abc import Callable
from pathlib import Path

from starlette.routing import BaseRoute, Route, WebSocketRoute

from channels.webchat_http import Requests
from channels.webchat_limits import Limits
from channels.webchat_rooms import PAGE
from channels.webchat_socket import Patience, Sockets
from channels.webchat_visits import Visits
from channels.webhooks import Webhooks
from domain.ports import Waker
from store.db import Database


class WebChatDoor:
    def __init__(
        self,
        db: Database,
        wake: Waker,
        hooks: Webhooks,
        public_url: str,
        data_dir: Path,
        crash: Callable[[str], None],
        *,
        poll_s: float = 1.0,
        limits: Limits | None = None,
        patience: Patience | None = None,
        page: int = PAGE,
    ) -> None:
        """`page`: messages that are read at once for one tab."""
        self._wake = wake
        self._visits = Visits(db, wake, hooks, public_url, crash, limits or Limits(), poll_s, page)
        self._sockets = Sockets(self._visits, patience or Patience())
        self._requests = Requests(self._visits, data_dir)

    def routes(self) -> list[BaseRoute]:
        at, answering = "/channels/{channel_id}", self._requests.answering
        return [
            Route(f"{at}/sessions", answering(self._requests.session), methods=["POST", "OPTIONS"]),
            WebSocketRoute(f"{at}/chat", self._sockets.socket),
            Route(f"{at}/chat", answering(self._requests.chat), methods=["GET", "POST", "OPTIONS"]),
            Route(f"{at}/files", answering(self._requests.file), methods=["POST", "OPTIONS"]),
        ]

    async def open(self) -> None:
        """Inside the running loop: from now on hints reach the rooms."""
        self._wake.hear("visitor", self._visits.rooms.hear)

    async def close(self) -> None:
        self._wake.unhear("visitor", self._visits.rooms.hear)
        await self._visits.rooms.close()
