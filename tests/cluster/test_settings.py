"""Which settings hold: the last good ones, the valid keys where none are known, the first of several names."""

from __future__ import annotations

from itertools import count

import pytest

from webhook.cluster.settings import ConfigMap, Entry, SettingsStore

OWN = "ray-webhook-system"
GOOD = {"RAY_HOST": "good", "RAY_PORT": "1"}
BROKEN = {"RAY_HOST": "new", "RAY_PORT": "99999"}

_versions = count(1)


@pytest.fixture
def store() -> SettingsStore:
    return SettingsStore(["ray-settings", "ray-settings-old"], OWN)


def put(
    store: SettingsStore, data: dict[str, str], namespace: str = "team-a", name: str = "ray-settings", uid: str = "u"
) -> Entry:
    entry = store.put(ConfigMap(namespace=namespace, name=name, uid=uid, version=str(next(_versions)), data=data))
    assert entry is not None
    return entry


def values(store: SettingsStore, namespace: str = "team-a") -> dict[str, str] | None:
    settings = store.in_force()[0].get(namespace)
    return dict(settings.values) if settings else None


def test_good_settings_hold(store: SettingsStore) -> None:
    put(store, GOOD)

    assert values(store) == GOOD
    assert store.in_force()[0]["team-a"].source == "ConfigMap team-a/ray-settings"


def test_broken_settings_change_nothing(store: SettingsStore) -> None:
    put(store, GOOD)
    entry = put(store, BROKEN)

    assert values(store) == GOOD
    assert set(entry.read.broken) == {"RAY_PORT"}
    assert set(store.broken()) == {("team-a", "ray-settings")}


def test_last_good_settings_outlive_many_broken_ones(store: SettingsStore) -> None:
    put(store, GOOD)
    for _ in range(3):
        put(store, BROKEN)

    assert values(store) == GOOD


def test_without_a_last_good_content_the_valid_keys_hold_and_the_broken_stay_known(store: SettingsStore) -> None:
    put(store, BROKEN)
    settings = store.in_force()[0]["team-a"]

    assert dict(settings.values) == {"RAY_HOST": "new"}
    assert set(settings.broken) == {"RAY_PORT"}


def test_mended_settings_hold_and_are_no_longer_broken(store: SettingsStore) -> None:
    put(store, BROKEN)
    put(store, GOOD)

    assert values(store) == GOOD
    assert not store.broken()


def test_deleted_settings_are_gone_and_their_last_good_content_is_forgotten(store: SettingsStore) -> None:
    put(store, GOOD)
    assert store.remove("team-a", "ray-settings")
    assert values(store) is None
    assert not store.remove("team-a", "ray-settings")

    put(store, BROKEN, uid="another")
    assert values(store) == {"RAY_HOST": "new"}


def test_settings_deleted_and_made_anew_while_nobody_watched_do_not_inherit_good_ones(store: SettingsStore) -> None:
    put(store, GOOD)
    put(store, BROKEN, uid="another")

    assert values(store) == {"RAY_HOST": "new"}


def test_deleted_broken_settings_are_no_longer_counted(store: SettingsStore) -> None:
    put(store, BROKEN)
    store.remove("team-a", "ray-settings")

    assert not store.broken()
    assert store.count() == 0


def test_the_same_version_is_no_change(store: SettingsStore) -> None:
    config_map = ConfigMap(namespace="team-a", name="ray-settings", uid="u", version="7", data=GOOD)
    assert store.put(config_map)
    before = store.in_force()[0]["team-a"]

    assert store.put(config_map) is None
    assert store.in_force()[0]["team-a"] is before


def test_a_change_elsewhere_leaves_the_others_as_they_are(store: SettingsStore) -> None:
    put(store, GOOD, "team-a")
    before = store.in_force()[0]["team-a"]
    put(store, GOOD, "team-b")

    assert store.in_force()[0]["team-a"] is before


def test_settings_of_the_webhooks_namespace_are_for_everybody_and_may_allow_references(store: SettingsStore) -> None:
    lines = {"RAY_ALLOWED_REFERENCES": "team-a -> team-b/train"}
    put(store, GOOD | lines, OWN)
    put(store, GOOD | lines, "team-a")
    namespaces, wide = store.in_force()

    assert wide is not None
    assert len(wide.allowed_references) == 1
    assert set(namespaces) == {"team-a"}
    assert namespaces["team-a"].allowed_references == ()


@pytest.mark.parametrize("first", [0, 1])
def test_the_first_name_holds_in_whatever_order_they_come(store: SettingsStore, first: int) -> None:
    rows = [("ray-settings", "strong"), ("ray-settings-old", "weak")]
    for name, host in rows[first:] + rows[:first]:
        put(store, {"RAY_HOST": host}, name=name)

    assert values(store) == {"RAY_HOST": "strong"}
    store.remove("team-a", "ray-settings")
    assert values(store) == {"RAY_HOST": "weak"}


def test_a_broken_first_name_does_not_fall_through_to_the_second(store: SettingsStore) -> None:
    put(store, {"RAY_HOST": "weak"}, name="ray-settings-old")
    put(store, BROKEN)

    assert values(store) == {"RAY_HOST": "new"}


def test_what_was_given_does_not_change(store: SettingsStore) -> None:
    put(store, GOOD)
    namespaces, _ = store.in_force()
    put(store, GOOD, "team-b")

    assert set(namespaces) == {"team-a"}
