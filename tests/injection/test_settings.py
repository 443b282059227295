"""The keys of one level: what is valid, broken, missing or ignored."""

from __future__ import annotations

import pytest

from tests.injection.support import settings

FIVE = ["RAY_HOST", "RAY_PORT", "RAY_SERVE_URL", "RAY_DASHBOARD_URL", "RAY_NAMESPACE"]
AUTH = ["RAY_AUTH_SECRET", "RAY_AUTH_SECRET_KEY"]


@pytest.mark.parametrize("key", [*FIVE, *AUTH, "RAY_ALIASES", "RAY_ALLOWED_REFERENCES"])
def test_an_empty_value_counts_as_missing(key: str) -> None:
    read = settings({key: ""})
    assert (dict(read.values), dict(read.broken), dict(read.aliases)) == ({}, {}, {})


@pytest.mark.parametrize("key", [*FIVE, *AUTH])
@pytest.mark.parametrize("value", ["a b", "a\tb", "a\nb", "$(RAY_HOST)", "x$(", "a\x00b", "a\x7fb", "a\x1bb"])
def test_control_characters_blanks_inside_and_references_break_a_key(key: str, value: str) -> None:
    read = settings({"RAY_HOST": "fine", key: value})
    assert list(read.broken) == [key]
    assert key not in read.values
    assert read.broken[key].isascii()
    assert read.broken[key].isprintable()


@pytest.mark.parametrize("port", ["1", "80", "10001", "65535"])
def test_a_port_of_1_to_65535_is_valid(port: str) -> None:
    assert settings({"RAY_PORT": port}).values == {"RAY_PORT": port}


@pytest.mark.parametrize(
    "port", ["0", "65536", "-1", "+1", "1e3", "abc", "1.0", "99999999999", "0x50", "\u0663", "tcp://10.0.0.1:6379"]
)
def test_any_other_port_is_broken(port: str) -> None:
    read = settings({"RAY_PORT": port})
    assert (dict(read.values), list(read.broken)) == ({}, ["RAY_PORT"])


def test_valid_keys_hold_beside_a_broken_one() -> None:
    read = settings({"RAY_HOST": "h", "RAY_PORT": "0", "RAY_NAMESPACE": "n"})
    assert read.values == {"RAY_HOST": "h", "RAY_NAMESPACE": "n"}


def test_ray_address_is_ignored_and_told() -> None:
    read = settings({"RAY_ADDRESS": "ray://h:1"})
    assert (dict(read.values), list(read.ignored), dict(read.broken)) == ({}, ["RAY_ADDRESS"], {})


def test_other_keys_are_ignored() -> None:
    read = settings({"SEEDCORE_X": "a b $(", "OCPS_URL": "\x00", "ray_host": "x", "RAY_IP": "1"})
    assert (dict(read.values), dict(read.ignored), dict(read.broken)) == ({}, {}, {})


@pytest.mark.parametrize("separator", ["\n", ";", "\r\n", "\n\n", ";\n", " ; "])
def test_lines_may_be_separated_by_a_line_break_or_a_semicolon(separator: str) -> None:
    read = settings(
        {
            "RAY_ALIASES": separator.join(["SERVE_GATEWAY=RAY_SERVE_URL", "SEEDCORE_NS=RAY_NAMESPACE"]),
            "RAY_ALLOWED_REFERENCES": separator.join(["a -> b/c", "d -> e/f"]),
        }
    )
    assert read.aliases == {"SERVE_GATEWAY": "RAY_SERVE_URL", "SEEDCORE_NS": "RAY_NAMESPACE"}
    assert [(line.from_namespace, line.to_namespace, line.name) for line in read.allowed_references] == [
        ("a", "b", "c"),
        ("d", "e", "f"),
    ]
    assert dict(read.broken) == {}


ROLE_TABLE = [
    *FIVE,
    "SEEDCORE_RAY_ROLE",
    "RAY_ADDRESS",
    "RAY_SERVE_ADDRESS",
    "RAY_DASHBOARD_ADDRESS",
    "RAY_API_SERVER_ADDRESS",
    "GRPC_ENABLE_FORK_SUPPORT",
]


@pytest.mark.parametrize("key", ROLE_TABLE)
def test_an_alias_may_stand_for_any_variable_of_the_role_table(key: str) -> None:
    read = settings({"RAY_ALIASES": f"OURS={key}"})
    assert (dict(read.aliases), dict(read.broken)) == ({"OURS": key}, {})


KUBERAYS = [
    "REDIS_USERNAME",
    "REDIS_PASSWORD",
    "RAY_REDIS_ADDRESS",
    "RAY_external_storage_namespace",
    "RAY_gcs_storage",
    "RAY_gcs_storage_path",
    "RAY_AUTH_MODE",
    "RAY_AUTH_TOKEN",
    "RAY_ENABLE_K8S_TOKEN_AUTH",
    "RAY_USE_TLS",
    "RAY_TLS_SERVER_CERT",
    "RAY_TLS_SERVER_KEY",
    "RAY_TLS_CA_CERT",
    "RAY_CLUSTER_NAME",
    "RAY_CLUSTER_NAMESPACE",
    "RAY_CLOUD_INSTANCE_ID",
    "RAY_NODE_TYPE_NAME",
    "RAY_enable_autoscaler_v2",
    "RAY_gcs_rpc_server_reconnect_timeout_s",
    "KUBERAY_GEN_RAY_START_CMD",
    "KUBERAY_GEN_AUTOSCALER_START_CMD",
    "KUBERAY_CRD_VER",
    "FQ_RAY_IP",
    "RAY_IP",
    "POD_IP",
    "RAY_HEAD_POD_NAME",
    "RAY_JOB_SUBMISSION_ID",
    "RAY_USAGE_STATS_KUBERAY_IN_USE",
    "RAY_USAGE_STATS_EXTRA_TAGS",
    "RAY_DASHBOARD_ENABLE_K8S_DISK_USAGE",
]


@pytest.mark.parametrize("name", [*ROLE_TABLE, *KUBERAYS])
def test_no_alias_takes_a_name_of_ours_or_of_kuberays(name: str) -> None:
    read = settings({"RAY_ALIASES": f"{name}=RAY_SERVE_URL\nGOOD=RAY_HOST"})
    assert (dict(read.aliases), list(read.broken)) == ({"GOOD": "RAY_HOST"}, ["RAY_ALIASES"])


@pytest.mark.parametrize(
    "line", ["OURS", "OURS=", "=RAY_HOST", "OURS=OTHER", "OURS=RAY_AUTH_TOKEN", "OURS=ray_host", "A B=RAY_HOST"]
)
def test_a_line_that_is_no_alias_breaks_the_key_and_the_good_lines_hold(line: str) -> None:
    read = settings({"RAY_ALIASES": f"FIRST=RAY_HOST\n{line}\nLAST=RAY_PORT"})
    assert (dict(read.aliases), list(read.broken)) == ({"FIRST": "RAY_HOST", "LAST": "RAY_PORT"}, ["RAY_ALIASES"])


@pytest.mark.parametrize(
    "line", ["a", "a -> b", "a -> b/c/d", "-> b/c", "a ->", "a => b/c", "a -> /c", "a -> b/", "a/b -> c/d"]
)
def test_a_line_that_is_no_reference_breaks_the_key_and_the_good_lines_hold(line: str) -> None:
    read = settings({"RAY_ALLOWED_REFERENCES": f"x -> y/z\n{line}"})
    assert list(read.broken) == ["RAY_ALLOWED_REFERENCES"]
    assert [str(each.name) for each in read.allowed_references] == ["z"]


@pytest.mark.parametrize("pattern", ["app?", "[a]pps", "[!x]*"])
def test_in_a_reference_only_the_star_stands_for_anything(pattern: str) -> None:
    lines = settings({"RAY_ALLOWED_REFERENCES": f"{pattern} -> x/y"}).allowed_references
    assert not any(line.allows("apps", "x", "y") for line in lines)


@pytest.mark.parametrize("text", ["x -> y/z", "rubbish"])
def test_only_the_settings_for_everybody_have_references(text: str) -> None:
    read = settings({"RAY_ALLOWED_REFERENCES": text}, cluster_wide=False)
    assert (read.allowed_references, "RAY_ALLOWED_REFERENCES" in read.values) == ((), False)


def test_what_goes_into_every_pod_is_bounded() -> None:
    """A ConfigMap may hold 1 MiB; the good lines up to the bound hold."""
    lines = {
        "RAY_NAMESPACE": "x" * 1025,
        "RAY_ALIASES": "\n".join(f"A{number}=RAY_HOST" for number in range(101)),
        "RAY_ALLOWED_REFERENCES": "\n".join(f"team-{number} -> a/b" for number in range(1001)),
    }
    parsed = settings(lines)
    assert parsed.broken.keys() == lines.keys()
    assert (len(parsed.aliases), len(parsed.allowed_references)) == (100, 1000)
    assert "allowed: at most 1024 characters" in parsed.broken["RAY_NAMESPACE"]
