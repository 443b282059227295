"""The families of codes, by how a code begins: who tells it, and what becomes of the pod, file or request then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Family:
    """Codes that begin alike.

    Attributes:
        prefixes: how they begin; of several families the one with the longest prefix has a code.
        title: what they are.
        when: who tells such a code, and what happens then.
    """

    prefixes: tuple[str, ...]
    title: str
    when: str


FAMILIES: Final = (
    Family(("RAY1",), "Injected", "The webhook's decision about a new pod; the pod is created with the settings."),
    Family(("RAY2",), "Nothing to do", "The webhook's decision about a pod; the pod is created as it is."),
    Family(("RAY3",), "Denied", "The webhook's decision about a new pod; the pod is refused with status 403."),
    Family(
        ("RAY311", "RAY312"),
        "Refused by the guard",
        "The guard, a policy in the API server, about a pod that went past the webhook; the pod is refused, and the "
        "controller that creates it tries again.",
    ),
    Family(("RAY4",), "Warnings", "The webhook's warning about a pod, beside its decision; the pod is not held up."),
    Family(
        ("RAY50",),
        "Faults of the webhook",
        "The webhook about itself, as a warning and in its log; the pod is created as it is.",
    ),
    Family(
        ("RAY51",),
        "Asked to come again",
        "The webhook's answer to the API server, with status 503; the API server asks again within its time-out.",
    ),
    Family(
        ("RAY60",),
        "Manifests",
        "The manifest policy in the API server at kubectl apply, and ray-webhook lint; a policy that is bound to deny "
        "refuses the manifest.",
    ),
    Family(("RAY6",), "Found by lint", "ray-webhook lint, about a line of a file; its exit status is 1 then."),
    Family(("RAY67",), "Told by lint --fix", "ray-webhook lint --fix, about what it changed, or left as it is."),
    Family(("RAY68",), "Told by inject", "ray-webhook inject and uninject, about a pod template of a manifest."),
    Family(
        ("RAY70",),
        "Found by audit",
        "ray-webhook audit, explain KIND/NAME or check, about what is in the cluster already.",
    ),
    Family(("RAY7",), "Found by check", "ray-webhook check, about a cluster or an installation."),
    Family(
        ("RAY78",),
        "Limits of a rendered policy",
        "ray-webhook render policy, about what the policy that it prints cannot do.",
    ),
    Family(("RAY8",), "Errors of commands", "A command that cannot go on, in one line on the standard error."),
    Family(
        ("RAY81", "RAY82"),
        "Refused requests",
        "The service's answer to an HTTP request that is none of an API server's; it is counted.",
    ),
)
"""In the order of their codes, but for the exceptions among them."""


def family_of(code: str) -> Family:
    """The family that `code` belongs to."""
    return max((len(p), f.title, f) for f in FAMILIES for p in f.prefixes if code.startswith(p))[2]
