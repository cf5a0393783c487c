"""Industry packages: what a business can begin with."""

import asyncio
from functools import lru_cache

from fastapi import APIRouter
from pydantic import BaseModel, Field

from admin_api.auth import Admitted, Guarded, needs
from admin_api.rights import Right
from runtime import packages

router = APIRouter(prefix="/packages", route_class=Guarded, tags=["packages"])


class Package(BaseModel):
    name: str
    about: str
    industry: str
    role: str
    languages: list[str]
    fields: list[str]
    statuses: list[str]
    rules: list[str]
    skills: list[str]
    documents: list[str] = Field(description="Samples: they come along only if `samples` is true.")


class Packages(BaseModel):
    items: list[Package]


@router.get("")
@needs(Right.OWN)
async def listed(here: Admitted) -> Packages:
    """By name. `POST /workspaces` with `package` begins with one."""
    return Packages(items=await asyncio.to_thread(_all))


@lru_cache(maxsize=1)
def _all() -> list[Package]:
    return [_shown(name) for name in packages.names()]


def _shown(name: str) -> Package:
    file = packages.read(name)
    profile = file.profile
    statuses = [
        str(one["name"] if isinstance(one, dict) else one) for one in _statuses(profile.schemas[0].workflow)
    ]
    return Package(
        name=name, about=packages.about(name), industry=profile.workspace.industry, role=profile.assistant.role,
        languages=list(profile.assistant.languages), fields=[one.name for one in profile.schemas[0].fields],
        statuses=statuses, rules=[str(one["name"]) for one in profile.rules], skills=sorted(profile.skills),
        documents=[one.source for one in file.documents],
    )  # fmt: skip


def _statuses(workflow: dict[str, object]) -> list[object]:
    found = workflow.get("statuses", [])
    return list(found) if isinstance(found, list | tuple) else []
