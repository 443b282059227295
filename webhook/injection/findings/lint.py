"""What ``ray-webhook lint`` finds in files: 606-679 and 69x."""

from __future__ import annotations

from webhook.injection.codes import ReasonCode


class LintCode(ReasonCode):
    """What `ray-webhook lint` finds in files, beside :class:`ManifestCode` and what the webhook itself would say."""

    # 606-639: manifests
    ROLE_MISSING = (
        "RAY606",
        "Ray settings without a role",
        "A pod template declares Ray settings, or has them by envFrom, but no role: the webhook leaves its pods alone.",
        "Set ray.seedcore.io/role in the pod template, and take the settings out of the manifest.",
    )
    NODE_WITHOUT_ROLE = (
        "RAY607",
        "Ray group without a role",
        "The template of a head or of workers has no role annotation, so its pods do not get the shared variables.",
        "Set ray.seedcore.io/role to head or worker in the group's template, if its programs read them.",
    )
    CLIENT_INSIDE_RAY = (
        "RAY608",
        "client's address inside Ray",
        "A head or worker has a RAY_ADDRESS that makes a driver inside Ray connect to its own cluster as a client.",
        "Take it out of the manifest: inside Ray the address is auto.",
    )
    CLIENT_ENV_FROM = (
        "RAY609",
        "clients' settings by envFrom",
        "A head or worker takes by envFrom a ConfigMap that has settings for clients.",
        "Take the Ray settings out of the ConfigMap, or the ConfigMap out of the envFrom.",
    )
    DECLARED_IN_DATA = (
        "RAY610",
        "Ray settings in a ConfigMap or env file",
        "A ConfigMap, a generator of one or an env file has settings that the webhook gives to each pod by its role.",
        "Take it out; one ConfigMap ray-settings holds the connection for all pods.",
    )
    DECLARED_IN_VALUES = (
        "RAY611",
        "Ray settings in Helm values",
        "Helm values have settings that the webhook gives to each pod by its role.",
        "Take it out, and set ray.seedcore.io/role among the pod's annotations.",
    )
    DECLARED_IN_RUNTIME_ENV = (
        "RAY612",
        "Ray settings in a runtime_env",
        "The env_vars of a runtime_env beat the pod's own variables in tasks and replicas, unseen from outside.",
        "Take it out of env_vars.",
    )
    DANGLING_FILE = (
        "RAY613",
        "no such file",
        "A kustomization names a file or folder that is not there; kustomize build fails.",
        "Mend the path, or take it out.",
    )
    SETTINGS_RENAMED = (
        "RAY614",
        "settings under another name",
        "Kustomize gives the ConfigMap with the settings a name under which the webhook does not look for it.",
        "Set disableNameSuffixHash, or tell the webhook the new name with --settings-name.",
    )
    UNRENAMED = (
        "RAY615",
        "reference that is not renamed",
        "Kustomize renames a RayCluster or RayService, but not the annotations that name it.",
        "Add the component deploy/kustomize/configurations, or a copy of its name-reference.yaml.",
    )
    DANGLING_TARGET = (
        "RAY616",
        "no such cluster here",
        "An annotation or an address names a RayCluster or RayService that none of the files has.",
        "Mend the name, unless the object is kept elsewhere.",
    )

    # 640-649: Compose files
    DECLARED_IN_SERVICE = (
        "RAY640",
        "Ray settings in a Compose service",
        "A Compose service declares settings that ray-webhook inject gives to each service by its role.",
        "Take it out, label the service with ray.seedcore.io/role, and run ray-webhook inject.",
    )
    UNKNOWN_LABEL = (
        "RAY641",
        "unknown label",
        "A Compose service has a label of ours, or one that looks like ours, that is none of those that users write.",
        "Mend its name, or remove it.",
    )
    IN_ENV_FILE = (
        "RAY642",
        "Ray settings by env_file",
        "A Compose service takes Ray settings from an env_file; what it does not get by its role comes in unseen.",
        "Take the settings out of the file, and label the service with ray.seedcore.io/role.",
    )
    IDLE_SERVICE_LABEL = (
        "RAY643",
        "label does nothing on a service",
        "A label chooses among the containers of a pod; a Compose service has but one.",
        "Remove it; role none leaves a service alone.",
    )
    OTHER_FILE = (
        "RAY644",
        "other file or service not looked at",
        "What a Compose file includes, and what a service extends, is not looked at; a service's own settings beat it.",
        "Write the label ray.seedcore.io/role on each service itself, and run ray-webhook on each file.",
    )
    FROM_SHELL = (
        "RAY645",
        "token from the shell",
        "Compose has no Secrets of Kubernetes, so a client's token is taken from the shell that runs docker compose.",
        "Export RAY_AUTH_TOKEN there.",
    )

    # 650-669: Python, shell scripts, Dockerfiles
    ADDRESS_IN_CODE = (
        "RAY650",
        "address in code",
        "A program has the address or a name of its Ray in its code, where the settings of the pod cannot change it.",
        "Let ray_config find it.",
    )
    DEFAULT_IN_CODE = (
        "RAY651",
        "default in code",
        "A program has a default for a setting that the webhook gives; it hides that the setting is missing.",
        "Let ray_config find it, which says what is missing.",
    )
    ADDRESS_DERIVED = (
        "RAY652",
        "address put together by hand",
        "A program or script makes an address from host and port; inside Ray such a ray:// opens a nested session.",
        "Let ray_config find it, which knows the pod's role.",
    )
    ENVIRONMENT_WRITTEN = (
        "RAY653",
        "environment overwritten",
        "A program sets or removes, for itself or for what it starts, variables that the webhook has given the pod.",
        "Leave it out; the pod has its settings.",
    )
    URL_IN_CODE = (
        "RAY654",
        "URL in code",
        "A program has the URL of Ray's dashboard or of Serve in its code.",
        "Let ray_config find it.",
    )
    ADDRESS_REFUSED = (
        "RAY655",
        "address that Ray refuses",
        "An address of a form that what it is given to refuses: ray:// for Ray's own commands, http:// for ray.init.",
        "Leave it out: inside Ray the address is auto, elsewhere ray_config finds it.",
    )
    IMAGE_ADDRESS = (
        "RAY656",
        "client's address in an image",
        "An image brings a client's RAY_ADDRESS. Where the pod's own env has none, as on workers, it is in force.",
        "Take it out of the Dockerfile: the webhook gives each pod the address of its role.",
    )
    IMAGE_SETTING = (
        "RAY657",
        "Ray settings in an image",
        "An image brings settings of one cluster, which hold wherever the pod's env has none, as after their removal.",
        "Take them out of the Dockerfile: the webhook gives each pod those of its role.",
    )
    SCRIPT_SETTING = (
        "RAY658",
        "Ray settings in a script",
        "A shell script sets what the webhook has given the pod, or has a default that hides that it is missing.",
        "Take it out; the pod has its settings.",
    )
    SCRIPT_DECLARES = (
        "RAY659",
        "Ray settings for others in a script",
        "A script gives Ray settings to workloads, containers or a ConfigMap, beside what the webhook gives pods.",
        "Take them out, and set ray.seedcore.io/role in the pod template.",
    )
    TOKEN_WRITTEN = (
        "RAY660",
        "token written out",
        "The token of a Ray cluster stands in a file, where everybody who reads the file has it.",
        "Take it out, change it, and keep it in the Secret that RAY_AUTH_SECRET in the settings names.",
    )
    READ_BY_HAND = (
        "RAY665",
        "setting read by hand",
        "A program reads a setting of the webhook's by itself, which goes on to work.",
        "Let ray_config find it, which knows the pod's role and says what is missing.",
    )
    LOOPBACK = (
        "RAY666",
        "loopback in code",
        "A program or script has an address of its own machine, as examples and programs beside a head have.",
        "Nothing, if it never runs elsewhere.",
    )
    IN_TEST = (
        "RAY667",
        "Ray settings in a test",
        "A test has an address or a setting of Ray's, as tests do.",
        "Nothing, if it is that test's own Ray.",
    )

    # 670-679: fix
    DISPUTED = (
        "RAY670",
        "values differ",
        "Pods that would share settings declare different values, so --fix moves none of them into the settings.",
        "Make them the same, or give by --settings what holds.",
    )
    NOT_PRESERVED = (
        "RAY671",
        "would change what a pod gets",
        "Without the declared value a pod would have another one in the end, so --fix leaves it.",
        "Decide which value is right, and change the settings or the manifest.",
    )
    PROPOSED = (
        "RAY672",
        "proposed only",
        "Programs, scripts and Dockerfiles are never rewritten, and a role is only written where it is beyond doubt.",
        "Make the change by hand.",
    )
    BY_TEMPLATE = (
        "RAY673",
        "made by a template",
        "The value, or the file around it, is made by a template, whose result is not known here.",
        "Change the template or its values by hand, or lint what it renders.",
    )
    NOT_FOLLOWED = (
        "RAY674",
        "kustomization that cannot be followed",
        "A kustomization reads what is not among the files, or does what is only known to kustomize.",
        "Give all files that it reads, or lint what it renders.",
    )
    NOT_POSSIBLE = (
        "RAY675",
        "text does not allow it",
        "The change would lose a comment, touch what other places share, or leave a patch without content.",
        "Make the change by hand.",
    )
    NO_PLACE = (
        "RAY676",
        "no place for the settings",
        "The values could be moved into settings, but a ConfigMap with their name cannot be written there.",
        "Follow what the message says, or write the settings by hand.",
    )
    STALE_COPY = (
        "RAY677",
        "old copy taken out",
        "A pod whose role is to follow the settings declared another host, which nothing in the files makes.",
        "Nothing, if the other host is gone; else name it by ray.seedcore.io/cluster.",
    )
    NEW_CLUSTER = (
        "RAY678",
        "applying makes a new cluster",
        "A changed template in a RayService makes KubeRay prepare a new cluster beside the old one and switch to it.",
        "Apply it when there is room for both.",
    )
    NOT_FIXABLE = (
        "RAY679",
        "not for --fix",
        "There is no change for this that is known to be right without asking.",
        "Do what the finding says.",
    )

    # 690-699: what cannot be read
    UNREADABLE = (
        "RAY690",
        "unreadable",
        "A file cannot be read: it is missing, forbidden, too large, or no text in UTF-8.",
        "Mend it, or leave it out.",
    )
    NOT_YAML = (
        "RAY691",
        "not YAML",
        "A file that should be YAML is not, or has what JSON and thus Kubernetes has not.",
        "Mend it.",
    )
    TEMPLATED = (
        "RAY692",
        "template read in part",
        "A template is no YAML before it is rendered; what can be told of it without is told.",
        "Lint what it renders to as well: helm template . | ray-webhook lint -",
    )
    UNKNOWN_KIND = (
        "RAY693",
        "unknown kind",
        "Ray settings stand in an object of a kind whose pods cannot be told from the manifest.",
        "Look at what makes pods of it.",
    )
    NOT_PYTHON = (
        "RAY695",
        "not Python",
        "A file that speaks of Ray and should be Python is not: it is broken, for Python 2, or a notebook's text.",
        "Mend it, or leave it out.",
    )
