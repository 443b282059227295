"""``python -m ray_config``: what this pod is to Ray, what it would connect to and why, and whether that works.

Exit status: 0 it works, 2 the environment or the usage is wrong, 3 Ray does not answer.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any, Final

from ray_config.address import Form, RayAddress
from ray_config.bounded import Deadline
from ray_config.dashboard import check_version
from ray_config.errors import RayConfigError, RayMissingError, quote
from ray_config.info import ConnectionInfo, Found, connection_info, ray_version
from ray_config.probe import SECONDS, Answer, probe
from ray_config.resolve import find_address

_DESCRIPTION: Final = "Say what this pod is to Ray, what it would connect to and why, and whether that works."
_STATUS: Final = "exit status: 0 it works, 2 the environment or the usage is wrong, 3 Ray does not answer"
_PAUSE: Final = 1.0
_ROWS: Final = ("role", "address", "namespace", "serve", "dashboard", "token", "tls")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    given = _parser().parse_args(arguments)
    if not given.check and given.wait is None and not given.json:
        _print_table(connection_info())
    try:
        outcome: Answer | RayConfigError = _waited(given.wait) if given.wait else _ask(Deadline(2 * SECONDS))
    except RayConfigError as error:
        outcome = error
    if given.json:
        print(json.dumps({**connection_info(), **_as_json(outcome)}))
    else:
        _print_outcome(outcome, indented=not given.check and given.wait is None)
    return outcome.exit_status if isinstance(outcome, RayConfigError) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ray_config", description=_DESCRIPTION, epilog=_STATUS)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="say only whether it works, for exec probes")
    what.add_argument("--wait", type=_seconds, metavar="SECONDS", help="wait until it works, for init containers")
    what.add_argument("--json", action="store_true", help="everything, as one JSON object")
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds above 0")
    return seconds


def _ask(deadline: Deadline) -> Answer:
    """Probe what the environment says.

    Raises:
        RayConfigError: why it would not work.
    """
    address = find_address(os.environ)
    form = RayAddress.parse(address.value).form
    _check_installed(form)
    answer = probe(os.environ, address, deadline.left(SECONDS))
    own = ray_version()
    if own is not None and form is Form.CLIENT:
        check_version(os.environ, address, own, deadline.left(SECONDS))
    return answer


def _check_installed(form: Form) -> None:
    needed = {Form.HTTP: (), Form.CLIENT: ("ray", "grpc")}.get(form, ("ray",))
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise RayMissingError(
            f"{' and '.join(missing)} cannot be imported", fix="install ray[client] in the cluster's own version"
        )


def _waited(seconds: float) -> Answer:
    """Probe until there is an answer, and say each new reason why there is none yet.

    Raises:
        RayConfigError: what waiting does not help, or the last reason.
    """
    deadline = Deadline(seconds)
    told = None
    while True:
        began = time.monotonic()
        try:
            return _ask(deadline)
        except RayConfigError as error:
            took = time.monotonic() - began
            # A probe that has less time than the last one took would end too early to say why.
            if not error.transient or deadline.left() <= _PAUSE + took:
                raise
            if error.reason != told:
                told = error.reason
                print(f"waiting, {error}", file=sys.stderr, flush=True)
        time.sleep(_PAUSE)


def _print_table(info: ConnectionInfo) -> None:
    for row in _ROWS:
        found: Found = info[row]
        print(f"{row:<10} {_told(found)}")
    print(f"{'versions':<10} Ray {info['ray_version'] or 'is not installed'}, Python {info['python_version']}")


def _told(found: Found) -> str:
    if found["error"] or found["value"] is None:
        return found["error"] or "-"
    value = found["value"] if found["value"].isprintable() else quote(found["value"])
    return f"{value}  ({found['source']})"


def _print_outcome(outcome: Answer | RayConfigError, *, indented: bool) -> None:
    if isinstance(outcome, RayConfigError):
        text = f"no, {outcome}"
    else:
        text = f"yes, {outcome.what} in {outcome.seconds * 1000:.0f} ms"
    print(f"{'works':<10} {text}" if indented else text)


def _as_json(outcome: Answer | RayConfigError) -> dict[str, Any]:
    if isinstance(outcome, RayConfigError):
        return {"works": False, "reason": outcome.reason, "message": outcome.message, "fix": outcome.fix}
    return {"works": True, "reason": None, "message": outcome.what, "fix": None}


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
