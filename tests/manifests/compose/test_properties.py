"""What is injected into any Compose file is what the rule book says of its services, and comes out to the last byte."""

from __future__ import annotations

import random
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.manifests.compose.support import environment, injected, loaded, rest, texts, uninjected, wanted
from tests.manifests.written import Writer
from webhook import contract
from webhook.injection.findings import InjectCode

EXAMPLES: Final = settings().max_examples // 4
CHANCES = st.integers(0, 2**32).map(random.Random)
VARIABLES = st.sampled_from(["RAY_HOST", "RAY_ADDRESS", "RAY_PORT", "RAY_SERVE_ADDRESS", "GATEWAY", "A", "B"])
VALUES = st.sampled_from(
    ["", "x", "ray.example", "ray://ray.example:10001", "1", "$$x", "${HOST:-a}:1", "it's", "auto", "http://x", "é😀"]
)
MAPPINGS = st.dictionaries(VARIABLES, st.one_of(VALUES, st.none(), st.integers(0, 9)), max_size=4)
LISTS = st.dictionaries(VARIABLES, st.one_of(VALUES, st.none()), max_size=4).map(
    lambda env: [name if value is None else f"{name}={value}" for name, value in env.items()]
)
ENVIRONMENTS = st.one_of(MAPPINGS, LISTS, st.none())
ROLES = st.fixed_dictionaries(
    {contract.ROLE: st.sampled_from(["client", "head", "worker", "none", "wrong"])},
    optional={contract.ON_CONFLICT: st.sampled_from(["keep", "deny"]), "other": st.just("x")},
)
LABELS = st.one_of(ROLES, ROLES.map(lambda labels: [f"{key}={value}" for key, value in labels.items()]))
SERVICES = st.fixed_dictionaries(
    {"image": st.just("a:1")},
    optional={
        "labels": LABELS,
        "environment": ENVIRONMENTS,
        "env_file": st.sampled_from(["a.env", ["a.env"], [{"path": "a.env", "required": False}]]),
        "ports": st.just(["8000:8000"]),
    },
)
NAMES = st.sampled_from(["api", "web", "head", "worker"])
FILES = st.builds(
    lambda first, services, last: first | {"services": services} | last,
    st.fixed_dictionaries({}, optional={"name": st.just("shop")}),
    st.dictionaries(NAMES, SERVICES, min_size=1, max_size=4),
    st.fixed_dictionaries({}, optional={"volumes": st.just({"data": {"driver": "local"}})}),
)


@settings(max_examples=2 * EXAMPLES)
@given(file=FILES, chance=CHANCES)
def test_a_file_is_changed_as_the_rule_book_says_and_back_to_the_last_byte(file: Any, chance: random.Random) -> None:
    check(Writer(chance).text(file))


@settings(max_examples=2 * EXAMPLES)
@given(file=FILES, environment=ENVIRONMENTS, chance=CHANCES)
def test_what_services_share_by_aliases_is_split_where_they_differ(
    file: Any, environment: Any, chance: random.Random
) -> None:
    for service in file["services"].values():
        if chance.random() < 0.7:
            service["environment"] = environment

    check(Writer(chance, anchored=True).text({"x-env": environment, **file}))


COMMON: Final = ["{RAY_HOST: old, A: $$x}", "{A: b}", "\n    LOG: debug  # much\n    RAY_ADDRESS: 'ray://old:1'"]
TAKEN: Final = [
    "    environment: *common\n",
    "    environment:\n      <<: *common\n",
    "    environment:\n      <<: *common\n      RAY_HOST: own  # its own\n      B: c\n",
    "    environment: {<<: *common, RAY_PORT: 1}\n",
    "    <<: *base\n",
    "    <<: [*base]\n    environment: &own{number}\n      X: *text\n",
    "    environment:\n      A: *text\n",
    "    environment: {}\n",
    "    environment:\n",
    "",
]


@settings(max_examples=4 * EXAMPLES)
@given(
    common=st.sampled_from(COMMON),
    services=st.lists(
        st.tuples(st.sampled_from(TAKEN), st.sampled_from(["client", "head", "worker", "none", ""])),
        min_size=1,
        max_size=4,
    ),
    newline=st.sampled_from(["\n", "\r\n"]),
    is_ended=st.booleans(),
)
def test_what_services_share_by_merges_is_split_where_they_differ(
    common: str, services: list[tuple[str, str]], newline: str, is_ended: bool
) -> None:
    text = f"x-text: &text it\nx-common: &common {common}\nx-base: &base\n  environment: &env\n    C: d\nservices:\n"
    for number, (taken, role) in enumerate(services):
        label = f"    labels:\n      {contract.ROLE}: {role}\n" if role else ""
        text += f"  s{number}:\n    image: a:1\n{taken.replace('{number}', str(number))}{label}"

    text = (text if is_ended else text.removesuffix("\n")).replace("\n", newline)
    check(text)

    assert InjectCode.SHARED not in [outcome.code for outcome in injected(text).outcomes]


def check(text: str) -> None:
    """Injecting does to each service what the rule book says, nothing to the rest, and can be taken back."""
    result = injected(text)

    assert injected(result.text).text == result.text
    assert uninjected(result.text).text == text
    assert rest(result.text) == rest(text)
    for name, outcome in zip(loaded(text)["services"], result.outcomes, strict=True):
        service = loaded(text)["services"][name]
        if outcome.code == InjectCode.SHARED:
            assert environment(result.text, name) == texts(service.get("environment"))
            assert "*" in text
        else:
            assert environment(result.text, name) == wanted(name, service)


@settings(max_examples=EXAMPLES)
@given(file=FILES, chance=CHANCES)
def test_what_was_injected_is_taken_out_of_a_text_that_was_written_anew(file: Any, chance: random.Random) -> None:
    first = Writer(chance).text(file)
    anew = Writer(chance).text(loaded(injected(first).text))

    back = uninjected(anew).text

    assert contract.COMPOSE_RECORD not in back
    assert rest(back) == rest(first)
    for name in file["services"]:
        assert environment(back, name) == environment(first, name)
