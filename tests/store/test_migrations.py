"""A migration runs while the version before it still does: it only adds. What takes away says so, and why."""

import re
from pathlib import Path

import psycopg
import pytest

import migrations
from store.embedded import EmbeddedPostgres
from store.migrate import NewerDatabase, migrate, newest

VERSIONS = Path(migrations.__file__).parent / "versions"
LATER = sorted(file for file in VERSIONS.glob("*.sql") if file.name[:4] > "0001")
_CONTRACT = re.compile(r"^-- contract: \S.{20,}", re.M)
_BREAKS = {
    "drops": r"\bdrop\s+(table|column|view|function|type|schema)\b"
    r"|\balter\s+table\b[^;]*\bdrop\s+(?!constraint\b|default\b|not\b)\w",
    "renames": r"\brename\b",
    "changes a type": r"\balter\s+(column\s+)?\w+\s+(set\s+data\s+)?type\b",
    "demands what old code does not write": r"\balter\s+(column\s+)?\w+\s+set\s+not\s+null\b",
    "takes a right away": r"\brevoke\b",
    "empties": r"\btruncate\b",
}
_ADDED = re.compile(r"\badd\s+column\s+(?:if\s+not\s+exists\s+)?\w+\s+([^;]*?)(?=,\s*add\b|;|$)", re.I | re.S)


def breaks(sql: str) -> list[str]:
    """What in it the version before could stumble over."""
    if _CONTRACT.search(sql):
        return []
    plain = re.sub(r"--[^\n]*", "", sql)
    found = [what for what, pattern in _BREAKS.items() if re.search(pattern, plain, re.I)]
    if any(_demanding(column) for column in _ADDED.findall(plain)):
        found.append("adds a column that old code does not fill")
    return found


def _demanding(column: str) -> bool:
    return bool(re.search(r"\bnot\s+null\b", column, re.I)) and not re.search(r"\bdefault\b", column, re.I)


@pytest.mark.parametrize("file", LATER, ids=lambda file: file.stem)
def test_a_migration_only_adds(file: Path) -> None:
    assert breaks(file.read_text()) == []


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("alter table message drop column body;", ["drops"]),
        ("alter table message drop body;", ["drops"]),
        ("drop table draft;", ["drops"]),
        ("alter table message rename column body to words;", ["renames"]),
        ("alter table message alter column seq type text;", ["changes a type"]),
        ("alter table message alter seq set not null;", ["demands what old code does not write"]),
        ("alter table message add column mood text not null;", ["adds a column that old code does not fill"]),
        ("alter table message add column mood text not null default 'calm';", []),
        ("alter table message add column mood text;\ncreate table x (y int not null);", []),
        ("-- drop table draft\nselect 1;", []),
        ("-- contract: nothing reads it since 0009, released in March\ndrop table draft;", []),
        ("-- contract: short\ndrop table draft;", ["drops"]),
    ],
)
def test_the_rule_itself(sql: str, found: list[str]) -> None:
    assert breaks(sql) == found


def test_revisions_are_one_line_with_an_sql_file_each() -> None:
    names = sorted(file.stem for file in VERSIONS.glob("0*.py"))
    assert [file.stem for file in sorted(VERSIONS.glob("*.sql"))] == names
    assert newest() == names[-1][:4]


def test_a_newer_database_is_refused(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.owner_url, autocommit=True) as owner:
        owner.execute("create database newer template template0")
        url = owner_url(postgres, "newer")
        try:
            migrate(url)
            with psycopg.connect(url, autocommit=True) as newer:
                newer.execute("update alembic_version set version_num = '9999'")
            with pytest.raises(NewerDatabase, match="9999"):
                migrate(url)
        finally:
            owner.execute("drop database newer")


def owner_url(postgres: EmbeddedPostgres, database: str) -> str:
    return postgres.owner_url.replace("/postgres?", f"/{database}?", 1)
