"""The codes of ``ray-webhook check``: what may be wrong with a cluster or an installation (RAY71x-77x).

A check tells the particular fault and a command that mends it; here is what each code means at all.
"""

from __future__ import annotations

from webhook.injection.codes import ReasonCode


class CheckCode(ReasonCode):
    """What a check finds; keys of settings that are broken or ignored have codes of their own (RAY705, RAY706)."""

    # 71x: the cluster, and what has to be so before an installation
    FORBIDDEN = (
        "RAY710",
        "right missing",
        "The check could not be made, for whoever runs it lacks a right; the message says which.",
        "Have the right granted, or let somebody run the check who has it.",
    )
    OLD_KUBERNETES = (
        "RAY711",
        "Kubernetes too old",
        "The webhook's match conditions and policies need Kubernetes 1.30 or newer.",
        "Upgrade the cluster.",
    )
    NO_POLICIES = (
        "RAY712",
        "no admission policies",
        "The API server does not serve ValidatingAdmissionPolicy v1, which the guard and the manifest policy are.",
        "Do without the components guard and manifest-policy, or let the API server serve it.",
    )
    CANNOT_INSTALL = (
        "RAY713",
        "cannot install",
        "Whoever runs the check may not create an object of the installation.",
        "Let somebody install who may, such as a cluster administrator.",
    )
    NAME_TAKEN = (
        "RAY714",
        "name taken",
        "An object of somebody else's bears the name of one of the installation's, and would be overwritten.",
        "Install under another name, by kustomize's namePrefix, or remove the other object.",
    )
    UNFIT_NAMESPACE = (
        "RAY715",
        "namespace unfit",
        "The webhook's own namespace is being deleted, or has pods of others, which the webhook would never treat.",
        "Give the webhook a namespace of its own.",
    )
    KUBERAY_VERSION = (
        "RAY716",
        "KubeRay without ray.io/v1",
        "KubeRay's definitions are installed in a version that the webhook does not read.",
        "Upgrade KubeRay to 1.0 or newer.",
    )
    SERVICE_RIGHTS = (
        "RAY717",
        "service without its rights",
        "The webhook's ServiceAccount lacks a right that it uses.",
        "Apply the shipped roles and bindings again.",
    )

    # 72x: the webhook configuration
    NO_CONFIGURATION = (
        "RAY720",
        "no webhook configuration",
        "There is no MutatingWebhookConfiguration of that name, so no pod is sent to the webhook.",
        "Install it.",
    )
    NO_ENTRY = (
        "RAY721",
        "entry missing",
        "The configuration lacks one of the two entries, so the pods of that path are not sent.",
        "Apply the shipped configuration again.",
    )
    OTHER_SELECTION = (
        "RAY722",
        "other pods are sent",
        "An entry's rules, selectors, conditions or path are not those that are shipped: other pods are sent, or none.",
        "Apply the shipped configuration again.",
    )
    OTHER_HANDLING = (
        "RAY723",
        "calls are handled otherwise",
        "An entry's failurePolicy, time-out or the like is not what is shipped: failures have other consequences.",
        "Apply the shipped configuration again, unless this is what you want.",
    )
    NO_BUNDLE = (
        "RAY724",
        "no caBundle",
        "An entry has no caBundle, or one without a certificate, so the API server trusts nobody and calls nobody.",
        "See the log of the replica that leads, which writes it; or write it where the certificate is your own.",
    )
    NO_SERVICE = (
        "RAY725",
        "Service missing or misleading",
        "The Service that an entry calls is not there, lacks the port, or does not select the webhook's pods.",
        "Apply the shipped Service again.",
    )

    # 73x: certificates
    NO_CERTIFICATE = (
        "RAY730",
        "no certificate",
        "The Secret with the serving certificate is not there.",
        "See the log of the replica that leads, which writes it; or create it where the certificate is your own.",
    )
    BROKEN_CERTIFICATE = (
        "RAY731",
        "certificate broken",
        "The Secret's parts cannot be read, or do not belong together.",
        "Delete the Secret, so that it is issued anew; or mend it where the certificate is your own.",
    )
    UNTRUSTED = (
        "RAY732",
        "certificate not trusted",
        "The caBundle trusts nobody who issued the serving certificate, so every call fails.",
        "Put the issuer's certificate into the caBundle.",
    )
    EXPIRED = (
        "RAY733",
        "certificate expired",
        "The serving certificate has expired, or is not valid yet, so every call fails.",
        "Renew it; see whether the clocks are right.",
    )
    DUE = (
        "RAY734",
        "certificate due for renewal",
        "A third or less of the serving certificate's life is left, and nobody has renewed it.",
        "See why it is not renewed.",
    )
    OTHER_NAME = (
        "RAY735",
        "certificate for another name",
        "The serving certificate is not for the name by which the API server calls, so every call fails.",
        "Have it issued for SERVICE.NAMESPACE.svc.",
    )
    NOT_SERVED = (
        "RAY736",
        "no TLS session",
        "Behind the Service nobody answers, or with a certificate that the caBundle does not trust.",
        "See whether pods are ready, and which certificate they serve.",
    )

    # 74x: replicas
    NO_DEPLOYMENT = (
        "RAY740",
        "no Deployment",
        "The webhook's Deployment is not there.",
        "Install it.",
    )
    NOT_READY = (
        "RAY741",
        "replicas not ready",
        "Not all replicas that are wanted are ready.",
        "See what holds them up.",
    )
    NOT_CURRENT = (
        "RAY742",
        "replicas not current",
        "Some replicas still are of an older version of the Deployment.",
        "Wait for the rollout, or see what holds it up.",
    )
    OTHER_VERSION = (
        "RAY743",
        "versions differ",
        "The service and this command line are of different versions, so they may judge by different rules.",
        "Use a command line of the service's version, such as the one in its pods.",
    )
    SINGLE = (
        "RAY744",
        "single replica",
        "With one replica, pods go without their settings each time that it is replaced.",
        "Run two or more.",
    )

    # 75x: settings
    NO_SETTINGS = (
        "RAY750",
        "no cluster-wide settings",
        "There is no ConfigMap with settings for everybody that names a host, so the built-in host holds.",
        "Create it.",
    )
    BARE_HOST = (
        "RAY751",
        "bare host does not resolve",
        "A host without a namespace means a Service in the pod's own namespace, and there is none of that name.",
        "Write the host as SERVICE.NAMESPACE.",
    )
    UNSETTLED = (
        "RAY752",
        "clients by default without settings",
        "A namespace makes its pods clients, but no settings name a host for them, so the built-in one holds.",
        "Create settings for it, or for everybody.",
    )

    # 76x: admission and policies
    NOT_TREATED = (
        "RAY760",
        "pod not treated",
        "A pod that should have been sent came back as it was: the webhook was not called, or did not answer.",
        "See the failures above, and the log of the webhook and of the API server.",
    )
    TREATED_OTHERWISE = (
        "RAY761",
        "pod treated otherwise",
        "A pod came back with other settings than the rules give by what the cluster says now.",
        "See whether another webhook changes pods after this one, and whether the service follows the cluster.",
    )
    REFUSED = (
        "RAY762",
        "trial pod refused",
        "A trial pod was refused: by a quota, another policy or webhook, or by this webhook.",
        "Try in another namespace, or mend what the message names.",
    )
    NOT_REFUSED = (
        "RAY763",
        "bad pod let in",
        "A pod with a role that does not exist was let in, so it went past the webhook.",
        "See the failures above, and the log of the webhook and of the API server.",
    )
    NOWHERE = (
        "RAY764",
        "no namespace to try in",
        "The namespace is not there, is the webhook's own or the system's, or has turned injection off.",
        "Name another with --namespace.",
    )
    NOT_BOUND = (
        "RAY765",
        "policy without binding",
        "A policy is there without its binding, or a binding without its policy; such a half does nothing.",
        "Apply the component again.",
    )
    REFUSES_IN_OBSERVE = (
        "RAY766",
        "guard refuses while the service observes",
        "The service changes no pod, and the guard refuses pods that were not changed: none with a role can start.",
        "Let the guard only warn, or the service enforce.",
    )
    POLICY_FAULT = (
        "RAY767",
        "policy with faults",
        "The API server's type checker complains about a policy.",
        "Apply the shipped policy again; where it is as shipped, report it.",
    )
    NO_PARAMETER = (
        "RAY768",
        "guard without its parameter",
        "The guard reads the webhook configuration of a name that is not there, and then lets everything pass.",
        "Apply the component again.",
    )

    # 77x: Ray
    NO_NAME = (
        "RAY770",
        "name does not resolve",
        "The name of a Ray host does not resolve in the cluster.",
        "Mend the settings, or start the RayCluster.",
    )
    NO_PORT = (
        "RAY771",
        "port closed",
        "Nobody answers at a port of a Ray host.",
        "See whether Ray runs there, and whether a NetworkPolicy is in the way.",
    )
    NO_DASHBOARD = (
        "RAY772",
        "no dashboard",
        "What answers at the dashboard's port is not Ray's dashboard.",
        "Mend RAY_DASHBOARD_URL, or the ports in the RayCluster.",
    )
    RAY_VERSIONS = (
        "RAY773",
        "Ray versions differ",
        "The images of a RayCluster, its spec and what runs are of different versions of Ray, which must be one.",
        "Use one version of Ray in all of them, and in the clients.",
    )
    NO_ENDPOINT = (
        "RAY774",
        "Service leads nowhere",
        "The Service of a Ray host is not there, or selects no pod.",
        "See whether the RayCluster runs, and KubeRay's operator.",
    )
    MIXED = (
        "RAY775",
        "Service leads to two clusters",
        "The Service of a Ray host selects pods of more than one RayCluster, so connections end in either.",
        "Let its selector name one ray.io/cluster.",
    )
    NETWORK_POLICY = (
        "RAY776",
        "NetworkPolicy in the way",
        "NetworkPolicies that select the head's pod let no client's namespace in, where they are enforced.",
        "Add a rule that lets the clients' namespaces in.",
    )
    REMARK = (
        "RAY777",
        "spec not understood",
        "A part of a RayCluster's or RayService's spec is malformed, or does not tell where it is reached.",
        "Mend what the message names.",
    )
