"""An installation in which all is right, beside a fake API server: the shipped manifests and the real rule book.

Tests spoil one thing, look again, and see which check says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, cast

import jsonpatch
import msgspec

from tests.cluster.fake_api_server import FakeApiServer, Request, is_selected, refusal, running_api_server
from tests.cluster.support import OWN, api_at
from tests.deploy.rendering import KUSTOMIZE
from webhook.certificates.authority import issue_authority, issue_serving
from webhook.certificates.content import Content
from webhook.cluster.bundle import bundle_document
from webhook.cluster.checks.catalogue import BEFORE, INSTALLED
from webhook.cluster.checks.context import Context
from webhook.cluster.checks.installation import Given
from webhook.cluster.checks.network import Answer
from webhook.cluster.checks.outcome import Outcome, Result, State, state_of
from webhook.cluster.checks.runner import run
from webhook.cluster.client import Api
from webhook.cluster.reading import read
from webhook.cluster.secret import secret_document
from webhook.contract import Role
from webhook.errors import ClusterError
from webhook.injection.decision import Deny, Inject, decide_pod
from webhook.injection.review import parse_pod
from webhook.injection.routing import is_followed, route
from webhook.injection.snapshot import Snapshot
from webhook.manifests.documents import parse_documents

Object = dict[str, Any]

NOW: Final = datetime.now(UTC)
NAME: Final = "ray-webhook"
SERVED: Final = f"{NAME}.{OWN}.svc"
HOST: Final = "seedcore-head-svc.seedcore-dev"
ADMISSION: Final = "/apis/admissionregistration.k8s.io/v1"
CONFIGURATIONS: Final = f"{ADMISSION}/mutatingwebhookconfigurations"
POLICIES: Final = f"{ADMISSION}/validatingadmissionpolicies"
BINDINGS: Final = f"{ADMISSION}/validatingadmissionpolicybindings"
NAMESPACES: Final = "/api/v1/namespaces"
PODS: Final = "/api/v1/pods"
SERVICES: Final = "/api/v1/services"
SECRETS: Final = "/api/v1/secrets"
CONFIG_MAPS: Final = "/api/v1/configmaps"
DEPLOYMENTS: Final = "/apis/apps/v1/deployments"
NETWORK_POLICIES: Final = "/apis/networking.k8s.io/v1/networkpolicies"
RAY_CLUSTERS: Final = "/apis/ray.io/v1/rayclusters"
RAY_SERVICES: Final = "/apis/ray.io/v1/rayservices"
HEAD_LABELS: Final = {"ray.io/cluster": "seedcore", "ray.io/node-type": "head", "ray.io/is-ray-node": "yes"}

AUTHORITY: Final = issue_authority(NOW)
CONTENT: Final = Content(authority=AUTHORITY, serving=issue_serving(AUTHORITY, [SERVED], NOW))


def manifests(*files: str) -> list[Object]:
    """The objects of shipped files."""
    return [
        item for file in files for item in parse_documents((KUSTOMIZE / file).read_text(encoding="utf-8"), source=file)
    ]


@dataclass
class FakeNetwork:
    """A network in which every name resolves and everything answers, but for what is spoilt.

    Attributes:
        is_in: whether this is inside of the cluster.
        unknown: names that do not resolve.
        closed: ``HOST:PORT`` at which nobody listens.
        untrusted: why no TLS session comes about.
        dashboard: what every dashboard answers.
    """

    is_in: bool = True
    unknown: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    untrusted: str = ""
    dashboard: Answer = field(
        default_factory=lambda: Answer(status=200, body=b'{"version": "4", "ray_version": "2.60.0"}')
    )
    asked: list[str] = field(default_factory=list)

    def is_inside(self, cluster_domain: str) -> bool:
        return self.is_in

    def resolves(self, host: str) -> bool:
        return host not in self.unknown

    def connect(self, host: str, port: int) -> str:
        return "Connection refused" if f"{host}:{port}" in self.closed else ""

    def get(self, url: str) -> Answer:
        self.asked.append(url)
        return self.dashboard

    def trust(self, host: str, port: int, *, name: str, bundle: bytes) -> str:
        return self.untrusted


@dataclass
class World:
    """The cluster.

    Attributes:
        url: of the API server.
        is_called: whether pods reach the webhook.
        as_created: changes what comes back of a trial pod, as another webhook would.
        denied: rights that the service lacks by the access reviews, as ``VERB RESOURCE``.
        lacking: the same of whoever looks.
        user: who asks.
    """

    fake: FakeApiServer
    network: FakeNetwork = field(default_factory=FakeNetwork)
    url: str = ""
    is_called: bool = True
    as_created: Callable[[Object], tuple[int, Object]] = lambda pod: (201, pod)
    denied: set[str] = field(default_factory=set)
    lacking: set[str] = field(default_factory=set)
    user: str = "alice"

    def look(self, *, before: bool = False, **given: Any) -> dict[str, Result]:
        """The results of all checks, by name."""
        checks = BEFORE if before else INSTALLED
        return {result.check.name: result for result in run(checks, self.context(**given))}

    def context(self, **given: Any) -> Context:
        """What a look begins with."""
        return Context(api_at(self.url), Given(**given), network=self.network, now=datetime.now(UTC))

    def object(self, path: str, name: str, namespace: str = "") -> Object:
        """An object as it is stored, to be changed in place."""
        return self.fake.collections[path][namespace, name]

    def remove(self, path: str, name: str, namespace: str = "") -> None:
        del self.fake.collections[path][namespace, name]

    @property
    def configuration(self) -> Object:
        return self.object(CONFIGURATIONS, NAME)

    @property
    def deployment(self) -> Object:
        return self.object(DEPLOYMENTS, NAME, OWN)

    def tell_service(self, **variables: str) -> None:
        """Set variables of the Deployment's container."""
        env = self.deployment["spec"]["template"]["spec"]["containers"][0]["env"]
        kept = [entry for entry in env if entry["name"] not in variables]
        env[:] = [*kept, *({"name": name, "value": value} for name, value in variables.items())]

    def review(self, request: Request) -> tuple[int, Object]:
        """A SubjectAccessReview or SelfSubjectAccessReview."""
        asked = request.body["spec"]["resourceAttributes"]
        missing = self.lacking if request.path.endswith("selfsubjectaccessreviews") else self.denied
        is_denied = f"{asked['verb']} {asked['resource']}" in missing
        return 201, {**request.body, "status": {"allowed": not is_denied}}

    def identity(self, request: Request) -> tuple[int, Object]:
        return 201, {**request.body, "status": {"userInfo": {"username": self.user}}}

    def create_pod(self, request: Request) -> tuple[int, Object]:
        """What the API server answers, with the webhook behind it."""
        assert request.query == {"dryRun": "All"}
        namespace, pod = request.path.split("/")[4], request.body
        labels = self.object(NAMESPACES, namespace)["metadata"].get("labels") or {}
        metadata = pod["metadata"]
        sent = route(metadata.get("labels") or {}, metadata.get("annotations") or {}, namespace_labels=labels)
        if sent and self.is_called and is_followed(namespace, labels, webhook_namespace=OWN):
            return self._admitted(pod, namespace, sent.default_role)
        return self.as_created(pod)

    def _admitted(self, pod: Object, namespace: str, default_role: Role | None) -> tuple[int, Object]:
        first = Snapshot(webhook_namespace=OWN)
        snapshot = read(cast(Api, _Stored(self.fake)), settings_names=["ray-settings"], first=first, page=50).snapshot
        parsed = parse_pod(msgspec.Raw(json.dumps(pod).encode()), commands=default_role is not None)
        decision = decide_pod(parsed, namespace=namespace, snapshot=snapshot, default_role=default_role)
        if isinstance(decision, Deny):
            entry = "default-role.ray.seedcore.io" if default_role else "role.ray.seedcore.io"
            text = f'admission webhook "{entry}" denied the request: {decision.code}: {decision.message}'
            return 403, refusal(403, text)
        operations = list(decision.operations) if isinstance(decision, Inject) else []
        return self.as_created(jsonpatch.apply_patch(pod, operations))


class _Stored:
    """The API server as whoever is in its own process may ask it: a service that follows it need not wait for HTTP."""

    def __init__(self, fake: FakeApiServer) -> None:
        self._fake = fake

    def get(self, path: str, query: dict[str, str], shape: Any) -> Any:
        if path not in self._fake.collections:
            error = ClusterError("not served", fix="install it")
            error.status = 404
            raise error
        stored = self._fake.collections[path].values()
        items = [item for item in stored if is_selected(item, query)]
        return msgspec.json.decode(json.dumps({"metadata": {}, "items": items}), type=shape)


@contextmanager
def healthy() -> Iterator[World]:
    """A world in which every check passes, until the block ends."""
    world = World(fake=FakeApiServer())
    _fill(world)
    with running_api_server(world.fake) as url:
        world.url = url
        yield world


def _fill(world: World) -> None:
    fake = world.fake
    for path in (CONFIGURATIONS, POLICIES, BINDINGS, SERVICES, SECRETS, NETWORK_POLICIES, RAY_CLUSTERS, RAY_SERVICES):
        fake.serve_kind(path)
    fake.documents = {
        "/version": {"major": "1", "minor": "36+", "gitVersion": "v1.36.3"},
        "/apis": {"groups": [{"name": "ray.io", "versions": [{"version": "v1"}]}]},
        "/apis/ray.io/v1": {"resources": [{"name": "rayclusters"}, {"name": "rayservices"}]},
        ADMISSION: {"resources": [{"name": "validatingadmissionpolicies"}, {"name": "mutatingadmissionpolicies"}]},
    }
    fake.creations = {
        "subjectaccessreviews": world.review,
        "selfsubjectaccessreviews": world.review,
        "selfsubjectreviews": world.identity,
        "pods": world.create_pod,
    }
    _install(fake)
    _populate(fake)


def _install(fake: FakeApiServer) -> None:
    kinds = {"Deployment": DEPLOYMENTS, "Service": SERVICES, "MutatingWebhookConfiguration": CONFIGURATIONS}
    files = ("base/deployment.yaml", "base/service.yaml", "base/mutatingwebhookconfiguration.yaml")
    for item in manifests(*files):
        labels = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/part-of": NAME}
        fake.add(kinds[item["kind"]], {**item, "metadata": {**item["metadata"], "labels": labels}})
    webhooks = fake.collections[CONFIGURATIONS]["", NAME]["webhooks"]
    bundle = bundle_document(NAME, CONTENT.bundle, ["x"], version="1")["webhooks"][0]["clientConfig"]["caBundle"]
    for webhook in webhooks:
        webhook["clientConfig"]["caBundle"] = bundle
        webhook["objectSelector"] = {}
    fake.add(SECRETS, secret_document("ray-webhook-tls", OWN, CONTENT, done="", version=""))
    deployment = fake.collections[DEPLOYMENTS][OWN, NAME]
    deployment["status"] = {"readyReplicas": 2, "updatedReplicas": 2, "observedGeneration": 1}
    deployment["metadata"]["generation"] = 1
    for number in (1, 2):
        ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
        labels = {"app.kubernetes.io/name": NAME}
        fake.add(PODS, {"metadata": {"namespace": OWN, "name": f"{NAME}-{number}", "labels": labels}, "status": ready})


def _populate(fake: FakeApiServer) -> None:
    for name, labels in (
        ("default", {}),
        ("kube-system", {}),
        ("seedcore-dev", {}),
        ("clients", {"ray.seedcore.io/default-role": "client"}),
        (OWN, {}),
    ):
        fake.add(NAMESPACES, {"metadata": {"name": name, "labels": labels}})
    fake.config_map(OWN, {"RAY_HOST": HOST, "RAY_NAMESPACE": "seedcore-dev"})
    guard = manifests(
        "components/guard/pods.yaml", "components/guard/kuberay-pods.yaml", "components/guard/bindings.yaml"
    )
    for item in guard:
        fake.add(POLICIES if item["kind"] == "ValidatingAdmissionPolicy" else BINDINGS, item)
    add_ray_cluster(fake)


def add_ray_cluster(fake: FakeApiServer) -> None:
    """The RayCluster seedcore, with what KubeRay makes of it."""
    container = {"name": "ray-head", "image": "docker.io/rayproject/ray:2.60.0-py311"}
    workers = {"groupName": "small", "template": {"spec": {"containers": [dict(container)]}}}
    head = {"template": {"spec": {"containers": [container]}}}
    spec = {"rayVersion": "2.60.0", "headGroupSpec": head, "workerGroupSpecs": [workers]}
    metadata: Object = {"namespace": "seedcore-dev", "name": "seedcore"}
    fake.add(RAY_CLUSTERS, {"metadata": metadata, "spec": spec})
    service = {"selector": dict(HEAD_LABELS), "ports": [{"name": "client", "port": 10001}]}
    fake.add(SERVICES, {"metadata": {**metadata, "name": "seedcore-head-svc"}, "spec": service})
    pod = {"containers": [{**container, "ports": [{"name": "client", "containerPort": 10001}]}]}
    metadata |= {"name": "seedcore-head", "labels": dict(HEAD_LABELS)}
    fake.add(PODS, {"metadata": metadata, "spec": pod, "status": {"phase": "Running"}})


def problems(results: dict[str, Result]) -> dict[str, list[str]]:
    """The checks that failed or warned, each with the codes of what it said."""
    return {
        name: [outcome.code.value for outcome in _bad(result)]
        for name, result in results.items()
        if result.state in (State.WARNED, State.FAILED)
    }


def _bad(result: Result) -> list[Any]:
    outcomes: list[Outcome] = [one for one in result.outcomes if state_of(one) in (State.WARNED, State.FAILED)]
    return list(outcomes)


def told(result: Result) -> str:
    """All that a check said in words, hints too, one line each."""
    return "\n".join(f"{one.detail}{' => ' + one.hint if hasattr(one, 'hint') else ''}" for one in result.outcomes)
