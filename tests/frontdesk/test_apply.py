import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from domain.workspace import Profile
from runtime import export
from tests.frontdesk.cli_rig import Place

ROOT = Path(__file__).resolve().parents[2]
DEMOS = ("clinic", "realty", "advisor")
TOKEN = "a-secret-token-of-nobody"
SMALL = """\
workspace: {slug: shop, name: Small Shop, timezone: America/Chicago}
hours: {mon-fri: "08:00-17:00"}
channels:
  - {kind: twilio_sms, address: "+15125550188"}
knowledge: [prices.md]
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    (tmp_path / "prices.md").write_text("# Prices\n\nA haircut is $20.\n")
    (tmp_path / "shop.yaml").write_text(SMALL)
    return tmp_path / "shop.yaml"


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


@pytest.mark.parametrize("name", DEMOS)
def test_an_export_applied_elsewhere_exports_to_the_same_bytes(
    name: str, make_place: Callable[[], Place], tmp_path: Path
) -> None:
    first, second, one, two = make_place(), make_place(), tmp_path / "one", tmp_path / "two"
    first.ok("apply", str(ROOT / "demos" / f"{name}.yaml"), "--root", str(ROOT))
    first.ok("export", name, "-o", str(one))
    assert "no difference" in first.ok("diff", str(one / f"{name}.yaml")).stdout
    second.ok("apply", str(one / f"{name}.yaml"))
    second.ok("export", name, "-o", str(two))
    files = {path.relative_to(one): path.read_bytes() for path in one.rglob("*") if path.is_file()}
    assert files == {path.relative_to(two): path.read_bytes() for path in two.rglob("*") if path.is_file()}
    documents = [path for path in files if path.suffix == ".md"]
    assert len(documents) >= 5
    assert all(files[path] == (ROOT / path).read_bytes() for path in documents)


def test_a_second_apply_changes_nothing(place: Place, small: Path) -> None:
    first = place.ok("apply", str(small))
    assert "shop: workspace: created, Small Shop" in first.stdout
    assert "shop: knowledge.prices.md: added, 1 passages" in first.stdout
    before = versions(place)
    assert place.ok("apply", str(small)).stdout == "shop: nothing to change\n"
    assert versions(place) == before
    assert place.ok("diff", str(small)).stdout == "shop: no difference\n"


def versions(place: Place) -> list[Any]:
    with psycopg.connect(place.owner_url) as connection:
        rows = connection.execute(
            "select version, updated_at from workspace union all select version, created_at from channel"
            " union all select 0, created_at from document"
        )
        return rows.fetchall()


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("Small Shop", "Big Shop", "workspace.name: Small Shop → Big Shop"),
        ("08:00-17:00", "09:00-17:00", "hours.mon-fri: 08:00-17:00 → 09:00-17:00"),
        ('188"}', '188", per_second: 3}', "channels.twilio_sms +15125550188.per_second: 1.0 → 3.0"),
        ("550188", "550177", "channels.twilio_sms +15125550188: not in the file any more, suspended"),
        ("[prices.md]", "[]", "knowledge.prices.md: removed"),
        ("hours:", "policy: {default: draft}\nhours:", "policy.default: auto → draft"),
        (
            "hours:",
            "schemas: [{name: s, fields: [{name: a, type: text}]}]\nhours:",
            "schemas.s.fields.a.type: added, text",
        ),
    ],
)
def test_each_change_is_told_then_made(place: Place, small: Path, old: str, new: str, line: str) -> None:
    place.ok("apply", str(small))
    change(small, old, new)
    told = place.run("diff", str(small))
    assert (told.exit_code, f"shop: {line}" in told.stdout) == (1, True), told.output
    assert place.ok("apply", str(small)).stdout == told.stdout
    assert place.ok("diff", str(small)).stdout == "shop: no difference\n"


def test_a_changed_document_is_told_by_its_passages(place: Place, small: Path) -> None:
    place.ok("apply", str(small))
    (small.parent / "prices.md").write_text("# Prices\n\nA haircut is $21.\n\n# Dogs\n\nWelcome.\n")
    assert "knowledge.prices.md: changed, 1 → 2 passages" in place.ok("apply", str(small)).stdout
    (small.parent / "prices.md").write_bytes(
        b"# Prices\r\n\r\nA haircut is $21.\r\n\r\n# Dogs\r\n\r\nWelcome.\r\n"
    )
    assert "changed in its bytes" in place.ok("apply", str(small)).stdout
    place.ok("export", "shop", "-o", str(small.parent / "out"))
    assert (small.parent / "out/prices.md").read_bytes() == (small.parent / "prices.md").read_bytes()


def test_a_channel_that_is_in_the_file_again_sends_again(place: Place, small: Path) -> None:
    place.ok("apply", str(small))
    text = small.read_text()
    change(small, "550188", "550177")
    place.ok("apply", str(small))
    small.write_text(text)
    assert "is in the file again" in place.ok("apply", str(small)).stdout


def test_credentials_come_from_the_environment_and_are_never_shown(place: Place, small: Path) -> None:
    change(small, '188"}', '188", credentials: {account_sid: AC1, auth_token: "${SHOP_TOKEN}"}}')
    missing = place.run("apply", str(small), SHOP_TOKEN=None)
    assert missing.exit_code == 2
    assert (
        f"{small}:4: channels.0.credentials.auth_token: the environment has no SHOP_TOKEN" in missing.stderr
    )
    ended = [
        place.ok("apply", str(small), SHOP_TOKEN=TOKEN),
        place.run("diff", str(small), SHOP_TOKEN=TOKEN + "2"),
        place.ok("apply", str(small), "--json", SHOP_TOKEN=TOKEN + "2"),
        place.ok("export", "shop"),
        place.ok("export", "shop", "--json"),
    ]
    assert ended[1].exit_code == 1
    assert "credentials: changed, auth_token" in ended[1].stdout
    assert not any(TOKEN in one.output for one in ended)


def test_a_file_without_credentials_leaves_those_there_are(place: Place, small: Path) -> None:
    plain = small.read_text()
    change(small, '188"}', '188", credentials: {account_sid: AC1, auth_token: t}}')
    place.ok("apply", str(small))
    with_credentials = small.read_text()
    small.write_text(plain)
    place.ok("apply", str(small))
    small.write_text(with_credentials)
    assert place.ok("diff", str(small)).stdout == "shop: no difference\n"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("timezone:", "timezoen:", ":1: workspace.timezoen: there is no such key here; did you mean timezone?"),
        ("America/Chicago", "Chicago", "'Chicago' is not an IANA time zone; write for example America/Chicago"),
        ("slug: shop", "slug: My Shop", ":1: workspace.slug: 'My Shop' does not fit; write lower case"),
        ("08:00-17:00", "8 to 5", "are no opening hours; write"),
        ("mon-fri", "workdays", "'workdays' is not a day; write mon or mon-fri"),
        ("twilio_sms", "sms", ":4: channels.0.kind: 'sms' is not a channel; there are "),
        ('"+15125550188"', "+abc", "'+abc' is not a telephone number; write it like"),
        ("[prices.md]", "[gone.md]", ":5: knowledge.0: gone.md: cannot be read below"),
        ("[prices.md]", "[../x.md]", ":5: knowledge.0: ../x.md: write it relative to"),
        ("[prices.md]", "[/etc/hosts]", "write it relative to"),
        ("[prices.md]", "prices.md", ":5: knowledge: 'prices.md' must be a list, like [a, b]"),
        ("slug: shop, ", "", "workspace.slug: is missing"),
        ("hours: {", "hours: {{", "this is not YAML"),
        ("name: Small Shop", f"name: a, name: {TOKEN}", "this is not YAML"),
        ("188\"}", f"188\", credentials: {{auth_token: [{TOKEN}]}}}}", "channels.0.credentials.auth_token"),
        ("hours:", "policy: {default: maybe}\nhours:", "'maybe': input should be 'auto', 'draft' or 'off'"),
        (
            "hours:", "integrations:\n  crm:\n    fields:\n      - {ours: contact.phone, theirs: phone}\n"
            "      - {ours: bugdet, theirs: custom.budget}\nhours:",
            ":6: integrations.crm.fields.1.ours: there is no field 'bugdet'; there are contact.name",
        ),
        (
            "hours:", "integrations: {crm: {feilds: []}}\nhours:",
            "integrations.crm.feilds: there is no such key here; did you mean fields?",
        ),
        ("hours:", "integrations: {hubspot: {}}\nhours:", "integrations.hubspot: 'hubspot' is no integration; there is crm"),
        (SMALL, "", "the file: must be a mapping"),
        (SMALL, "- 1\n", "the file: must be a mapping"),
    ],
)  # fmt: skip
def test_mistakes_have_their_place_and_a_remedy(
    place: Place, small: Path, old: str, new: str, said: str
) -> None:
    (good := small.parent / "good.yaml").write_text(SMALL.replace("shop", "good"))
    change(small, old, new)
    ended = place.run("apply", str(good), str(small))
    assert ended.exit_code == 2, ended.output
    assert said in ended.stderr
    assert str(small) in ended.stderr
    assert "Traceback" not in ended.output
    assert TOKEN not in ended.output
    assert "there is no workspace 'good'" in place.run("export", "good").stderr


def test_two_files_of_one_workspace_are_a_mistake(place: Place, small: Path) -> None:
    ended = place.run("apply", str(small), str(small), "--json")
    assert ended.exit_code == 2
    assert json.loads(ended.stdout)["mistakes"] == [
        "shop: two files speak of this workspace; apply one of them"
    ]


def test_a_document_that_is_no_text(place: Place, small: Path) -> None:
    for data, said in ((b"\xff\xfe", "is not UTF-8 (byte 0)"), (b"a\0b", "holds a NUL character")):
        (small.parent / "prices.md").write_bytes(data)
        ended = place.run("apply", str(small))
        assert (ended.exit_code, said in ended.stderr) == (2, True)


def test_what_is_not_there(place: Place, tmp_path: Path) -> None:
    assert place.run("apply", str(tmp_path / "no.yaml")).exit_code == 2
    assert place.run("export", "nobody").exit_code == 2
    away = place.run("export", "nobody", DATABASE_URL="postgresql://nobody@127.0.0.1:1/x")
    assert (away.exit_code, "does not answer" in away.stderr) == (4, True)
    unset = place.run("export", "nobody", DATABASE_URL="")
    assert (unset.exit_code, "DATABASE_URL is not set" in unset.stderr) == (2, True)
    wrong = place.run("export", "nobody", DATABASE_URL="mysql://x/y")
    assert (wrong.exit_code, "postgresql://" in wrong.stderr) == (2, True)


def test_json(place: Place, small: Path) -> None:
    told = json.loads(place.ok("apply", str(small), "--json").stdout)
    assert told["workspaces"][0]["workspace"] == "shop"
    assert len(told["workspaces"][0]["changes"]) == 3
    assert "+15125550188" in json.loads(place.ok("export", "shop", "--json").stdout)["yaml"]


WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=60)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=WORDS.filter(bool), instructions=WORDS, sentences=st.lists(WORDS, max_size=3), extra=st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3), max_leaves=5))  # fmt: skip
def test_any_words_survive_the_file(name: str, instructions: str, sentences: list[str], extra: Any) -> None:
    data = {
        "workspace": {"slug": "a", "name": name},
        "assistant": {"instructions": instructions},
        "intents": {"one": sentences},
        "skills": {"x": extra},
    }
    profile = Profile.model_validate(data)
    text = export.text(profile)
    again = Profile.model_validate(YAML(typ="safe").load(text))
    assert again == profile
    assert export.text(again) == text
