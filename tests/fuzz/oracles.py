"""What must hold of every answer, whatever was sent: the contract's promises that no particular rule is needed for.

Each check raises :class:`Violation`, whose text says what was broken; the fuzzers keep the input, the tests fail.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import jsonpatch
import jsonpointer

from webhook import contract
from webhook.injection.reasons import MAX_WARNING

CONTAINER_FIELDS: Final = ("initContainers", "containers", "ephemeralContainers")
MANAGED: Final = contract.ROLE_VARIABLES | {contract.RAY_AUTH_MODE, contract.RAY_AUTH_TOKEN}
"""Variables of which an entry may be added, replaced or removed; a setting's aliases come on top."""
PLANTED: Final = "planted-s3cr3t"
"""Stands in values of env entries, and may not stand in the log."""
_DOES_NOT_APPLY: Final = (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException)


class Violation(AssertionError):  # noqa: N818  what was broken is no error of the program that runs
    """A promise was broken."""


def require(condition: object, text: str) -> None:
    """Raise Violation with `text` unless `condition` holds."""
    if not condition:
        raise Violation(text)


def read_review(content: bytes) -> Any:
    """The review in `content`, with 0 for each number; None where it is nested deeper than Python's parser goes.

    The rules read no number, and one that no float can hold could not be written again.
    """
    try:
        return json.loads(content.decode(), parse_int=_zero, parse_float=_zero)
    except RecursionError:
        return None


def _zero(text: str) -> int:
    return 0


def check_answer(status: int, answer: Any, content: bytes) -> Any:
    """Check the answer to the body `content`; returns the AdmissionResponse, or None of a body that was refused."""
    if status != 200:
        require(400 <= status < 500, f"answered {status} {answer['code']}")
        require(_is_line(answer["message"]), f"message {answer['message']!r}")
        return None
    response = answer["response"]
    review = read_review(content)
    uid = review["request"]["uid"] if review else response["uid"]
    require(response["uid"] == uid, f"uid is {response['uid']!r}, not {uid!r}")
    code = response["auditAnnotations"]["code"]
    require(not code.startswith("RAY5"), f"fault {code}")
    for warning in response.get("warnings") or ():
        require(_is_line(warning) and len(warning) <= MAX_WARNING, f"warning {warning!r}")
    if not response["allowed"]:
        require(response["status"]["code"] == 403, f"denied with {response['status']}")
        require(_is_line(response["status"]["message"]), f"message {response['status']['message']!r}")
        require("patch" not in response, "denied, with a patch")
    return response


def _is_line(text: str) -> bool:
    return bool(text) and text.isascii() and text.isprintable()


def patched_review(content: bytes, response: Any, aliases: Iterable[str] = ()) -> bytes | None:
    """The review with the pod as the response's patch makes it, checked; None without a patch.

    Args:
        aliases: further variables of which entries may change.
    """
    before, review = read_review(content), read_review(content)
    if "patch" not in response or review is None:
        return None
    operations = json.loads(base64.b64decode(response["patch"]))
    request = review["request"]
    try:
        request["object"] = jsonpatch.apply_patch(request["object"], operations, in_place=True)
    except _DOES_NOT_APPLY as error:
        raise Violation(f"the patch does not apply: {error}") from None
    again = json.dumps(review).encode()
    is_creation = not request.get("subResource")
    names = MANAGED | set(aliases)
    rest, rest_before = (
        _unmanaged(pod, names, is_creation) for pod in (request["object"], before["request"]["object"])
    )
    require(rest == rest_before, "the patch changes more than variables of ours and the status annotation")
    return again


def _unmanaged(pod: Any, names: frozenset[str], is_creation: bool) -> Any:
    """The pod without what the webhook may change; `pod` itself is changed."""
    if is_creation and pod.get("metadata") is not None:
        annotations = pod["metadata"].get("annotations") or {}
        annotations.pop(contract.STATUS, None)
        pod["metadata"]["annotations"] = annotations
    for field in CONTAINER_FIELDS:
        for container in pod["spec"].get(field) or ():
            container["env"] = [entry for entry in container.get("env") or () if entry["name"] not in names]
    return pod


def check_repeated(status: int, answer: Any) -> None:
    """Check the answer to a review whose pod was patched: there is nothing left to do."""
    require(status == 200, f"the patched pod was answered with {status}")
    response = answer["response"]
    require(response["allowed"], "the patched pod is denied")
    require("patch" not in response, f"the patched pod is patched again: {_operations(response)}")


def _operations(response: Mapping[str, Any]) -> str:
    return base64.b64decode(response.get("patch", "")).decode()[:500]


def check_log(lines: Sequence[bytes], content: bytes) -> None:
    """Check the log lines of one request: each one whole line of JSON, none with a value of an env variable."""
    for line in lines:
        require(line.endswith(b"\n") and line.count(b"\n") == 1, f"log line {line!r}")
        event = json.loads(line)
        require(event["event"] == "decision", f"logged {line!r}")
        if PLANTED.encode() in line:
            require(_is_planted_elsewhere(content), f"a planted value is logged: {line!r}")


def _is_planted_elsewhere(content: bytes) -> bool:
    """Whether the planted text stands anywhere but in a container: a mutation may have moved it to the pod's name."""
    review = read_review(content)
    if review is None:
        return True
    pod = review["request"].get("object")
    if isinstance(pod, dict):
        pod.pop("spec", None)
    return PLANTED in json.dumps(review)
