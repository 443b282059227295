"""What --fix does to the many ways of writing the same thing: nothing else of the text changes."""

from __future__ import annotations

import json

import pytest

from tests.manifests.fix.files import ADDRESS, HEAD, deployment, fixed, left, literal, settings, text

GIVEN = settings(RAY_HOST=HEAD)
ENTRY = literal("RAY_ADDRESS", ADDRESS)
OTHER = literal("OTHER", "one")


def one(before: str, path: str = "api.yaml") -> str:
    """The file afterwards, where the settings are known."""
    return text(fixed({path: before}, given=GIVEN), path)


def test_line_breaks_of_windows_stay() -> None:
    before = deployment(*ENTRY, *OTHER).replace("\n", "\r\n")
    assert one(before) == deployment(*OTHER).replace("\n", "\r\n")


def test_a_file_without_a_line_break_at_its_end_stays_so() -> None:
    before = (
        deployment().removesuffix("\n")
        + "\n          env:\n            - name: RAY_ADDRESS\n              value: "
        + ADDRESS
    )
    assert one(before) == deployment().removesuffix("\n")
    assert one(deployment(*ENTRY).removesuffix("\n")) == deployment().removesuffix("\n")


def test_a_byte_order_mark_stays() -> None:
    assert one("\ufeff" + deployment(*ENTRY)) == "\ufeff" + deployment()


FLOW = "spec: {containers: [{name: app, env: [%s{name: B, value: '2'}]}]}\n"
POD = "kind: Pod\nmetadata: {name: api, annotations: {ray.seedcore.io/role: client}}\n"


def test_a_list_in_flow_style() -> None:
    address = '{name: RAY_ADDRESS, value: "ray://train-head-svc:10001"}, '
    assert one(POD + FLOW % address) == POD + FLOW % ""


def test_json() -> None:
    pod = {
        "kind": "Pod",
        "metadata": {"name": "api", "annotations": {"ray.seedcore.io/role": "client"}},
        "spec": {"containers": [{"name": "app", "env": [{"name": "RAY_ADDRESS", "value": ADDRESS}]}]},
    }
    after = one(json.dumps(pod, indent=2), "api.json")
    pod["spec"]["containers"][0].pop("env")  # type: ignore[index]
    assert json.loads(after) == pod


def test_only_json_has_no_place_for_settings() -> None:
    before = json.dumps(
        {
            "kind": "Pod",
            "metadata": {"name": "api", "annotations": {"ray.seedcore.io/role": "client"}},
            "spec": {"containers": [{"name": "app", "env": [{"name": "RAY_ADDRESS", "value": ADDRESS}]}]},
        }
    )
    done = fixed({"api.json": before})
    assert done.changed == []
    assert "JSON" in next(iter(done.last.proposal.homeless.values()))


@pytest.mark.parametrize("comment", ["# why", "#why: {a"])
def test_comments_stay_on_lines_of_their_own(comment: str) -> None:
    before = deployment(
        "# above",
        f"- name: RAY_ADDRESS  {comment}",
        "  # between",
        f"  value: {ADDRESS}",
        "# below",
        *OTHER,
    )
    after = one(before)
    assert [line.strip() for line in after.splitlines() if "#" in line] == ["# above", comment, "# between", "# below"]
    assert "RAY_ADDRESS" not in after


def test_a_hash_in_a_value_is_no_comment() -> None:
    before = deployment("- name: RAY_SERVE_URL", '  value: "http://a #b"', *ENTRY)
    assert one(before) == deployment()


def test_a_comment_in_a_flow_keeps_its_line() -> None:
    entry = f'- {{name: RAY_ADDRESS, # why\n               value: "{ADDRESS}"}}'
    after = one(deployment(entry, *OTHER))
    assert "            # why\n            - name: OTHER" in after


def test_a_comment_that_has_no_line_of_its_own_keeps_what_it_is_in() -> None:
    env = f'[{{name: RAY_ADDRESS, value: "{ADDRESS}"}}, # why\n {{name: B, value: "2"}}]'
    before = POD + f"spec: {{containers: [{{name: app, env: {env}}}]}}\n"
    done = fixed({"api.yaml": before}, given=GIVEN)
    assert done.changed == []
    assert left(done) == {("RAY675", "api.yaml")}


def test_items_of_a_list_and_several_documents() -> None:
    lines = deployment(*ENTRY).splitlines()
    listed = (
        "kind: List\nitems:\n" + "\n".join(("- " if not at else "  ") + line for at, line in enumerate(lines)) + "\n"
    )
    wanted = deployment().splitlines()
    after = one(listed + "---\n" + deployment(*ENTRY, name="web") + "---\n# nothing\n")
    assert after == (
        "kind: List\nitems:\n"
        + "\n".join(("- " if not at else "  ") + line for at, line in enumerate(wanted))
        + "\n---\n"
        + deployment(name="web")
        + "---\n# nothing\n"
    )


def test_a_list_that_two_containers_share_goes_with_its_anchor_or_stays() -> None:
    before = POD + (
        "spec:\n  containers:\n  - name: a\n    env: &shared\n"
        f"    - name: RAY_ADDRESS\n      value: {ADDRESS}\n    - name: B\n      value: b\n"
        "  - name: b\n    env: *shared\n"
    )
    after = one(before)
    assert after == before.replace(f"    - name: RAY_ADDRESS\n      value: {ADDRESS}\n", "")


def test_a_shared_list_that_would_be_empty_stays() -> None:
    before = POD + (
        f"spec:\n  containers:\n  - name: a\n    env: &shared\n    - name: RAY_ADDRESS\n      value: {ADDRESS}\n"
        "  - name: b\n    env: *shared\n"
    )
    done = fixed({"api.yaml": before}, given=GIVEN)
    assert done.changed == []
    assert done.last.left


def test_what_a_template_makes_is_left_to_people() -> None:
    before = deployment("- name: RAY_ADDRESS", '  value: "{{ .Values.address }}"')
    assert fixed({"api.yaml": before}, given=GIVEN).changed == []


def test_what_is_no_yaml_is_left_alone() -> None:
    assert fixed({"api.yaml": "a: [", "x.yaml": "- 1\n", "y.yaml": "", "z.yaml": "kind: Deployment\n"}).changed == []


def test_a_value_from_a_config_map_goes_where_it_says_the_same() -> None:
    config_map = "kind: ConfigMap\nmetadata: {name: c}\ndata:\n  address: " + ADDRESS + "\n"
    entry = ("- name: RAY_ADDRESS", "  valueFrom: {configMapKeyRef: {name: c, key: address}}")
    done = fixed({"api.yaml": deployment(*entry, role=None), "c.yaml": config_map}, given=GIVEN)
    assert "RAY_ADDRESS" not in text(done, "api.yaml")


def test_a_variable_made_of_another_keeps_its_value_or_both_stay() -> None:
    old, url = literal("RAY_ADDRESS", "ray://old:10001"), literal("URL", "$(RAY_ADDRESS)/x")
    assert one(deployment(*old, *url)) == deployment(*url)
    # Where it stands behind, the variable is not expanded; without it the webhook would put its own before.
    assert fixed({"api.yaml": deployment(*url, *old)}, given=GIVEN).changed == []
    assert fixed({"api.yaml": deployment(*old, *url, role=None)}, given=GIVEN).changed == []


CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: clients  # for clients
data:
  # where Ray is
  RAY_ADDRESS: ray://train-head-svc:10001
  RAY_NAMESPACE: train
"""


def test_a_config_map_of_client_settings_alone_becomes_the_settings() -> None:
    done = fixed({"c.yaml": CONFIG_MAP, "api.yaml": deployment(env_from="clients")})
    assert text(done, "c.yaml") == CONFIG_MAP.replace("name: clients", "name: ray-settings").replace(
        "RAY_ADDRESS: ray://train-head-svc:10001", "RAY_HOST: train-head-svc"
    ) + (
        '  RAY_PORT: "10001"\n  RAY_SERVE_URL: http://train-head-svc:8000\n'
        "  RAY_DASHBOARD_URL: http://train-head-svc:8265\n"
    )
    assert text(done, "api.yaml") == deployment()


def test_a_config_map_that_is_mounted_stays_as_it_is() -> None:
    mounted = deployment(env_from="clients").replace(
        "    spec:\n", "    spec:\n      volumes: [{name: v, configMap: {name: clients}}]\n"
    )
    done = fixed({"c.yaml": CONFIG_MAP, "api.yaml": mounted})
    assert "c.yaml" not in done.changed


def test_a_config_map_with_other_keys_loses_the_ray_settings() -> None:
    done = fixed({"c.yaml": CONFIG_MAP + "  STAGE: dev\n", "api.yaml": deployment(env_from="clients")})
    after = text(done, "c.yaml")
    assert after.split("---\n")[0] == (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: clients  # for clients\ndata:\n"
        "  # where Ray is\n  STAGE: dev\n"
    )
    assert "name: ray-settings" in text(done, "api.yaml") + after
