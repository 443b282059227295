"""What pages call codes and alerts is what they are called, so that nobody looks for one that is not there."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tests.docs.page import ROOT, Page, all_pages
from webhook.injection.reasons import every_reason

PAGES: Final = all_pages()
RULES: Final = (ROOT / "deploy" / "monitoring" / "prometheusrule.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_code_is_one_of_the_table(page: Page) -> None:
    assert set(re.findall(r"\bRAY\d{3}\b", page.text)) <= {reason.code for reason in every_reason()}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_alert_is_one_of_the_shipped(page: Page) -> None:
    named = set(re.findall(r"`(Ray(?:Webhook|Config)[A-Z]\w+)`", page.text))

    assert named <= set(re.findall(r"alert: (\w+)", RULES))
