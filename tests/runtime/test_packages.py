"""Industry packages: twelve roles, nothing of a sample left in another business, and no warning."""

import re
from typing import Any

import pytest

from dialogue.ruling.actions import broken
from domain.workspace import Hours, Identity
from runtime import packages
from runtime.files import BadFile

NAMES = packages.names()
FERN = Identity(slug="fern", name="Fern & Co", timezone="Europe/Madrid")


def test_each_role_has_one() -> None:
    roles = [packages.read(name).profile.assistant.role for name in NAMES]
    assert len(set(roles)) == len(roles) == 12


@pytest.mark.parametrize("name", NAMES)
def test_a_package_is_whole(name: str) -> None:
    profile = packages.read(name).profile
    assert profile.workspace.slug == name, "frontdesk up --demo finds its samples by its slug"
    assert packages.about(name)
    assert profile.policy.approve
    assert profile.assistant.instructions
    assert profile.schemas[0].workflow["statuses"]
    assert sum(field.extract for field in profile.schemas[0].fields) >= 5
    assert len(profile.intents) >= 1
    assert all(len(told) >= 5 for told in profile.intents.values())
    assert len(packages.read(name).documents) >= 3
    assert "twilio_sms" in {one.kind for one in profile.channels}


@pytest.mark.parametrize("name", NAMES)
def test_every_word_of_a_rule_can_be_filled_in(name: str) -> None:
    assert [said for said in _texts(packages.read(name).profile.rules) if broken(said)] == []


@pytest.mark.parametrize("name", NAMES)
def test_another_business_has_nothing_of_the_sample(name: str) -> None:
    sample = packages.read(name).profile
    begun = packages.begin(name, FERN, Hours.model_validate({"mon": "09:00-12:00"}))
    profile = begun.file.profile
    assert (profile.workspace.name, profile.workspace.industry) == ("Fern & Co", sample.workspace.industry)
    assert profile.workspace.timezone == "Europe/Madrid"
    assert profile.hours.days[0]
    assert not any(profile.hours.days[1:])
    assert (profile.channels, profile.knowledge, begun.file.documents) == ((), (), ())
    written = profile.model_dump_json() + "".join(one.original.decode() for one in begun.samples)
    assert sample.workspace.name not in written
    assert not re.search(r"512.?555", profile.model_dump_json())
    assert [len(part) for part in (profile.schemas, profile.rules, profile.intents)] == [
        len(part) for part in (sample.schemas, sample.rules, sample.intents)
    ]


def test_samples_come_along_when_wished_for() -> None:
    begun = packages.begin("salon", FERN, samples=True)
    assert begun.file.profile.knowledge[0] == "knowledge/prices.md"
    assert begun.file.documents == begun.samples
    assert begun.file.profile.hours == packages.read("salon").profile.hours


@pytest.mark.parametrize("name", ["pub", "", "../clinic", "Clinic"])
def test_what_is_no_package_is_named(name: str) -> None:
    with pytest.raises(BadFile, match="there are advisor, clinic"):
        packages.begin(name, FERN)


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [said for one in value.values() for said in _texts(one)]
    if isinstance(value, list | tuple):
        return [said for one in value for said in _texts(one)]
    return [value] if isinstance(value, str) and "{" in value else []
