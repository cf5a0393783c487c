"""Where Plaid says that something is new about a bank account. What is new is asked of Plaid itself: a webhook only says
that it is time to look."""

import logging
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from admin_api import hooks
from domain.errors import BadSignature
from domain.money import BankState
from integrations.plaid import Plaid, PlaidFailed
from runtime.runtime import Runtime
from store import banks
from store.banks import Linked
from store.db import Tx

logger = logging.getLogger(__name__)

LARGEST = 100_000  # bytes
_REVOKED = frozenset({"USER_PERMISSION_REVOKED", "USER_ACCOUNT_REVOKED"})


def routes(rt: Runtime) -> list[Route]:
    plaid = rt.open_plaid()

    async def endpoint(request: Request) -> Response:
        return await _heard(rt, plaid, request)

    return [Route("/hooks/plaid/{workspace_id:uuid}", hooks.answering(endpoint), methods=["POST"])]


async def _heard(rt: Runtime, plaid: Plaid | None, request: Request) -> Response:
    """403 for what is not signed by Plaid; 503 while nobody can tell, so that it comes again."""
    workspace_id: UUID = request.path_params["workspace_id"]
    body = await hooks.read(request, LARGEST)
    if plaid is None or body is None:
        return hooks.told(404 if plaid is None else 413)
    try:
        async with rt.db.transaction(workspace_id) as tx:
            now = tx.now
    except LookupError:
        return hooks.told(404)
    try:
        said = await plaid.verify(request.headers.get("plaid-verification", ""), body, now)
    except BadSignature:
        return hooks.told(403)
    except PlaidFailed as error:
        logger.warning("a webhook of Plaid's could not be verified: %s", error.code)
        return hooks.told(503)
    async with rt.db.transaction(workspace_id) as tx:
        await _take(tx, said)
    return hooks.told(200)


async def _take(tx: Tx, said: dict[str, object]) -> None:
    """About a link or an item that is not ours, nothing."""
    mine = None
    for name in ("link_token", "item_id"):
        value = said.get(name)
        if mine is None and isinstance(value, str) and value:
            mine = await banks.with_item(tx, name, value)
    if mine is None:
        return
    mine = await banks.take(tx, mine.bank.id)
    code, error = str(said.get("webhook_code", "")), said.get("error")
    wants_login = isinstance(error, dict) and error.get("error_code") == "ITEM_LOGIN_REQUIRED"
    if code in _REVOKED:
        await banks.remove(tx, mine, "system")
    elif wants_login or code == "PENDING_DISCONNECT":
        await _login(tx, mine)
    elif code == "LOGIN_REPAIRED" and mine.bank.state is BankState.LOGIN_REQUIRED:
        await banks.set_(tx, mine, BankState.READY, None, known={"renewed_for": ""})
    else:
        await banks.look(tx, mine.bank.id)


async def _login(tx: Tx, mine: Linked) -> None:
    if mine.bank.state is BankState.READY:
        await banks.set_(tx, mine, BankState.LOGIN_REQUIRED, tx.now)
