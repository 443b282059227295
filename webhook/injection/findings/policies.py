"""What the policies in the API server find: 31x of the guard, 60x of the manifest policy, which lint shares."""

from __future__ import annotations

from webhook.injection.codes import ReasonCode


class GuardCode(ReasonCode):
    """Why the guard refuses a pod that went past the webhook."""

    UNCONNECTED = (
        "RAY311",
        "client without an address",
        "The guard: the pod is to be a client, but went past the webhook and has no RAY_ADDRESS in every container.",
        "Create it again when the webhook answers, as controllers do, or list the container in skip-containers.",
    )
    MISLED = (
        "RAY312",
        "Ray's own pod with a client's address",
        "The guard: a head or worker went past the webhook with a RAY_ADDRESS that breaks drivers inside Ray.",
        "Take RAY_ADDRESS out of the manifest, or set ray.seedcore.io/on-conflict to keep.",
    )


class ManifestCode(ReasonCode):
    """What is wrong in a manifest, as the policies in the API server tell whoever applies it."""

    MISPLACED = (
        "RAY601",
        "annotation on the workload",
        "An annotation of ours stands on a workload itself, whose pods do not get it.",
        "Move it to the metadata of the pod template.",
    )
    UNKNOWN_KEY = (
        "RAY602",
        "unknown key",
        "A pod template has a label of ours, or an annotation of ours that is none of those that users write.",
        "Mend its name, or remove it.",
    )
    REFERENCE_ALONE = (
        "RAY603",
        "cluster or service without a role",
        "A pod template names a RayCluster or RayService but no role, so nothing is done with it.",
        "Set ray.seedcore.io/role to head, worker or client.",
    )
    DECLARED = (
        "RAY604",
        "Ray settings declared",
        "A pod template declares variables that its role sets or removes, and does not say that they are to be kept.",
        "Take them out of the manifest, or set ray.seedcore.io/on-conflict to keep.",
    )
    IDLE_LABEL = (
        "RAY605",
        "namespace's label does nothing",
        "A namespace's label ray.seedcore.io/default-role or injection has a value that does nothing.",
        "Set default-role to client, or injection to disabled, or remove the label.",
    )
