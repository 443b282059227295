"""All checks together: names, codes and hints, and an installation in which all is right."""

from __future__ import annotations

from tests.cluster.checks.world import World, problems, told
from webhook.cluster.checks.catalogue import BEFORE, INSTALLED, chosen
from webhook.cluster.checks.outcome import Group, State
from webhook.injection.check_codes import CheckCode


def test_every_check_passes_where_all_is_right(world: World) -> None:
    results = world.look()

    assert problems(results) == {}
    assert {name: told(result) for name, result in results.items() if result.state is State.SKIPPED} == {}


def test_before_an_installation_every_check_passes_where_nothing_is_in_the_way(world: World) -> None:
    results = world.look(before=True)

    assert {result.state for result in results.values()} == {State.PASSED}


def test_nothing_is_written(world: World) -> None:
    world.look()
    world.look(before=True)
    methods = {(request.method, request.path.rpartition("/")[2]) for request in world.fake.requests}

    assert {name for method, name in methods if method not in ("GET", "POST")} == set()
    assert {name for method, name in methods if method == "POST"} == {
        "subjectaccessreviews",
        "selfsubjectaccessreviews",
        "selfsubjectreviews",
        "pods",
    }


def test_every_list_is_asked_for_by_pages(world: World) -> None:
    world.look()
    lists = [request for request in world.fake.requests if world.fake.listed(request.path) is not None]
    gets = [request for request in lists if request.method == "GET"]

    assert gets
    assert all(int(request.query["limit"]) > 0 for request in gets)


def test_names_are_unique_and_needs_come_before(world: World) -> None:
    for checks in (BEFORE, INSTALLED):
        names = [check.name for check in checks]
        assert len(set(names)) == len(names)
        for index, check in enumerate(checks):
            assert set(check.needs) <= set(names[:index])


def test_a_group_comes_with_what_it_needs() -> None:
    names = [check.name for check in chosen(["certificates"])]

    assert names == [
        "rights",
        "configuration",
        "ca-bundle",
        "secret",
        "validity",
        "certificate-name",
        "trust",
        "served",
    ]
    assert [check.name for check in chosen([])] == [check.name for check in INSTALLED]


def test_groups_are_run_in_order() -> None:
    order = list(Group)
    groups = [order.index(check.group) for check in (*BEFORE, *INSTALLED)]

    assert groups == sorted(groups)


def test_codes_are_those_of_checks_and_say_what_to_do() -> None:
    for code in CheckCode:
        assert "RAY710" <= code < "RAY780"
        assert all(text.isascii() and text.endswith(".") for text in (code.meaning, code.fix))
