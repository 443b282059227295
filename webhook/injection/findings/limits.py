"""What a rendered policy cannot do: 78x."""

from __future__ import annotations

from webhook.injection.codes import ReasonCode


class LimitCode(ReasonCode):
    """What a rendered policy cannot do that the webhook does, and how it leaves the pods that need it."""

    NAMED_TARGET = (
        "RAY780",
        "pods that name a cluster",
        "A policy looks up no other object, so a pod that names a RayCluster or RayService is left as it is.",
        "Take ray.seedcore.io/cluster or service out where the settings name that cluster, or run the webhook.",
    )
    KUBERAY_CONNECTION = (
        "RAY781",
        "KubeRay pods that opted in",
        "A policy cannot look up the RayCluster of a pod of KubeRay's, and only mends a wrong RAY_ADDRESS there.",
        "Set what its programs need in the RayCluster's pod template, or run the webhook.",
    )
    UNREFUSED = (
        "RAY782",
        "nothing is refused",
        "A policy that changes pods cannot refuse them: a pod that the webhook denies is created and left as it is.",
        "Add the component manifest-policy, which tells of them at kubectl apply, or run the webhook.",
    )
    UNTOLD = (
        "RAY783",
        "nothing is told",
        "No pod gets the annotation ray.seedcore.io/status or a warning, and nothing is counted or logged.",
        "Ask ray-webhook explain what becomes of a manifest, and why.",
    )
    SNAPSHOT = (
        "RAY784",
        "settings of one moment",
        "The values stand in the policy: pods go on to get them after the settings changed.",
        "Render and apply the policy again with each change of the settings, or run the webhook.",
    )
    EPHEMERAL = (
        "RAY785",
        "ephemeral containers",
        "A container that kubectl debug adds to a pod is left as it is.",
        "Give it what it needs with kubectl debug --env.",
    )
    TOO_LARGE = (
        "RAY786",
        "very large pods",
        "A pod with over 100 containers, 1000 variables or 500 listed names, or too costly to judge, is left as it is.",
        "Take variables into a ConfigMap and envFrom, or run the webhook.",
    )
