from __future__ import annotations

import json

from tests.service import run_command
from webhook.injection.reasons import every_reason


def test_all_codes_are_listed_in_order() -> None:
    lines = run_command("reasons").stdout.splitlines()

    assert [line[:6] for line in lines] == [reason.code for reason in every_reason()]
    assert lines == sorted(lines)


def test_one_code_is_explained_with_its_fix_in_any_case() -> None:
    text = run_command("reasons", "ray301").stdout

    assert text.startswith("RAY301  bad role\n")
    assert "Set it to head, worker, client or none." in text
    assert "The webhook's decision about a new pod; the pod is refused with status 403." in text


def test_json_has_all_texts() -> None:
    rows = json.loads(run_command("reasons", "-o", "json").stdout)

    assert len(rows) == len(every_reason())
    assert rows[0].keys() == {"code", "summary", "meaning", "fix"}
