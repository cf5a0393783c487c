"""What the image, compose and the example settings say exists, and all that exists is said."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from ruamel.yaml import YAML

from frontdesk.cli import app
from runtime import settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("migrate", "web", "worker", "scheduler")
DOCKERFILE = (ROOT / "Dockerfile").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()


class Reads(dict[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self, **there: str) -> None:
        super().__init__(there)
        self.asked: set[str] = set()

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return super().__getitem__(name)


def read_by_settings() -> set[str]:
    environ = Reads(DATABASE_URL="postgresql://x/y", FRONTDESK_SECRET_KEY="0123456789abcdef")
    settings.read(environ)
    return environ.asked


def in_example() -> dict[str, str]:
    """name → the comment above it."""
    lines = EXAMPLE.splitlines()
    found = ((n, re.fullmatch(r"#?([A-Z_]+)=.*", line)) for n, line in enumerate(lines))
    return {match[1]: lines[n - 1] for n, match in found if match}


def interpolated() -> set[str]:
    return set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))


def test_every_setting_is_in_the_example_and_every_example_is_a_setting() -> None:
    assert read_by_settings() - set(in_example()) == set()
    assert set(in_example()) - read_by_settings() - interpolated() == set()


def test_every_example_has_a_sentence() -> None:
    for name, sentence in in_example().items():
        assert re.fullmatch(r"# .{20,}\.", sentence), name


def test_what_compose_asks_for_is_in_the_example() -> None:
    assert interpolated() <= set(in_example())


@pytest.mark.parametrize("service", OURS)
def test_a_service_runs_a_command_that_exists(service: str) -> None:
    program, *arguments = SERVICES[service]["command"]
    assert program == "frontdesk"
    check_command(arguments)


def test_the_image_runs_a_command_that_exists() -> None:
    (line,) = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.M)
    program, *arguments = YAML(typ="safe").load(line)
    assert program == "frontdesk"
    check_command(arguments)


def check_command(arguments: list[str]) -> None:
    """It parses; nothing is run."""
    root: Any = typer.main.get_command(app)
    command = root.commands[arguments[0]]
    command.make_context(arguments[0], list(arguments[1:]), resilient_parsing=False)


@pytest.mark.parametrize("service", OURS)
def test_our_services_share_one_image_and_start_in_order(service: str) -> None:
    one = SERVICES[service]
    assert (one["image"], one["build"], one["env_file"]) == ("frontdesk", ".", ".env")
    assert one["environment"]["FRONTDESK_DATA_DIR"] == "/data"
    if service == "migrate":
        assert one["depends_on"] == {"postgres": {"condition": "service_healthy"}}
        assert one["restart"] == "no"
    else:
        assert one["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        assert "/readyz" in one["healthcheck"]["test"][-1]
        assert int(one["stop_grace_period"].removesuffix("s")) >= 30


def test_workers_can_be_scaled() -> None:
    """Two of them may not want the same port or name."""
    assert not {"ports", "container_name", "hostname"} & set(SERVICES["worker"])


@pytest.mark.parametrize("service", ["postgres", "redis"])
def test_what_we_depend_on_says_when_it_is_healthy(service: str) -> None:
    assert SERVICES[service]["healthcheck"]["test"][0] == "CMD"


def test_volumes_and_files_that_are_mounted_exist() -> None:
    for source in mounted():
        assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]


def mounted() -> Iterator[str]:
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            if not volume.startswith("./backups:"):  # made when the first backup is
                yield volume.partition(":")[0]


def test_the_image_has_no_compiler_no_root_and_no_secrets() -> None:
    assert "--only-binary :all: --require-hashes --no-deps -r requirements.lock" in DOCKERFILE
    assert re.search(r"^USER 10001$", DOCKERFILE, re.M)
    assert not re.search(r"apt-get|build-essential|gcc", DOCKERFILE)
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert not {".env", ".git", ".data", ".venv", "tests"} & set(let_in)
    assert all((ROOT / one).exists() for one in let_in)
    packages = {one.name for one in ROOT.iterdir() if (one / "__init__.py").exists()} - {"bench", "tests"}
    assert packages <= set(let_in)
