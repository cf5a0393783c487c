"""A token is this visitor, of this chat, of this business, for this long; nothing else is one."""

import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels import webchat_token
from channels.webchat_token import CHAT, RESUME, Visitor
from domain.errors import Unauthenticated
from store.crypto import Keyring, Vault

NOW = datetime(2026, 3, 2, 16, tzinfo=UTC)
OURS, THEIRS = UUID(int=1), UUID(int=2)


def vault(workspace_id: UUID) -> Vault:
    ring = Keyring(["a secret of the test"])
    return ring.vault(workspace_id, ring.new_keys(workspace_id))


MINE, OTHER = vault(OURS), vault(THEIRS)
VISITORS = st.builds(
    Visitor,
    id=st.uuids().map(lambda one: one.hex),
    channel_id=st.uuids(),
    issued_at=st.just(NOW),
    name=st.none() | st.text(max_size=80),
    language=st.sampled_from([None, "en", "es"]),
)


@given(VISITORS, st.timedeltas(timedelta(0), CHAT))
def test_what_was_written_is_read(visitor: Visitor, later: timedelta) -> None:
    token = webchat_token.write(MINE, visitor)
    assert webchat_token.read(MINE, token, visitor.channel_id, NOW + later) == visitor


@given(VISITORS)
def test_it_tells_a_stranger_nothing(visitor: Visitor) -> None:
    token = webchat_token.write(MINE, visitor)
    assert visitor.id not in token
    assert token != webchat_token.write(MINE, visitor)


@given(VISITORS, st.data())
def test_a_changed_letter_is_no_token(visitor: Visitor, data: st.DataObject) -> None:
    token = webchat_token.write(MINE, visitor)
    n = data.draw(st.integers(0, len(token) - 2))  # the last letter may hold bits that say nothing
    other = data.draw(st.sampled_from("ABCxyz019-_").filter(lambda one: one != token[n]))
    refused(token[:n] + other + token[n + 1 :], visitor.channel_id, NOW, "token_invalid")


@given(st.text(max_size=400) | st.binary(max_size=300).map(lambda raw: raw.hex()))
def test_nonsense_is_no_token(token: str) -> None:
    refused(token, OURS, NOW, "token_invalid")


@given(VISITORS)
def test_another_channels_or_businesss_is_no_token(visitor: Visitor) -> None:
    refused(webchat_token.write(MINE, visitor), uuid4(), NOW, "token_invalid")
    refused(webchat_token.write(OTHER, visitor), visitor.channel_id, NOW, "token_invalid")
    same_business_other_keys = vault(OURS)
    refused(webchat_token.write(same_business_other_keys, visitor), visitor.channel_id, NOW, "token_invalid")


@given(VISITORS, st.timedeltas(timedelta(seconds=1), timedelta(days=3650)))
def test_it_ends(visitor: Visitor, later: timedelta) -> None:
    token = webchat_token.write(MINE, visitor)
    refused(token, visitor.channel_id, NOW + CHAT + later, "token_expired")
    with pytest.raises(Unauthenticated):
        webchat_token.read(MINE, token, visitor.channel_id, NOW + RESUME + later, RESUME)


def test_one_from_the_future_is_no_token() -> None:
    visitor = Visitor("v", OURS, NOW + timedelta(hours=1))
    refused(webchat_token.write(MINE, visitor), OURS, NOW, "token_invalid")


def test_a_sealed_value_of_another_kind_is_no_token() -> None:
    sealed = MINE.seal("message.body", '{"visitor": "v"}')
    refused(base64.urlsafe_b64encode(sealed).decode(), OURS, NOW, "token_invalid")


def refused(token: str, channel_id: UUID, now: datetime, code: str) -> None:
    with pytest.raises(Unauthenticated) as error:
        webchat_token.read(MINE, token, channel_id, now)
    assert error.value.code == code
