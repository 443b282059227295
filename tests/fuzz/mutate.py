"""Recorded review bodies, broken in many ways: pure, so that a seed and a number give the same bytes anywhere.

Most mutations replace, double or delete one value in the JSON *text*, since a parsed tree can hold neither two equal
keys nor a number that no float can hold. What a mutation makes need not be JSON any more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

# A key in JSON text; one inside an escaped text has a backslash before its closing quote and does not match.
_KEY: Final = re.compile(r'"([^"\\]*)"\s*:\s*')
_SKIP_SPAN: Final = json.JSONDecoder().raw_decode

JUNK: Final = (
    *("null", "true", "0", "-1", '""', "[]", "{}", "[null]", '[""]', "[{}]", '{"name":null}', '"x"', "3.5", "[[]]"),
    *("1e999", "-1e999", "9" * 400, str(2**64), "1.7976931348623157e309", "-0", "01", "NaN", "Infinity", "0x10"),
    *('"\\ud800"', '"\\udc00x"', '"\\u0000"', '"\x00"', '"\u2028"', '"\U0001f680"', '"\\q"', '"' + "x" * 70_000 + '"'),
)
ROLES: Final = (
    "client",
    "head",
    "worker",
    "none",
    "Client",
    "",
    " client",
    "client\\n",
    "\\u0000",
    "\u00fc",
    "x" * 3000,
)
HOSTILE: Final = (
    *("", " ", ",", "a,b", "app", "override", "keep", "deny", "jobs", "../..", "a/b/c", "team-b/train", "train", "*"),
    *("$(RAY_HOST)", "\\r\\nX-Injected: 1", "\\u001b[31m", "\\u202e", '\\"}]', "x" * 5000, "%s%n", "null", "ray://"),
)
KEYS: Final = (
    "cluster",
    "service",
    "connect",
    "ray-namespace",
    "containers",
    "skip-containers",
    "on-conflict",
    "status",
)
NAMES: Final = (
    *("RAY_ADDRESS", "RAY_HOST", "RAY_PORT", "RAY_SERVE_URL", "RAY_DASHBOARD_URL", "RAY_NAMESPACE", "RAY_AUTH_TOKEN"),
    *("SEEDCORE_RAY_ROLE", "RAY_SERVE_ADDRESS", "SERVE_GATEWAY", "KUBERAY_GEN_RAY_START_CMD", "FQ_RAY_IP", "PLAIN", ""),
)
SHAPES: Final = (
    *('"value":"ray://a:1"', '"value":"$(RAY_HOST)"', '"value":"$$(RAY_HOST)"', '"value":"auto"', '"value":null'),
    *('"value":7', '"valueFrom":{}', '"valueFrom":[]', '"value":"","valueFrom":{"fieldRef":{"fieldPath":"x"}}'),
    *('"value":"ray start --head --port=99999"', '"value":"\\u0000"', '"value":"ray://["', '"newer":[[]]'),
)
INVALID_UTF8: Final = (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\xe2\x28", b"\x80")


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """One body to send, with the names of the mutations that made it."""

    content: bytes
    mutations: tuple[str, ...]


def corpus(recorded: Sequence[bytes]) -> list[str]:
    """The texts to mutate: each recorded review once as it is, and thrice without its managedFields."""
    texts = []
    for body in recorded:
        review = json.loads(body)
        texts.append(_text(review))
        for key in ("object", "oldObject"):
            ((review["request"].get(key) or {}).get("metadata") or {}).pop("managedFields", None)
        texts += [_text(review)] * 3
    return texts


def _text(review: Any) -> str:
    return json.dumps(review, separators=(",", ":"), ensure_ascii=False)


def mutated(texts: Sequence[str], seed: int, number: int) -> Body:
    """The `number`-th body of `seed`: one to three mutations of the text, and at times one more of its bytes."""
    random = Random(f"{seed}/{number}")
    text = _with_uid(random.choice(texts), f"{seed}-{number}")
    names = []
    for mutate in random.choices(TEXT_MUTATIONS, k=random.randint(1, 3)):
        text = mutate(random, text, texts)
        names.append(mutate.__name__)
    content = text.encode()
    if random.random() < 0.1:
        mutate_bytes = random.choice(BYTE_MUTATIONS)
        content = mutate_bytes(random, content)
        names.append(mutate_bytes.__name__)
    return Body(content=content, mutations=tuple(names))


def _with_uid(text: str, uid: str) -> str:
    return text.replace(json.loads(text)["request"]["uid"], uid)


# Mutations of the text.


def _member(random: Random, text: str) -> tuple[int, int, int] | None:
    """Where one member of an object stands: its key's start, its value's start and its value's end."""
    keys = [match.span() for match in _KEY.finditer(text)]
    if not keys:
        return None
    start, value = random.choice(keys)
    try:
        return start, value, _SKIP_SPAN(text, value)[1]
    except (ValueError, RecursionError):
        return None


def swap_type(random: Random, text: str, texts: Sequence[str]) -> str:
    """Put a value of another type, or one that is no JSON, in the place of one."""
    place = _member(random, text)
    return text if place is None else text[: place[1]] + random.choice(JUNK) + text[place[2] :]


def double_key(random: Random, text: str, texts: Sequence[str]) -> str:
    """Give an object a key twice; the new one comes first or last, which is the one that counts."""
    place = _member(random, text)
    if place is None:
        return text
    start, value, end = place
    junk = text[start:value] + random.choice((text[value:end], random.choice(JUNK)))
    return f"{text[:start]}{junk},{text[start:]}" if random.random() < 0.5 else f"{text[:end]},{junk}{text[end:]}"


def delete_key(random: Random, text: str, texts: Sequence[str]) -> str:
    """Take a member out, with the comma that parts it from the next, if any."""
    place = _member(random, text)
    if place is None:
        return text
    start, _, end = place
    if text[end : end + 1] == ",":
        return text[:start] + text[end + 1 :]
    return text[:start].removesuffix(",") + text[end:]


def rename_key(random: Random, text: str, texts: Sequence[str]) -> str:
    """Give a member another's name, or one that is only almost its own."""
    place, other = _member(random, text), _member(random, text)
    if place is None or other is None:
        return text
    key = text[place[0] : place[1]]
    new = random.choice((text[other[0] : other[1]], key.upper(), key.replace('"', '"\\u0000', 1), '"":'))
    return text[: place[0]] + new + text[place[1] :]


def nest(random: Random, text: str, texts: Sequence[str]) -> str:
    """Put a deep nest in the place of a value; depths near a parser's own limit come most often."""
    place = _member(random, text)
    if place is None:
        return text
    depth = random.choice((10, 100, random.randint(900, 1100), random.randint(900, 1100), 5_000, 50_000))
    opening, closing = random.choice((("[", "]"), ('{"a":', "}"), ('{"name":[', "]}")))
    inner = random.choice(("", "1")) if opening == "[" else "1"
    return text[: place[1]] + opening * depth + inner + closing * depth + text[place[2] :]


def nest_name(random: Random, text: str, texts: Sequence[str]) -> str:
    """Nest a field that no rule reads, but that a log line names: the pod's name, or its owners."""
    depth = random.choice((100, *(random.randint(900, 1010) for _ in range(3))))
    key = random.choice(("name", "generateName", "ownerReferences"))
    return text.replace('"metadata":{', f'"metadata":{{"{key}":{"[" * depth}{"]" * depth},', 1)


def splice_values(random: Random, text: str, texts: Sequence[str]) -> str:
    """Put a value of another review in the place of one of this."""
    other = random.choice(texts)
    place, source = _member(random, text), _member(random, other)
    if place is None or source is None:
        return text
    return text[: place[1]] + other[source[1] : source[2]] + text[place[2] :]


def splice_texts(random: Random, text: str, texts: Sequence[str]) -> str:
    """The head of this review and the tail of another."""
    other = random.choice(texts)
    return text[: random.randint(0, len(text))] + other[random.randint(0, len(other)) :]


def cut(random: Random, text: str, texts: Sequence[str]) -> str:
    """The text without its end, or without a piece in its middle."""
    start = random.randint(0, len(text))
    return text[:start] + text[start + random.choice((len(text), random.randint(1, 40))) :]


def set_role(random: Random, text: str, texts: Sequence[str]) -> str:
    """Write a role, good or hostile."""
    return _annotated(text, "role", random.choice(ROLES))


def annotate(random: Random, text: str, texts: Sequence[str]) -> str:
    """Write one more of our annotations, with a good or hostile value."""
    return _annotated(text, random.choice(KEYS), random.choice((*HOSTILE, *ROLES)))


def _annotated(text: str, key: str, value: str) -> str:
    member = f'"ray.seedcore.io/{key}":"{value}"'
    if '"annotations":{"' in text:
        return text.replace('"annotations":{', f'"annotations":{{{member},', 1)
    return text.replace('"metadata":{', f'"metadata":{{"annotations":{{{member}}},', 1)


def edit_env(random: Random, text: str, texts: Sequence[str]) -> str:
    """Write one to four entries at the start of each env, or give each container one."""
    entries = [_entry(random) for _ in range(random.randint(1, 4))]
    if '"env":[{' in text:
        return text.replace('"env":[{', f'"env":[{",".join(entries)},{{')
    return re.sub(r'("(?:initC|c|ephemeralC)ontainers":\[\{)', lambda at: f'{at[1]}"env":[{",".join(entries)}],', text)


def _entry(random: Random) -> str:
    return f'{{"name":"{random.choice(NAMES)}",{random.choice(SHAPES)}}}'


# Mutations of the bytes.


def flip_bytes(random: Random, content: bytes) -> bytes:
    """One to four bytes with a bit turned, or any value instead."""
    changed = bytearray(content)
    for _ in range(random.randint(1, 4) if changed else 0):
        at = random.randrange(len(changed))
        changed[at] = random.choice((changed[at] ^ 1 << random.randrange(8), random.randrange(256)))
    return bytes(changed)


def break_utf8(random: Random, content: bytes) -> bytes:
    """Bytes that are no UTF-8, anywhere."""
    at = random.randint(0, len(content))
    return content[:at] + random.choice(INVALID_UTF8) + content[at:]


def insert_nul(random: Random, content: bytes) -> bytes:
    """A NUL, anywhere."""
    at = random.randint(0, len(content))
    return content[:at] + b"\x00" + content[at:]


def wrap(random: Random, content: bytes) -> bytes:
    """The body with something before or after it, twice, or in another encoding."""
    # Byte mutations come last, one at most, so the content is still UTF-8.
    other_encoding = content.decode().encode("utf-16")
    around = (b"\xef\xbb\xbf" + content, content + b"{}", b" \n" + content + b"\r\n", b"[" + content + b"]")
    return random.choice((*around, content * 2, other_encoding, b"", b"null"))


TextMutation = Callable[[Random, str, Sequence[str]], str]
# Each as often as it stands here: what mostly ends in a 400 is rarer than what reaches the rules.
TEXT_MUTATIONS: Final[Sequence[TextMutation]] = (
    *(swap_type, swap_type, double_key, delete_key, delete_key, rename_key, nest, nest_name, cut, splice_texts),
    *(
        splice_values,
        splice_values,
        splice_values,
        set_role,
        set_role,
        set_role,
        annotate,
        annotate,
        annotate,
        annotate,
    ),
    *(edit_env, edit_env, edit_env, edit_env, edit_env),
)
BYTE_MUTATIONS: Final[Sequence[Callable[[Random, bytes], bytes]]] = (
    flip_bytes,
    flip_bytes,
    break_utf8,
    insert_nul,
    wrap,
)
