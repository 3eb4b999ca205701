"""``GET /v1/progress/{job}``: how far a request is that is worked on."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi import Path as InPath

from crossspace.serve.preview_schemas import Stage
from crossspace.serve.schemas import errors
from crossspace.serve.state import state_of, token_shown

router = APIRouter(prefix="/v1", tags=["conversations"])

_NAME = "^[A-Za-z0-9-]{16,64}$"
Job = Annotated[
    str | None, Query(pattern=_NAME, description="a name that nobody guesses, to ask /v1/progress for meanwhile")
]


@router.get(
    "/progress/{job}",
    summary="How far a request is",
    response_model=Stage,
    responses=errors(401, 422),
    dependencies=[Depends(token_shown)],
)
async def progress(request: Request, job: Annotated[str, InPath(pattern=_NAME)]) -> Stage:
    """Of `POST /v1/analyze?job=NAME`, by the name that the client chose. Answers while the server is busy."""
    return state_of(request).stages.stage(job)
