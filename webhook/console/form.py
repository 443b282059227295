"""What was typed into the form, bounded in bytes and time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request

from webhook.errors import BodyTooLargeError, DisconnectedError, FormError, SlowBodyError

MAX_MANIFEST: Final = 256 * 1024
"""Bytes of what is pasted; a usual manifest has some 5 KB. The worst that was found takes 0.7 s of a core."""
MAX_FORM: Final = 3 * MAX_MANIFEST + 4096
"""Bytes of the form: each byte of a text may be written as three."""
FORM_SECONDS: Final = 10.0
_MAX_FIELDS: Final = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """The fields, as they were typed."""

    manifest: str = ""
    namespace: str = ""
    default_role: str = ""


async def read_form(request: Request) -> Form:
    """The form.

    Raises:
        BodyTooLargeError, SlowBodyError, DisconnectedError, FormError: it cannot be had.
    """
    try:
        async with asyncio.timeout(FORM_SECONDS):
            body = await _read(request)
    except TimeoutError:
        raise SlowBodyError("the form is not there", allowed=f"{FORM_SECONDS:g} seconds", fix="send it again") from None
    except ClientDisconnect:
        raise DisconnectedError("the sender is gone", fix="nothing: there is nobody to answer") from None
    try:
        fields = parse_qs(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise FormError(
            "the form", allowed="one in UTF-8, as a browser sends it", fix="use the console's own"
        ) from None
    first = {name: values[0] for name, values in fields.items()}
    return Form(
        # A browser sends every line's end as two characters.
        manifest=first.get("manifest", "").replace("\r\n", "\n"),
        namespace=first.get("namespace", "").strip(),
        default_role=first.get("default_role", ""),
    )


async def _read(request: Request) -> bytes:
    chunks: list[bytes] = []
    total = 0
    async for chunk in request.stream():
        total += len(chunk)
        if total > MAX_FORM:
            allowed = f"a manifest of at most {MAX_MANIFEST} bytes"
            raise BodyTooLargeError("the form's length", value=f"over {MAX_FORM}", allowed=allowed, fix="paste less")
        chunks.append(chunk)
    return b"".join(chunks)
