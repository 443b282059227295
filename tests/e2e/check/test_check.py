"""``ray-webhook check`` on a real API server."""

from __future__ import annotations

import pytest

from tests.e2e.check.site import Site

pytestmark = pytest.mark.e2e


def test_explore(before: Site, request: pytest.FixtureRequest) -> None:
    print(before.check("--pre").stdout)
    ended = before.check()
    print(ended.stdout, ended.stderr)
    site = request.getfixturevalue("site")
    ended = site.check("--pre")
    print(ended.stdout, ended.stderr)
    ended = site.check()
    print(ended.stdout, ended.stderr)
    print(site.plane.kubeconfig)
    assert 0
