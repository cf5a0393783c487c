"""`frontdesk user create --password`: read from standard input, never an argument; it opens the door."""

import psycopg
import pytest

from tests.frontdesk.cli_rig import Place

WHO = ("user", "create", "-w", "clinic", "--role", "owner", "--name", "Otto", "--email", "Otto@Example.com")


@pytest.fixture
def clinic(place: Place) -> Place:
    from tests.frontdesk.test_doctor import ROOT

    ended = place.run("apply", str(ROOT / "demos/clinic.yaml"), "--root", str(ROOT))
    assert ended.exit_code == 0, ended.output
    return place


def accounts(place: Place) -> list[tuple[str, int]]:
    with psycopg.connect(place.owner_url) as connection:
        rows = connection.execute(
            "select a.password, a.token_version from account a join person p on p.account_id = a.id"
        )
        return [(row[0], row[1]) for row in rows]


def test_a_password_and_a_new_one(clinic: Place) -> None:
    for n, password in enumerate(("tres tristes tigres", "cuatro tristes trigos"), 1):
        ended = clinic.run(*WHO, "--password", said=f"{password}\n")
        assert ended.exit_code == 0, ended.output
        assert password not in ended.output
        ((hashed, version),) = accounts(clinic)
        assert hashed.startswith("$argon2id$")
        assert version == n


@pytest.mark.parametrize("password", ["", "short", "password123", "otto@example.com"])
def test_a_weak_one_makes_nobody(clinic: Place, password: str) -> None:
    ended = clinic.run(*WHO, "--password", said=f"{password}\n")
    assert ended.exit_code == 2
    assert accounts(clinic) == []


def test_without_one_nobody_signs_in(clinic: Place) -> None:
    assert clinic.run(*WHO).exit_code == 0
    assert accounts(clinic) == []
