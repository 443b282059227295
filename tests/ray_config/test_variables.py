"""`ray_config` and the webhook spell the same names."""

from __future__ import annotations

from ray_config import variables
from ray_config.role import Role
from webhook import contract


def test_every_name_that_both_spell_is_the_same() -> None:
    shared = {name for name in vars(variables) if name.isupper() and hasattr(contract, name)}

    assert {name: getattr(variables, name) for name in shared} == {name: getattr(contract, name) for name in shared}


def test_every_variable_that_the_webhook_sets_for_a_connection_is_known_here() -> None:
    own = {value for name, value in vars(variables).items() if name.isupper()}

    assert contract.ROLE_VARIABLES - {contract.GRPC_ENABLE_FORK_SUPPORT} <= own
    assert {contract.RAY_AUTH_MODE, contract.RAY_AUTH_TOKEN} <= own


def test_the_roles_are_those_that_the_webhook_writes() -> None:
    assert {role.value for role in Role} == {role.value for role in contract.Role} - {contract.Role.NONE.value}
