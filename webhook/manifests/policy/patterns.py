r"""The rule book's regular expressions in RE2, the dialect of CEL.

RE2 knows no lookaround, and its ``\s`` and ``\w`` are of ASCII alone, where Python's are of Unicode
(https://github.com/google/re2/wiki/Syntax).
"""

from __future__ import annotations

import re
from typing import Final

from ray_config.address import HOST
from webhook.injection import kuberay, role, settings
from webhook.injection.annotations import DNS_LABEL as LABEL
from webhook.injection.environment import REFERENCES as REFERENCE

_BLANK: Final = r"\x09-\x0d\x1c-\x1f\x{85}\pZ"
_WORD: Final = r"\pL\pN_"
_BEHIND: Final = re.compile(r"\(\?<!\[([^]]*)\]\)")
_AHEAD: Final = re.compile(r"\(\?!\[([^]]*)\]\)")
_CLASS: Final = re.compile(r"\[(?:\\.|[^]\\])*\]|\\[sSw]")


def re2(pattern: re.Pattern[str], *, whole: bool = False) -> str:
    r"""`pattern` as RE2 takes it, for a search, or for all of a text if `whole`.

    A lookaround is only translated where it forbids one character of a class, before or behind all else.

    >>> re2(re.compile(r"(?<![.])ray\s+x"))
    '(?:^|[^.])ray[\\x09-\\x0d\\x1c-\\x1f\\x{85}\\pZ]+x'
    """
    text = _AHEAD.sub(r"(?:[^\1]|$)", _BEHIND.sub(r"(?:^|[^\1])", pattern.pattern))
    text = _CLASS.sub(_unicode, text)
    return f"^(?:{text})$" if whole else text


def _unicode(match: re.Match[str]) -> str:
    text = match[0]
    if text.startswith("["):
        return text.replace(r"\s", _BLANK).replace(r"\w", _WORD)
    return {r"\s": f"[{_BLANK}]", r"\S": f"[^{_BLANK}]", r"\w": f"[{_WORD}]"}[text]


def _ipv6() -> str:
    """An IPv6 address without a zone, as RFC 3986 (3.2.2) spells it."""
    octet = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
    group = "[0-9A-Fa-f]{1,4}"
    last = rf"(?:{group}:{group}|{octet}(?:\.{octet}){{3}})"
    forms = [rf"(?:{group}:){{6}}{last}"]
    for before in range(8):
        head = rf"(?:{group}(?::{group}){{0,{before - 1}}})?" if before else ""
        after = 5 - before
        tail = rf"(?:{group}:){{{after}}}{last}" if after >= 0 else group if after == -1 else ""
        forms.append(f"{head}::{tail}")
    return "|".join(forms)


_PORT: Final = "(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"

PORT: Final = f"^{_PORT}$"
DIRECT_NAME: Final = f"^(?:{HOST.pattern}):{_PORT}$"
r"""``host:port`` with a DNS name or an IPv4 address; the host's length is another matter."""
DIRECT_IPV6: Final = rf"^\[(?:{_ipv6()})\]:{_PORT}$"
BLANK_ADDRESS: Final = "^(?:$|ray://(?:$|[:/?#]))"
"""A client's RAY_ADDRESS that counts as absent."""
UNREADABLE: Final = re2(settings.UNREADABLE)
DNS_LABEL: Final = re2(LABEL, whole=True)
REFERENCES: Final = re2(REFERENCE)
RAY_START: Final = re2(role.RAY_START)
PORT_FLAG: Final = re2(kuberay.PORT_FLAG)
ADDRESS_FLAG: Final = re2(kuberay.ADDRESS_FLAG)
TRIMMED: Final = f"(?s)[^{_BLANK}](?:.*[^{_BLANK}])?"
"""Of a text what is left without the blanks around it."""
WORD: Final = f"[^{_BLANK}]+"
