"""An installation with one thing wrong: the check that says so, its code, and the words that mend it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.cluster.checks.world import (
    AUTHORITY,
    BINDINGS,
    CONFIG_MAPS,
    CONFIGURATIONS,
    CONTENT,
    DEPLOYMENTS,
    HOST,
    NAME,
    NAMESPACES,
    NOW,
    POLICIES,
    SECRETS,
    SERVED,
    SERVICES,
    World,
    problems,
    told,
)
from tests.cluster.fake_api_server import PODS
from tests.cluster.support import OWN
from webhook.certificates.authority import KeyPair, issue_authority, issue_serving
from webhook.certificates.content import Content
from webhook.cluster.checks.outcome import State
from webhook.cluster.secret import secret_document

Spoil = Callable[[World], object]
Row = tuple[Spoil, dict[str, list[str]], str]
"""What spoils, the checks that do not pass with their codes, and words that one of them says."""

OTHER = issue_authority(NOW)
AGO = timedelta(days=70)


def entry(number: int, **fields: Any) -> Spoil:
    return lambda world: world.configuration["webhooks"][number].update(fields)


def client(**fields: Any) -> Spoil:
    def spoil(world: World) -> None:
        for webhook in world.configuration["webhooks"]:
            config = webhook["clientConfig"]
            webhook["clientConfig"] = {**config, "service": {**config["service"], **fields}}

    return spoil


def bundle(pem: bytes | None) -> Spoil:
    def spoil(world: World) -> None:
        text = {} if pem is None else {"caBundle": b64encode(pem).decode()}
        config = world.configuration["webhooks"][0]["clientConfig"]
        world.configuration["webhooks"][0]["clientConfig"] = {"service": config["service"], **text}

    return spoil


def certificate(serving: KeyPair, authority: KeyPair = AUTHORITY) -> Spoil:
    content = Content(authority=authority, serving=serving)
    return lambda world: world.fake.add(SECRETS, secret_document("ray-webhook-tls", OWN, content, done="", version=""))


def data(**parts: bytes) -> Spoil:
    encoded = {key.replace("_", "."): b64encode(value).decode() for key, value in parts.items()}
    return lambda world: world.object(SECRETS, "ray-webhook-tls", OWN)["data"].update(encoded)


def status(**fields: int) -> Spoil:
    return lambda world: world.deployment["status"].update(fields)


def pod_waits(world: World) -> None:
    state = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
    pod = world.object(PODS, f"{NAME}-1", OWN)
    pod["status"] = {"phase": "Pending", "containerStatuses": [{"name": NAME, "state": state}]}
    status(readyReplicas=1)(world)


def new_one_waits(world: World) -> None:
    """As many as are wanted are ready, for the old ones stay until the new one is."""
    pod_waits(world)
    status(replicas=3, readyReplicas=2, updatedReplicas=2)(world)


def unschedulable(world: World) -> None:
    told = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
    world.object(PODS, f"{NAME}-1", OWN)["status"] = {"phase": "Pending", "conditions": [told]}
    status(readyReplicas=1)(world)


def image(name: str) -> Spoil:
    return lambda world: world.deployment["spec"]["template"]["spec"]["containers"][0].update(image=name)


def settings(namespace: str, **values: str) -> Spoil:
    return lambda world: world.fake.config_map(namespace, values)


def label(namespace: str, **labels: str) -> Spoil:
    named = {f"ray.seedcore.io/{key.replace('_', '-')}": value for key, value in labels.items()}
    return lambda world: world.object(NAMESPACES, namespace)["metadata"]["labels"].update(named)


def binding(**spec: Any) -> Spoil:
    return lambda world: world.object(BINDINGS, "ray-webhook-guard")["spec"].update(spec)


def type_warning(world: World) -> None:
    warnings = [{"fieldRef": "spec.validations[0]", "warning": "undeclared reference"}]
    world.object(POLICIES, "ray-webhook-guard")["status"] = {"typeChecking": {"expressionWarnings": warnings}}


def both(*spoils: Spoil) -> Spoil:
    return lambda world: [spoil(world) for spoil in spoils]


CLUSTER: dict[str, Row] = {
    "old": (
        lambda world: world.fake.documents["/version"].update(minor="29"),
        {"kubernetes-version": ["RAY711"]},
        "upgrade the cluster",
    ),
    "rights": (
        lambda world: world.denied.add("list rayclusters"),
        {"service-rights": ["RAY717"]},
        f"system:serviceaccount:{OWN}:ray-webhook may not list rayclusters.ray.io",
    ),
    "right to write the bundle": (
        lambda world: world.denied.add("patch mutatingwebhookconfigurations"),
        {"service-rights": ["RAY717"]},
        "patch mutatingwebhookconfigurations.admissionregistration.k8s.io/ray-webhook",
    ),
}
CONFIGURATION: dict[str, Row] = {
    "no configuration": (
        lambda world: world.remove(CONFIGURATIONS, NAME),
        {"configuration": ["RAY720"], "guard-parameter": ["RAY768", "RAY768"]},
        "there is no MutatingWebhookConfiguration ray-webhook",
    ),
    "no entry": (
        lambda world: world.configuration["webhooks"].pop(),
        {"selection": ["RAY721"]},
        "has no entry default-role.ray.seedcore.io",
    ),
    "rules": (entry(0, rules=[]), {"selection": ["RAY722"]}, "role.ray.seedcore.io: rules is []"),
    "namespaces": (entry(1, namespaceSelector={}), {"selection": ["RAY722"]}, "namespaceSelector is {}"),
    "objects": (
        entry(0, objectSelector={"matchLabels": {"a": "b"}}),
        {"selection": ["RAY722"]},
        "objectSelector is",
    ),
    "conditions": (entry(0, matchConditions=[]), {"selection": ["RAY722"]}, "matchConditions is []"),
    "paths": (client(path="/other"), {"selection": ["RAY722", "RAY722"]}, 'path is "/other"; shipped: "/mutate"'),
    "time-out": (entry(0, timeoutSeconds=10), {"handling": ["RAY723"]}, "timeoutSeconds is 10; shipped: 3"),
    "policy": (entry(1, failurePolicy="Fail"), {"handling": ["RAY723"]}, "deploy/apply.sh NAMESPACE"),
    "no bundle": (bundle(None), {"ca-bundle": ["RAY724"]}, "caBundle is missing => see why the leading replica"),
    "bundle of nothing": (bundle(b"x"), {"ca-bundle": ["RAY724"]}, "the caBundle is without a certificate"),
    "no service": (lambda world: world.remove(SERVICES, NAME, OWN), {"service": ["RAY725"]}, "there is no Service"),
    "another service": (client(name="other"), {"service": ["RAY725"]}, f"calls the Service {OWN}/other; installed:"),
    "port": (client(port=444), {"service": ["RAY725"]}, "calls port 444 of the Service ray-webhook, which has [443]"),
    "selector": (
        lambda world: world.object(SERVICES, NAME, OWN)["spec"].update(selector={"app": "other"}),
        {"service": ["RAY725"]},
        "does not select the pods of the Deployment",
    ),
}
CERTIFICATES: dict[str, Row] = {
    "no secret": (
        lambda world: world.remove(SECRETS, "ray-webhook-tls", OWN),
        {"secret": ["RAY730"]},
        f"there is no Secret {OWN}/ray-webhook-tls => see why the leading replica",
    ),
    "foreign key": (
        data(tls_key=OTHER.key),
        {"secret": ["RAY731"]},
        f"kubectl delete secret ray-webhook-tls -n {OWN}",
    ),
    "no certificate": (data(tls_crt=b"x"), {"secret": ["RAY731"]}, "the Secret"),
    "expired": (
        certificate(issue_serving(AUTHORITY, [SERVED], NOW - timedelta(days=91))),
        {"validity": ["RAY733"]},
        "it is valid from",
    ),
    "not yet": (
        certificate(issue_serving(AUTHORITY, [SERVED], NOW + timedelta(days=1))),
        {"validity": ["RAY733"]},
        "and now is",
    ),
    "due": (certificate(issue_serving(AUTHORITY, [SERVED], NOW - AGO)), {"validity": ["RAY734"]}, "19 days are left"),
    "name": (
        certificate(issue_serving(AUTHORITY, ["other.svc"], NOW)),
        {"certificate-name": ["RAY735"]},
        f"it is for other.svc; called: {SERVED}",
    ),
    "another authority": (
        certificate(issue_serving(OTHER, [SERVED], NOW), OTHER),
        {"trust": ["RAY732", "RAY732"]},
        "the caBundle trusts nobody who issued",
    ),
    "another bundle": (bundle(OTHER.certificate), {"trust": ["RAY732"]}, "role.ray.seedcore.io: the caBundle"),
    "no session": (
        lambda world: setattr(world.network, "untrusted", "Connection refused"),
        {"served": ["RAY736", "RAY736"]},
        f"no TLS session with {SERVED}:443 (Connection refused)",
    ),
}
REPLICAS: dict[str, Row] = {
    "no deployment": (lambda world: world.remove(DEPLOYMENTS, NAME, OWN), {"deployment": ["RAY740"]}, "--deployment"),
    "image": (pod_waits, {"ready": ["RAY741"]}, "1 of 2 are ready: ray-webhook-1 ImagePullBackOff (no such image)"),
    "schedule": (unschedulable, {"ready": ["RAY741"]}, "ray-webhook-1 Unschedulable (0/3 nodes)"),
    "none": (
        lambda world: world.deployment["spec"].update(replicas=0) or status(readyReplicas=0)(world),
        {"ready": ["RAY741"], "several": ["RAY744"]},
        "kubectl scale deployment/ray-webhook",
    ),
    "rollout": (status(updatedReplicas=1), {"ready": ["RAY742"]}, "kubectl rollout status deployment/ray-webhook"),
    "rollout that waits": (
        new_one_waits,
        {"ready": ["RAY742"]},
        "1 of 3 are not of the newest revision: ray-webhook-1 ImagePullBackOff (no such image)",
    ),
    "not seen": (status(observedGeneration=0), {"ready": ["RAY742"]}, "newest revision"),
    "version": (image("x/ray-webhook:9.9.9"), {"version": ["RAY743"]}, "the Deployment runs 9.9.9, and this is"),
    "single": (
        lambda world: world.deployment["spec"].update(replicas=1),
        {"several": ["RAY744"]},
        "kubectl scale deployment/ray-webhook -n ray-webhook-system --replicas=2",
    ),
}
SETTINGS: dict[str, Row] = {
    "none": (
        lambda world: world.remove(CONFIG_MAPS, "ray-settings", OWN),
        {"settings": ["RAY750"], "default-clients": ["RAY752"]},
        f"kubectl create configmap ray-settings -n {OWN} --from-literal=RAY_HOST=",
    ),
    "no host": (
        settings(OWN, RAY_NAMESPACE="x"),
        {"settings": ["RAY750"], "default-clients": ["RAY752"]},
        f"kubectl patch configmap ray-settings -n {OWN}",
    ),
    "broken": (
        settings("default", RAY_PORT="70000"),
        {"settings-valid": ["RAY705"], "trial-client": ["RAY762"]},
        'RAY_PORT is "70000"; allowed: a port of 1-65535 => kubectl edit configmap ray-settings -n default',
    ),
    "ignored": (
        settings(OWN, RAY_HOST=HOST, RAY_ADDRESS="ray://x:1"),
        {"settings-valid": ["RAY706"]},
        """-p '{"data":{"RAY_ADDRESS":null}}'""",
    ),
    "bare": (
        settings(OWN, RAY_HOST="seedcore-head-svc"),
        {"bare-hosts": ["RAY751"]},
        "names the Service seedcore-head-svc, which is not in clients, default => kubectl patch configmap ray-settings",
    ),
    "bare url": (
        settings(OWN, RAY_HOST=HOST, RAY_SERVE_URL="http://seedcore-head-svc:8000"),
        {"bare-hosts": ["RAY751"]},
        '"RAY_SERVE_URL":"http://seedcore-head-svc.seedcore-dev:8000"',
    ),
    "bare in a namespace": (
        settings("clients", RAY_HOST="nowhere"),
        {"bare-hosts": ["RAY751"], "ray-services": ["RAY774"]},
        "ConfigMap clients/ray-settings: RAY_HOST names the Service nowhere, which is not in clients",
    ),
    "idle label": (label("default", default_role="worker"), {"namespace-labels": ["RAY605"]}, "allowed: client"),
}
POLICY: dict[str, Row] = {
    "observe": (
        lambda world: world.tell_service(RAY_WEBHOOK_MODE="observe"),
        {"guard-mode": ["RAY766"]},
        "kubectl patch validatingadmissionpolicybinding ray-webhook-guard --type merge",
    ),
    "no binding": (
        lambda world: world.remove(BINDINGS, "ray-webhook-guard"),
        {"policies": ["RAY765"]},
        "kubectl delete validatingadmissionpolicy ray-webhook-guard",
    ),
    "no policy": (
        lambda world: world.remove(POLICIES, "ray-webhook-guard"),
        {"policies": ["RAY765"]},
        "is for the policy ray-webhook-guard, which is not there",
    ),
    "types": (type_warning, {"policy-types": ["RAY767"]}, "spec.validations[0]: undeclared reference"),
    "parameter": (
        binding(paramRef={"name": "other", "parameterNotFoundAction": "Allow"}),
        {"guard-parameter": ["RAY768"]},
        "reads the MutatingWebhookConfiguration other, which is not there",
    ),
}
EVERYTHING = CLUSTER | {
    f"{group}: {name}": row
    for group, rows in (
        ("configuration", CONFIGURATION),
        ("certificates", CERTIFICATES),
        ("replicas", REPLICAS),
        ("settings", SETTINGS),
        ("policies", POLICY),
    )
    for name, row in rows.items()
}


@pytest.mark.parametrize(("spoil", "expected", "words"), EVERYTHING.values(), ids=EVERYTHING)
def test_what_is_wrong_is_told_with_what_mends_it(
    world: World, spoil: Spoil, expected: dict[str, list[str]], words: str
) -> None:
    spoil(world)
    results = world.look()

    assert problems(results) == expected
    assert words in "\n".join(told(results[name]) for name in expected)


def test_what_needs_a_check_that_failed_is_skipped_and_says_so(world: World) -> None:
    world.remove(CONFIGURATIONS, NAME)
    results = world.look()

    for name in ("selection", "handling", "ca-bundle", "service", "trial-client"):
        assert (results[name].state, told(results[name])) == (
            State.SKIPPED,
            'it needs "the webhook configuration is there", which failed',
        )
    assert told(results["trust"]) == 'it needs "each entry has a caBundle", which was skipped'


def test_an_overlay_with_other_names_is_looked_at_by_what_the_deployment_tells(world: World) -> None:
    client(name=f"my-{NAME}")(world)
    for path in (SERVICES, CONFIGURATIONS):
        found = world.fake.collections[path].pop((OWN if path == SERVICES else "", NAME))
        found["metadata"]["name"] = f"my-{NAME}"
        world.fake.add(path, found)
    certificate(issue_serving(AUTHORITY, [f"my-{SERVED}"], NOW))(world)
    world.tell_service(RAY_WEBHOOK_SERVICE=f"my-{NAME}", RAY_WEBHOOK_WEBHOOK_CONFIGURATION=f"my-{NAME}")
    for name in ("ray-webhook-guard", "ray-webhook-guard-kuberay"):
        world.object(BINDINGS, name)["spec"]["paramRef"]["name"] = f"my-{NAME}"

    assert problems(world.look()) == {}


def test_a_certificate_of_somebodys_own_is_found_by_its_mount(world: World) -> None:
    """With an intermediate authority between, whose certificate is served beside it."""
    spec = world.deployment["spec"]["template"]["spec"]
    spec["containers"][0]["args"] = ["serve", "--tls-cert", "/tls/tls.crt", "--tls-key=/tls/tls.key"]
    spec["containers"][0]["volumeMounts"] = [{"name": "pair", "mountPath": "/tls"}]
    spec["volumes"] = [{"name": "pair", "secret": {"secretName": "mine"}}]
    world.fake.add(SECRETS, {"metadata": {"namespace": OWN, "name": "mine"}, "data": {}})
    missing = world.look()
    pair = {"tls.crt": b64encode(CONTENT.serving.certificate + AUTHORITY.certificate).decode()}
    world.object(SECRETS, "mine", OWN)["data"] = pair

    assert problems(missing) == {"secret": ["RAY731"]}
    assert problems(world.look()) == {}


def test_outside_of_the_cluster_is_no_failure_and_says_how_to_look_inside(world: World) -> None:
    world.network.is_in = False
    results = world.look()
    command = f"kubectl exec -n {OWN} deploy/ray-webhook -- ray-webhook check --only"

    assert problems(results) == {}
    assert f"{command} certificates" in told(results["served"])
    assert f"{command} network" in told(results["inside"])
    assert told(results["ray-names"]) == 'it needs "Service names resolve here", which was skipped'


def test_without_policies_there_is_nothing_to_say_of_them(world: World) -> None:
    world.fake.collections[POLICIES].clear()
    world.fake.collections[BINDINGS].clear()

    assert problems(world.look()) == {}


def test_a_service_with_an_external_name_needs_no_selector(world: World) -> None:
    ports = [{"port": 443}]
    spec = {"type": "ExternalName", "externalName": "elsewhere.example", "ports": ports}
    world.object(SERVICES, NAME, OWN)["spec"] = spec

    assert problems(world.look()) == {}


def test_an_expression_may_be_written_on_several_lines(world: World) -> None:
    condition = world.configuration["webhooks"][0]["matchConditions"][1]
    condition["expression"] = condition["expression"].replace(" || ", "\n  || ")

    assert problems(world.look()) == {}


def test_a_namespace_with_a_host_of_its_own_is_not_asked_for_a_bare_one(world: World) -> None:
    settings(OWN, RAY_HOST="seedcore-head-svc")(world)
    settings("clients", RAY_HOST=HOST)(world)
    settings("default", RAY_HOST=HOST)(world)

    assert problems(world.look()) == {}
