"""What businesses that ask for payments need: a key at Stripe that opens something, and webhooks."""

from uuid import UUID

from domain.payment import PaymentSettings
from integrations.stripe import StripeFailed
from runtime.findings import Finding, note, ok, wrong
from runtime.runtime import Runtime
from store import payments
from store.crypto import Unreadable


async def paid(rt: Runtime, workspaces: list[tuple[UUID, str]]) -> list[Finding]:
    """One line for each business that asks for payments, and one for Stripe's webhooks; nothing where none does."""
    found = []
    for workspace_id, slug in workspaces:
        try:
            async with rt.db.transaction(workspace_id) as tx:
                settings = await payments.settings_of(tx)
        except Unreadable:
            continue  # its keys are another finding
        if settings is not None:
            found.append(await _one(rt, f"{slug}: payments", settings))
    return [*found, _webhooks(rt)] if found and rt.settings.stripe_key else found


async def _one(rt: Runtime, name: str, settings: PaymentSettings) -> Finding:
    stripe = rt.open_stripe()
    if stripe is None:
        said = "STRIPE_API_KEY is not set: customers are told that a person sends the link"
        return note(name, said, "set it, or take skills.payment out of the workspace")
    try:
        await stripe.check(settings.account)
    except StripeFailed as error:
        return wrong(name, _why(error, settings), _todo(error, settings))
    whose = f"account {settings.account}" if settings.account else "the key's own account"
    return ok(name, f"Stripe takes the key; money goes to {whose}")


def _why(error: StripeFailed, settings: PaymentSettings) -> str:
    return f"{error} (account {settings.account})" if settings.account else str(error)


def _todo(error: StripeFailed, settings: PaymentSettings) -> str:
    if error.passes:
        return "look at the network, and FRONTDESK_STRIPE_URL"
    if settings.account:
        return "is skills.payment.account connected to this platform's key?"
    return "copy STRIPE_API_KEY anew"


def _webhooks(rt: Runtime) -> Finding:
    url = f"{rt.settings.public_url}/hooks/stripe"
    if not rt.settings.stripe_webhook_secrets:
        said = "STRIPE_WEBHOOK_SECRET is not set: payments are noticed minutes late, by asking"
        return wrong("stripe webhooks", said, f"add an endpoint {url} at Stripe, and set its signing secret")
    return ok("stripe webhooks", f"signed ones are taken at {url}")
