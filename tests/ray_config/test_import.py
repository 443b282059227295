"""What importing the package costs; the figure in milliseconds is in bench/import_cost.py."""

from __future__ import annotations

import sys

import pytest

from tests.ray_config.support import run

LOADED = """
before = set(sys.modules)
{what}
result = sorted(set(sys.modules) - before)
"""
OWN = {*sys.stdlib_module_names, "ray_config"}
HEAVY = {"argparse", "asyncio", "concurrent", "dataclasses", "email", "http", "importlib.metadata", "inspect", "json"}
HEAVY |= {"logging", "random", "socket", "ssl", "subprocess", "urllib.parse"}


@pytest.mark.parametrize("what", ["import ray_config", "from ray_config import *"])
def test_importing_the_package_imports_no_dependency_and_nothing_heavy(what: str) -> None:
    loaded = set(run(LOADED.format(what=what), hidden=()))

    assert {name.partition(".")[0] for name in loaded} <= OWN
    assert loaded & HEAVY == set()
    assert {name for name in loaded if name.startswith("ray_config")} == {"ray_config", "ray_config.errors"}


def test_every_module_can_be_imported_without_any_optional_library() -> None:
    every = """
import importlib, pkgutil, ray_config
for module in pkgutil.iter_modules(ray_config.__path__, "ray_config."):
    importlib.import_module(module.name)
"""
    loaded = run(LOADED.format(what=every))

    assert {name.partition(".")[0] for name in loaded} <= OWN


def test_what_the_package_says_it_has_is_there() -> None:
    assert (
        run("import ray_config\nresult = [name for name in ray_config.__all__ if not hasattr(ray_config, name)]") == []
    )
