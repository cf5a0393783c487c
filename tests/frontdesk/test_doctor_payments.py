"""What the doctor says of businesses that ask for payments."""

import asyncio
from pathlib import Path

from simulators import stripe
from tests.frontdesk.cli_rig import Place
from tests.frontdesk.test_doctor import doctor

ROOT = Path(__file__).resolve().parents[2]


async def test_who_asks_for_payments_needs_a_key_and_webhooks(place: Place) -> None:
    ended = await asyncio.to_thread(
        lambda: place.run("apply", str(ROOT / "demos/law.yaml"), "--root", str(ROOT))
    )
    assert ended.exit_code == 0, ended.output
    _, found = await doctor(place)
    assert (found["law: payments"]["state"], "stripe webhooks" in found) == ("note", False)
    assert "STRIPE_API_KEY is not set" in found["law: payments"]["said"]
    async with stripe.serve() as till:
        key = till.state.config.key
        environ = {"STRIPE_API_KEY": key, "FRONTDESK_STRIPE_URL": till.url}
        _, found = await doctor(place, **environ)
        assert (found["law: payments"]["state"], found["stripe webhooks"]["state"]) == ("ok", "wrong")
        assert "/hooks/stripe" in found["stripe webhooks"]["todo"]
        _, found = await doctor(place, **environ, STRIPE_WEBHOOK_SECRET="whsec_a,whsec_b")
        assert found["stripe webhooks"]["state"] == "ok"
        _, found = await doctor(place, **environ | {"STRIPE_API_KEY": "sk_wrong"})
        assert found["law: payments"]["todo"] == "copy STRIPE_API_KEY anew"
        assert "sk_wrong" not in str(found)
    _, found = await doctor(place, **environ)
    assert "does not answer" in found["law: payments"]["said"]
    _, found = await doctor(place, FRONTDESK_SECRET_KEY="another-secret-another-secret")
    assert "law: payments" not in found
