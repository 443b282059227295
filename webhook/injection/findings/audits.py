"""What an audit or a check finds in what is there already: 70x."""

from __future__ import annotations

from webhook.injection.codes import ReasonCode


class FindingCode(ReasonCode):
    """What an audit or a check finds."""

    MISSED = (
        "RAY701",
        "missed",
        "The pod has a role but not its settings: it was created while the webhook was away, or before it was there.",
        "Restart its workload, so that its pods are created anew.",
    )
    STALE = (
        "RAY702",
        "stale",
        "The webhook treated the pod, but the pod has not what it would get now: the settings have moved since.",
        "Restart its workload, so that its pods are created anew.",
    )
    WOULD_BE_REFUSED = (
        "RAY703",
        "would be refused",
        "The pod runs, but a new one like it would be denied; a restart would leave its workload without pods.",
        "Mend what the message names in the workload's pod template, then restart it.",
    )
    LATE_CONTAINER = (
        "RAY704",
        "container came later",
        "The webhook treated the pod, and another webhook added a container after that; a restart does not help.",
        "List the container in ray.seedcore.io/skip-containers, or have the other webhook called before this one.",
    )
    BROKEN_SETTINGS = (
        "RAY705",
        "settings broken",
        "A key has a value that is not allowed. The running service keeps its last good one; one that starts has none.",
        "Mend the key.",
    )
    IGNORED_SETTING = (
        "RAY706",
        "settings key without effect",
        "The key looks like a setting and is none: its value is derived from others.",
        "Take the key out.",
    )
    TAMPERED = (
        "RAY707",
        "tampered with",
        "The pod bears the webhook's status, but no settings make the env that it has: somebody created it so.",
        "Find out who did; a restart of its workload brings pods that the webhook treats.",
    )
    NOT_SENT = (
        "RAY708",
        "not sent to the webhook",
        "The API server does not send the pod to the webhook, so it is and stays as it was written.",
        "Mend what the message names, if the pod is to get its settings.",
    )
    SETTINGS_UNREADABLE = (
        "RAY709",
        "settings not readable",
        "Whoever asks may not read the settings from which the pod has its connection, so no value can be told.",
        "Have somebody ask who may list the ConfigMaps that the message names, or have that right granted.",
    )
