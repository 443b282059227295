"""What ``ray-webhook inject`` and ``uninject`` say of a pod template: 68x."""

from __future__ import annotations

from webhook.injection.codes import ReasonCode


class InjectCode(ReasonCode):
    """What `ray-webhook inject` and `uninject` say of a pod template, beside what the webhook would say."""

    TAKEN_OUT = (
        "RAY680",
        "taken out",
        "What was injected is gone from the manifest, and what stood there before is back.",
        "Nothing is to be done.",
    )
    GENERATED_NAME = (
        "RAY681",
        "cluster without a name yet",
        "KubeRay makes the RayCluster under a name of its own, so its pods' connection cannot stand in the manifest.",
        "Leave these pods to the webhook, which knows their cluster.",
    )
    SHARED = (
        "RAY682",
        "not to be changed alone",
        "An alias or a merge shares the template with what must stay, or its text is too odd to be changed safely.",
        "Write the alias or the merge out.",
    )
    NOTHING_OF_OURS = (
        "RAY683",
        "nothing to take out",
        "The pod template has nothing that the webhook would put in.",
        "Nothing is to be done.",
    )
    ASSUMED_NAMESPACE = (
        "RAY684",
        "namespace assumed",
        "The connection names a RayCluster or RayService in a namespace that neither the manifest nor a flag tells.",
        "Give the namespace with -n, or write it into the manifest.",
    )
