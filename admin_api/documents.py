"""What the business knows: documents that are uploaded or fetched, finding in them, and what they do not say."""

from hashlib import sha256
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from admin_api import once, pagination
from admin_api.auth import Admitted, guarded, needs
from admin_api.pagination import LIMIT, Cursor, Limit, Page
from admin_api.rights import Right
from admin_api.schemas import Moment, Sent, Told
from domain.errors import Conflict, FieldError, Invalid, NotFound
from knowledge import fetch, grouping, reader
from knowledge.reading.shape import LARGEST
from runtime.wake import DOCUMENTS
from store import audit, documents, gaps, knowledge

_FORM, _JSON = "multipart/form-data", "application/json"
router = APIRouter(
    prefix="/documents",
    route_class=guarded(write=Right.CONFIGURE, accepts=frozenset({_FORM, _JSON})),
    tags=["documents"],
)
finding = APIRouter(prefix="/knowledge", route_class=guarded(), tags=["knowledge"])

State = Literal["queued", "reading", "embedding", "ready", "unchanged", "failed", "superseded"]


class Address(Sent):
    url: Annotated[str, Field(min_length=1, max_length=fetch.LONGEST_URL)]


class File(BaseModel):
    """What makes two uploads the same request."""

    name: str
    sha256: str


class Flag(Told):
    """Left out: what no reader of the document sees, or what speaks to the assistant instead of the reader."""

    kind: str
    where: str
    sample: str


class Problem(Told):
    code: str
    detail: str


class Document(Told):
    """`version` serves, 0 while none does; `state` and what follows tell of the newest version. A version that fails
    leaves the older one serving."""

    id: UUID
    title: str
    origin: Literal["file", "upload", "url"]
    name: str
    url: str | None
    state: State
    progress: float = Field(ge=0, le=1, description="Of the whole: 1 when the newest version is done with.")
    version: int
    newest_version: int
    type: str | None
    size: int | None
    pages: int | None
    passages: int
    flags: list[Flag]
    problem: Problem | None
    created_at: Moment
    updated_at: Moment


class Version(Told):
    n: int
    state: State
    name: str
    type: str | None
    size: int | None
    pages: int | None
    passages: int | None
    flags: list[Flag]
    problem: Problem | None
    created_at: Moment
    finished_at: Moment | None


class DocumentDetail(Document):
    versions: list[Version]


class Query(Sent):
    query: Annotated[str, Field(min_length=1, max_length=2_000)]
    limit: int = Field(5, ge=1, le=50)


class Passage(Told):
    """`score` is the share of the question's words that it holds; `similarity` the cosine of their meanings, null
    while there are no vectors."""

    id: UUID
    title: str
    heading: str
    text: str
    score: float
    similarity: float | None


class Found(BaseModel):
    passages: list[Passage]


class Gap(Told):
    """Questions that ask the same and that no document answered, in the customers' words, the newest first."""

    id: UUID
    times: int
    questions: list[str]
    conversations: list[UUID]
    first_at: Moment
    last_at: Moment


class Settled(Sent):
    state: Literal["answered", "dismissed"]


ONE_FILE = {
    "schema": {
        "type": "object",
        "required": ["file"],
        "properties": {"file": {"type": "string", "format": "binary"}},
    }
}
"""A form that brings one."""
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            _FORM: ONE_FILE,
            _JSON: {
                "schema": {
                    "type": "object",
                    "required": ["url"],
                    "properties": {"url": {"type": "string", "maxLength": fetch.LONGEST_URL}},
                    "additionalProperties": False,
                }
            },
        },
    }
}


@router.post("", status_code=202, response_model=Document, openapi_extra=_BODY)
async def add(here: Admitted, request: Request, key: once.Key = None) -> Response:
    """A file (pdf, docx, html, md, txt, csv, xlsx; at most 20 MB) as a form, or an address as JSON. It is read in the
    background; ask for it until `state` is ready or failed. The same bytes again are the same document; the same name
    or address again is its next version."""
    if request.headers.get("content-type", "").startswith(_FORM):
        name, data = await uploaded(request)
        digest = sha256(data).digest()
        body: BaseModel = File(name=name, sha256=digest.hex())
    else:
        body = await _address(request)

    async def store() -> Document:
        if isinstance(body, Address):
            added = await documents.fetch(
                tx, body.url, fetch.name_of(body.url), reader.titled(fetch.name_of(body.url))
            )
        else:
            added = await documents.upload(tx, name, reader.titled(name), data, digest)
        if added.new:
            await audit.add(tx, here.caller.actor, "document_added", "document", added.id)
        found = await documents.get(tx, added.id)
        assert found is not None
        return _told(found)

    async with here.transaction() as tx:
        answer = await once.answer(tx, once.asked(key, "POST documents", body), 202, store)
    await here.rt.wake.wake(DOCUMENTS)
    return answer


async def uploaded(request: Request) -> tuple[str, bytes]:
    """The name and bytes of the form's `file`. The body is read whole first: one that is too large is refused before
    anything is made of it."""
    await request.body()
    try:
        async with request.form(max_files=1, max_fields=5) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise Invalid("send it as the form's `file`", errors=[FieldError("/file", "there is none")])
            name, data = file.filename or "", await file.read(LARGEST + 1)
    except HTTPException as error:
        raise Invalid("the form is not valid", errors=[FieldError("/file", str(error.detail))]) from None
    if not data:
        raise Invalid("the file is empty", errors=[FieldError("/file", "there is nothing in it")])
    if len(data) > LARGEST:
        raise Invalid(
            "the file is too large", errors=[FieldError("/file", f"at most {LARGEST:,} bytes are read")]
        )
    return reader.safe_name(name), data


async def _address(request: Request) -> Address:
    raw = await request.body()
    try:
        address = Address.model_validate_json(raw)
        return Address(url=fetch.check_url(address.url))
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            raise HTTPException(400) from None
        pointer = "".join(f"/{part}" for part in first["loc"])
        raise Invalid("a value is not acceptable", errors=[FieldError(pointer, first["msg"])]) from None
    except ValueError as error:
        raise Invalid("this address cannot be fetched", errors=[FieldError("/url", str(error))]) from None


@router.get("")
async def listed(
    here: Admitted,
    origin: Literal["file", "upload", "url"] | None = None,
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Page[Document]:
    """The newest first; those that the workspace's file names are among them."""
    before = pagination.read_id("documents", cursor)
    async with here.transaction() as tx:
        rows = await documents.page(tx, before, limit + 1, origin)
    return pagination.page(rows, limit, _told, lambda row: pagination.write("documents", row.id))


@router.get("/{document_id}")
async def one(here: Admitted, document_id: UUID) -> DocumentDetail:
    """With its versions, the newest first."""
    async with here.transaction() as tx:
        found = await documents.get(tx, document_id)
        if found is None:
            raise NotFound("there is no such document here")
        versions = await documents.versions(tx, document_id)
    shown = [Version.model_validate(_version(one)) for one in versions]
    return DocumentDetail(**_told(found).model_dump(), versions=shown)


@router.delete("/{document_id}", status_code=204)
async def delete(here: Admitted, document_id: UUID) -> None:
    """From this moment no search finds it, also not that of an answer which is being composed."""
    async with here.transaction() as tx:
        origin = await documents.origin_of(tx, document_id)
        if origin is None:
            raise NotFound("there is no such document here")
        if origin == "file":
            raise Conflict(
                "the workspace's file names this document: take it out there, and apply it", code="in_file"
            )
        await knowledge.drop(tx, [document_id])
        await audit.add(tx, here.caller.actor, "document_deleted", "document", document_id)


@finding.post("/search")
@needs(Right.READ)
async def search(here: Admitted, query: Query) -> Found:
    """The passages that an answer would be made of, best first, found as for a customer's question."""
    found = await here.rt.knowledge.search(here.caller.workspace_id, query.query, query.limit)
    return Found(
        passages=[
            Passage(
                id=one.id, title=one.source, heading=one.heading, text=one.text, score=one.score,
                similarity=one.similarity,
            )
            for one in found
        ]
    )  # fmt: skip


@finding.get("/gaps")
async def gaps_listed(
    here: Admitted,
    state: Literal["open", "answered", "dismissed"] = "open",
    limit: Limit = LIMIT,
    cursor: Cursor = None,
) -> Page[Gap]:
    """What customers asked and no document said, the newest first; questions that ask the same together."""
    before = pagination.read_moment("gaps", cursor)
    await grouping.group(here.rt.db, here.rt.embedder, here.caller.workspace_id)
    async with here.transaction() as tx:
        rows = await gaps.listed(tx, state, before, limit + 1)
    return pagination.page(
        rows, limit, Gap.model_validate, lambda row: pagination.write("gaps", row.last_at, row.id)
    )


@finding.post("/gaps/{gap_id}")
async def settle(here: Admitted, gap_id: UUID, settled: Settled) -> Settled:
    """Close a gap: a document says it now, or none ever shall. Who asks again opens a new one."""
    async with here.transaction() as tx:
        if not await gaps.settle(tx, gap_id, settled.state):
            raise NotFound("there is no such open gap here")
        await audit.add(tx, here.caller.actor, "gap_settled", "knowledge_gap", gap_id, state=settled.state)
    return settled


_SHARES = {"queued": (0.0, 0.0), "reading": (0.05, 0.45), "embedding": (0.5, 0.5)}
"""Where a state begins in the whole, and how much of it it is."""


def _told(found: documents.Document) -> Document:
    begins, share = _SHARES.get(found.state, (1.0, 0.0))
    return Document(
        id=found.id, title=found.title, origin=found.origin, name=found.name, url=found.url, state=found.state,  # type: ignore[arg-type]
        progress=round(min(1.0, begins + share * found.done), 3), version=found.version, newest_version=found.newest,
        type=found.media_type, size=found.size, pages=found.pages, passages=found.passages,
        flags=[Flag(**one) for one in found.flags], problem=_problem(found.problem, found.detail),
        created_at=found.created_at, updated_at=found.updated_at,
    )  # fmt: skip


def _version(one: documents.Version) -> dict[str, Any]:
    told = {name: getattr(one, name) for name in ("n", "state", "name", "size", "pages", "passages", "flags")}
    times = {"created_at": one.created_at, "finished_at": one.finished_at}
    return {**told, **times, "type": one.media_type, "problem": _problem(one.problem, one.detail)}


def _problem(code: str | None, detail: str | None) -> Problem | None:
    return None if code is None else Problem(code=code, detail=detail or "it will be tried again")
