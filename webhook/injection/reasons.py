"""The table of codes of decisions: 1xx injected, 2xx nothing to do, 3xx denied, 4xx warnings, 5xx faults.

It is the source of the metrics' label values, the messages' prefixes, ``ray-webhook reasons`` and the documentation.
What others find, the guard (31x), the policies of manifests (6xx) and audits (7xx), is in
:mod:`webhook.injection.findings`, errors that are no decisions (wrong flags, bad requests) are classes in
:mod:`webhook.errors`; :func:`every_reason` joins them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from webhook.errors import all_errors, escape
from webhook.injection.check_codes import CheckCode
from webhook.injection.codes import ReasonCode
from webhook.injection.findings import FindingCode, GuardCode, InjectCode, LimitCode, LintCode, ManifestCode

MAX_WARNING: Final = 256
"""Bytes of one admission warning; the API server drops or cuts longer ones (seen on 1.36)."""


class Code(ReasonCode):
    """A reason or warning code of a decision."""

    # 1xx: injected
    CLIENT = (
        "RAY101",
        "client settings injected",
        "The pod is a client of Ray: it got the connection and a RAY_ADDRESS to connect with.",
        "Nothing; `ray-webhook explain` shows each variable and where it came from.",
    )
    HEAD = (
        "RAY102",
        "head settings injected",
        "The pod is a Ray head: it got the connection, and what would make it connect to itself as a client is gone.",
        "Nothing; `ray-webhook explain` shows each variable and where it came from.",
    )
    WORKER = (
        "RAY103",
        "worker settings injected",
        "The pod is a Ray worker: it got the connection, and what would make it connect as a client is gone.",
        "Nothing; `ray-webhook explain` shows each variable and where it came from.",
    )
    KUBERAY = (
        "RAY104",
        "KubeRay pod: settings injected",
        "The pod is made by KubeRay and carries a role annotation: its Ray container got the shared variables.",
        "Nothing; the role is that of KubeRay's own label.",
    )
    KUBERAY_MENDED = (
        "RAY105",
        "KubeRay pod: RAY_ADDRESS mended",
        "The pod is made by KubeRay, has no role annotation, and declared a RAY_ADDRESS that breaks drivers inside it.",
        "Take RAY_ADDRESS out of the RayCluster's pod template.",
    )

    # 2xx: nothing to do
    ALREADY_RIGHT = (
        "RAY201",
        "already right",
        "Every variable that the pod's role asks for is there already, or is kept as the manifest declares it.",
        "Nothing.",
    )
    NO_ROLE = (
        "RAY202",
        "no role",
        "The pod declares no role, is not KubeRay's, and its namespace has no default role.",
        "To connect it to Ray, set the annotation ray.seedcore.io/role on the pod template.",
    )
    OPTED_OUT = (
        "RAY203",
        "role none",
        "The annotation ray.seedcore.io/role is none: the pod is never touched.",
        "To connect it to Ray, set the role to head, worker or client.",
    )
    REDIS_CLEANUP = (
        "RAY204",
        "KubeRay's redis clean-up",
        "KubeRay's redis clean-up pods are left alone, whatever their annotations.",
        "Nothing.",
    )
    SUBMITTER = (
        "RAY205",
        "KubeRay's job submitter",
        "KubeRay's job submitters are left alone, whatever their annotations: the operator gives them their address.",
        "Nothing.",
    )
    OTHER_REQUEST = (
        "RAY206",
        "not a creation",
        "Only creations of pods and updates of pods/ephemeralcontainers are looked at; an env cannot change later.",
        "Nothing.",
    )
    EXCLUDED_NAMESPACE = (
        "RAY207",
        "excluded namespace",
        "Pods of kube-system, kube-node-lease and the webhook's own namespace are never touched.",
        "Run Ray's pods in a namespace of their own.",
    )
    MIRROR_POD = (
        "RAY208",
        "mirror pod",
        "The pod mirrors a static pod of a node; the kubelet owns it and no admission may change it.",
        "Nothing.",
    )
    RAY_STARTER = (
        "RAY209",
        "starts Ray itself",
        "The namespace makes clients of its pods, but this one runs `ray start`, so it is no client.",
        "Declare its role: set the annotation ray.seedcore.io/role to head, worker or none.",
    )
    MALFORMED_POD = (
        "RAY210",
        "malformed pod",
        "A field that the rules read has a wrong type; the API server's own validation will refuse the pod.",
        "Mend the field that the warning names.",
    )
    EPHEMERAL_REFUSAL = (
        "RAY211",
        "ephemeral container left alone",
        "What would be a denial for a new pod is only a warning for an ephemeral container, so that debugging goes on.",
        "Mend what the warning names.",
    )
    NOTHING_SELECTED = (
        "RAY212",
        "no container selected",
        "There is nothing to treat: the annotations select no container, or no container is new.",
        "Look at ray.seedcore.io/containers and ray.seedcore.io/skip-containers.",
    )

    # 3xx: denied
    BAD_ROLE = (
        "RAY301",
        "bad role",
        "The annotation ray.seedcore.io/role has a value that is no role. It is compared exactly, in lower case.",
        "Set it to head, worker, client or none.",
    )
    CLUSTER_AND_SERVICE = (
        "RAY302",
        "cluster and service",
        "A pod names a RayCluster or a RayService, not both.",
        "Remove one of ray.seedcore.io/cluster and ray.seedcore.io/service.",
    )
    BAD_REFERENCE = (
        "RAY303",
        "bad reference",
        "The annotation ray.seedcore.io/cluster or /service is not a name.",
        "Write NAME, or NAMESPACE/NAME for another namespace.",
    )
    REFERENCE_NOT_ALLOWED = (
        "RAY304",
        "reference not allowed",
        "The pod names a cluster of another namespace that the cluster-wide settings do not open to this one.",
        "Ask whoever owns the cluster-wide settings for a line in RAY_ALLOWED_REFERENCES.",
    )
    BAD_CONNECT = (
        "RAY305",
        "bad connect",
        "The annotation ray.seedcore.io/connect names no form of RAY_ADDRESS.",
        "Set it to client or jobs. A direct driver needs a raylet beside it, which a client pod has not.",
    )
    BAD_RAY_NAMESPACE = (
        "RAY306",
        "bad ray-namespace",
        "The annotation ray.seedcore.io/ray-namespace has a blank, a control character or $( in it.",
        "Write the plain name of a Ray namespace.",
    )
    BAD_CONTAINERS = (
        "RAY307",
        "bad list of containers",
        "containers or skip-containers holds what no container can be called, or both hold the same name.",
        "Write comma-separated container names, each in one of the two lists.",
    )
    BAD_ON_CONFLICT = (
        "RAY308",
        "bad on-conflict",
        "The annotation ray.seedcore.io/on-conflict is not one of its values.",
        "Set it to override, keep or deny.",
    )
    CONFLICT = (
        "RAY309",
        "declared value differs",
        "The pod says on-conflict: deny, and declares a value that differs from what its role gets.",
        "Take the variable out of the manifest, or set ray.seedcore.io/on-conflict to override or keep.",
    )
    BROKEN_SETTINGS = (
        "RAY310",
        "settings broken",
        "The client needs a settings key that is broken and of which no good value is known.",
        "Mend the key in the settings that the message names.",
    )

    # 4xx: warnings
    BUILT_IN = (
        "RAY401",
        "built-in settings used",
        "No settings name a host, so the built-in ones were used; they never replace what the manifest declares.",
        "Create a ConfigMap ray-settings in the pod's namespace or in the webhook's, or give --settings.",
    )
    UNKNOWN_CLUSTER = (
        "RAY402",
        "cluster not known",
        "The RayCluster or RayService is not there (yet); its names and ports were assumed as KubeRay makes them.",
        "Create it, or mend its name; pods created later get what its spec says.",
    )
    UNKNOWN_CONTAINER = (
        "RAY403",
        "no such container",
        "A listed container is not in the pod (yet); another webhook may still add it.",
        "Mend the name if it is misspelt.",
    )
    KUBERAY_LABEL_ALONE = (
        "RAY404",
        "KubeRay's label alone",
        "The pod has the label ray.io/node-type, but no container with KUBERAY_GEN_RAY_START_CMD: it is not KubeRay's.",
        "Take the label off, or declare the role by annotation.",
    )
    ROLE_OVERRULED = (
        "RAY405",
        "KubeRay's label is the role",
        "The role annotation of a KubeRay pod opts it in; its value differs from KubeRay's label, and the label holds.",
        "Set ray.seedcore.io/role in the template to the role of its group.",
    )
    ANNOTATION_IGNORED = (
        "RAY406",
        "annotation ignored",
        "On KubeRay's pods a bad annotation is ignored, and so are cluster, service, and containers without a role.",
        "Mend the annotation in the RayCluster's pod template, or take it out.",
    )
    WRONG_ELSEWHERE = (
        "RAY407",
        "wrong RAY_ADDRESS left",
        "A container beside a KubeRay pod's Ray container has an address that breaks drivers inside Ray.",
        "Take it out of the template, or list the container in ray.seedcore.io/containers.",
    )
    STARTS_RAY = (
        "RAY408",
        "runs `ray start`",
        "The namespace's default role is client, but the pod runs `ray start`, so it was left alone.",
        "Declare its role: set the annotation ray.seedcore.io/role to head, worker or none.",
    )
    MALFORMED = (
        "RAY409",
        "field of a wrong type",
        "A field that the rules read has a wrong type, so the pod was left as it is.",
        "Mend the field that the warning names.",
    )
    EMPTY_ADDRESS = (
        "RAY410",
        "empty RAY_ADDRESS replaced",
        "A client declares an empty RAY_ADDRESS, or a ray:// without a host; that counts as none.",
        "Take the variable out of the manifest.",
    )
    AFTER_REFERRER = (
        "RAY411",
        "stands after its reference",
        "An entry refers to a variable as $(NAME) but stands before it, so Kubernetes will not expand the reference.",
        "Move the variable before the entry, or take it out: a new one is put in the right place.",
    )
    DANGLING_REFERENCE = (
        "RAY412",
        "reference left behind",
        "A variable was removed to which another entry still refers as $(NAME); Kubernetes leaves that text as it is.",
        "Take the reference out of the manifest.",
    )
    TOKEN_ELSEWHERE = (
        "RAY413",
        "token must be copied",
        "The cluster wants a token whose Secret is in another namespace; a pod can only use Secrets of its own.",
        "Copy the Secret, and set RAY_AUTH_MODE and RAY_AUTH_TOKEN from it in the manifest.",
    )
    ENV_FROM_BEATEN = (
        "RAY414",
        "envFrom is beaten",
        "Explicit values beat what envFrom brings, under keep and deny too, since envFrom cannot be read.",
        "Take the Ray settings out of what envFrom names.",
    )
    WOULD_BE_DENIED = (
        "RAY415",
        "would be denied",
        "A new pod like this would be denied; for an ephemeral container it is only told.",
        "Mend what the message names.",
    )
    SETTINGS_KEY_BROKEN = (
        "RAY416",
        "settings key broken",
        "A settings key is broken and no good value of it is known; the pod got the valid keys only.",
        "Mend the key in the settings that the warning names.",
    )

    # 5xx: the webhook's own faults
    FAULT = (
        "RAY501",
        "internal fault",
        "The webhook failed while it decided; the pod was let through as it is.",
        "Report it, with the log line of the same uid.",
    )
    PATCH_REFUSED = (
        "RAY502",
        "patch held back",
        "The webhook's own check found that its patch might not apply; the pod was let through as it is.",
        "Report it, with the log line of the same uid.",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """One row of the joined table: a code with its texts."""

    code: str
    summary: str
    meaning: str
    fix: str | None


def every_reason() -> list[Reason]:
    """All codes there are, of decisions, findings and errors, in order; an error's fix is in its own message."""
    findings = [*GuardCode, *ManifestCode, *LintCode, *InjectCode, *FindingCode, *CheckCode, *LimitCode]
    codes: list[ReasonCode] = [*Code, *findings]
    rows = [Reason(code=c.value, summary=c.summary, meaning=c.meaning, fix=c.fix) for c in codes]
    rows += [Reason(code=e.code, summary=e.summary, meaning=e.meaning, fix=None) for e in all_errors()]
    return sorted(rows, key=lambda row: row.code)


@dataclass(frozen=True, slots=True)
class DecisionWarning:
    """A warning about a pod: its code and its text."""

    code: Code
    text: str

    def __str__(self) -> str:
        """The admission warning: code, colon, text; one line of at most :data:`MAX_WARNING` bytes of ASCII."""
        line = escape(f"{self.code.value}: {self.text}")
        return line if len(line) <= MAX_WARNING else line[: MAX_WARNING - 3] + "..."
