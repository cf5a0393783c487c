"""A business begins with a package, and the packages themselves go in and out without loss."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runtime import packages
from tests.frontdesk.cli_rig import Place

BEGIN = (
    "init",
    "salon",
    "--name",
    "Fern & Co",
    "--timezone",
    "America/Denver",
    "--hours",
    "tue-sat=09:00-18:00",
)


def test_every_package_is_applied_without_a_warning_and_comes_out_the_same(
    make_place: Callable[[], Place], tmp_path: Path
) -> None:
    first, second, one, two = make_place(), make_place(), tmp_path / "one", tmp_path / "two"
    names = packages.names()
    applied = first.ok("apply", *(str(packages.path(name)) for name in names), "--root", str(packages.ROOT))
    assert applied.stderr == ""
    for name in names:
        first.ok("export", name, "-o", str(one))
    second.ok("apply", *(str(one / f"{name}.yaml") for name in names))
    for name in names:
        second.ok("export", name, "-o", str(two))
    assert _files(one) == _files(two)
    assert "no difference" in second.ok("diff", str(one / "salon.yaml")).stdout


def test_one_command_begins_a_business_that_is_its_own(place: Place, tmp_path: Path) -> None:
    begun = place.ok(*BEGIN, "--sms", "+15125550188")
    assert "fern-co: workspace: created, Fern & Co, America/Denver" in begun.stdout
    assert "fern-co: channels.twilio_sms +15125550188: added" in begun.stdout
    assert "to do: what it knows" in begun.stdout
    written = place.ok("export", "fern-co").stdout
    assert "Juniper" not in written
    assert "tue-sat: 09:00-18:00" in written
    (tmp_path / "mine.yaml").write_text(written.replace("name: Lola", "name: Fran"))
    assert "assistant.name: Lola → Fran" in place.ok("apply", str(tmp_path / "mine.yaml")).stdout


def test_the_same_twice_changes_nothing(place: Place) -> None:
    place.ok(*BEGIN)
    again = place.run(*BEGIN)
    assert again.exit_code == 1
    assert "there is a workspace fern-co already" in again.output


def test_as_a_folder_first(place: Place, tmp_path: Path) -> None:
    told = json.loads(place.ok(*BEGIN, "-o", str(tmp_path), "--json").stdout)
    assert str(tmp_path / "fern-co.yaml") in told["written"]
    assert "Juniper" not in "".join(path.read_text() for path in tmp_path.rglob("*.*"))
    applied = place.ok("apply", str(tmp_path / "fern-co.yaml"))
    assert "knowledge.knowledge/prices.md: added" in applied.stdout
    assert applied.stderr == ""
    refused = place.run(*BEGIN, "-o", str(tmp_path))
    assert (refused.exit_code, "is there already" in refused.output) == (1, True)


def test_without_a_name_of_a_package_they_are_listed(place: Place) -> None:
    rows: list[dict[str, Any]] = json.loads(place.ok("init", "--json").stdout)["packages"]
    assert [row["name"] for row in rows] == list(packages.names())
    assert "plumbing" in place.ok("init").stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("init", "pub", "--name", "X"), "there is no package 'pub'; there are advisor"),
        (("init", "salon"), "a business needs a name"),
        (("init", "salon", "--name", "X", "--timezone", "Mars/Base"), "is not an IANA time zone"),
        (("init", "salon", "--name", "X", "--hours", "someday=9-5"), "is not a day"),
        (("init", "salon", "--name", "X", "--hours", "mon=9-5"), "are no opening hours"),
        (("init", "salon", "--name", "X", "--slug", "Not A Slug"), "slug"),
        (("init", "salon", "--name", "X", "--sms", "+1"), "is not a telephone number"),
    ],
)
def test_what_is_wrong_is_said(place: Place, arguments: tuple[str, ...], says: str) -> None:
    told = place.run(*arguments)
    assert (told.exit_code, says in told.output) == (2, True), told.output


def _files(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
