"""The patterns that a policy is given take what the rules take, where Python can tell: RE2's dialect is put back."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ray_config.address import MAX_HOST, lacks_host, parse_port
from webhook.injection import environment, kuberay, role, settings
from webhook.injection.annotations import DNS_LABEL
from webhook.injection.review import EnvVar
from webhook.injection.variables import is_direct_address
from webhook.manifests.policy import patterns

Z = "\\u0020\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"
"""RE2's ``\\pZ``."""


def compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern.replace(r"\pZ", Z).replace(r"\x{85}", r"\x85").replace(r"\pL\pN_", r"\w"), re.DOTALL)


PARTS = [
    "a",
    "B9",
    "_",
    "-",
    ".",
    ":",
    "6379",
    "0",
    "65535",
    "65536",
    "[",
    "]",
    "::",
    "1.2.3.4",
    "01",
    "auto",
    "\u00e9",
    " ",
]
ADDRESSES = st.lists(st.sampled_from(PARTS), max_size=12).map("".join)
BRACKETED = st.lists(st.sampled_from(["1", "ffff", "::", ":", "1.2.3.4", "300.1.1.1"]), max_size=16).map("".join)


def is_direct(text: str) -> bool:
    """As the policy says it."""
    if text.startswith("["):
        return compiled(patterns.DIRECT_IPV6).search(text) is not None
    return text.rfind(":") <= MAX_HOST and compiled(patterns.DIRECT_NAME).search(text) is not None


@given(text=ADDRESSES | BRACKETED.map(lambda inner: f"[{inner}]:6379"))
def test_a_direct_address_is_one_of_the_rules(text: str) -> None:
    assert (text in ("", "auto") or is_direct(text)) is is_direct_address(EnvVar(name="RAY_ADDRESS", value=text))


@pytest.mark.parametrize(
    "text",
    ["[::]:1", "[1:2:3:4:5:6:7:8]:1", "[1:2:3:4:5:6:7::]:1", "[::ffff:10.0.0.1]:65535", f"{'a.' * 126}a:1", "a_b.c.:7"],
)
def test_a_rare_address_is_direct(text: str) -> None:
    assert is_direct(text)


@given(text=st.text("0123456789", max_size=6))
def test_a_port_is_one_of_the_rules(text: str) -> None:
    assert (compiled(patterns.PORT).search(text) is not None) is (parse_port(text) is not None)


@given(text=st.sampled_from(["", "ray://", "ray:", "http://"]).flatmap(lambda head: ADDRESSES.map(lambda s: head + s)))
def test_a_blank_address_is_one_of_the_rules(text: str) -> None:
    assert (compiled(patterns.BLANK_ADDRESS).search(text) is not None) is (not text or lacks_host(text))


BLANKS = st.text(
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2003\u200b\u2028\u3000a.-_=$()\u00e9\u0301x9ray", max_size=8
)
SEARCHED: list[tuple[str, re.Pattern[str]]] = [
    (patterns.UNREADABLE, settings.UNREADABLE),
    (patterns.REFERENCES, environment.REFERENCES),
    (patterns.RAY_START, role.RAY_START),
    (patterns.PORT_FLAG, kuberay.PORT_FLAG),
    (patterns.ADDRESS_FLAG, kuberay.ADDRESS_FLAG),
]


@given(
    pair=st.sampled_from(SEARCHED),
    parts=st.lists(BLANKS | st.sampled_from(["ray start", "--port", "--address=", "ray", "start"]), max_size=6),
)
def test_a_translated_pattern_finds_what_the_rules_find(pair: tuple[str, Any], parts: list[str]) -> None:
    ours, theirs = pair
    text = "".join(parts)
    assert bool(compiled(ours).search(text)) is bool(theirs.search(text))


@given(text=BLANKS)
def test_a_trimmed_text_is_what_python_strips(text: str) -> None:
    match = compiled(patterns.TRIMMED).search(text)
    assert (match[0] if match else "") == text.strip()


@given(text=st.text("ab9-A_.", max_size=70))
def test_a_name_of_a_container_is_one_of_the_rules(text: str) -> None:
    assert bool(compiled(patterns.DNS_LABEL).search(text)) is bool(DNS_LABEL.fullmatch(text))
