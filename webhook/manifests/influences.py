"""What may still bring variables of Ray's into a container, beside its env: envFrom, the image, a runtime_env.

The kubelet takes an envFrom's variable only where the env has none of that name, and the image's only where neither
has. A ``runtime_env`` of Ray's beats them all, inside tasks and replicas alone, and is not seen from outside.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from webhook import contract
from webhook.errors import InputError
from webhook.injection.selection import Treatment
from webhook.injection.treatment import Treated
from webhook.manifests.documents import Document
from webhook.manifests.source import Source
from webhook.manifests.workloads import value_at

ReadConfigMap = Callable[[str], Mapping[str, Any] | str]
"""The data of a ConfigMap of the pod's namespace by its name, or why it is not known."""

VARIABLES: Final = contract.ROLE_VARIABLES | {contract.RAY_AUTH_MODE, contract.RAY_AUTH_TOKEN}


@dataclass(frozen=True, kw_only=True, slots=True)
class Influence:
    """One source of variables.

    Attributes:
        container: None for all of them.
        source: for people: ``envFrom ConfigMap seedcore-env``.
        comes_in: variables that the program gets from it.
        beaten: those that it has too, in vain.
        text: what cannot be known of it.
    """

    container: str | None
    source: str
    comes_in: Mapping[str, str] = field(default_factory=dict)
    beaten: tuple[str, ...] = ()
    text: str = ""


def container_influences(
    item: Treated, container: Document, own: Collection[str], read: ReadConfigMap
) -> Iterator[Influence]:
    """What may come into a container that was treated; `own` are the names that its env will have."""
    name = item.selected.container.name
    open_to = [wanted.name for wanted in item.wanted if wanted.name not in own]
    for entry in value_at(container, ("envFrom",)) or ():
        yield from _env_from(name, entry, open_to, own, read)
    if item.selected.treatment is Treatment.NODE and contract.RAY_ADDRESS not in own:
        text = f"cannot be seen from here; a {contract.RAY_ADDRESS} in it would hold, for the pod has none"
        yield Influence(container=name, source="ENV of the image", text=text)


def _env_from(
    container: str, entry: Any, open_to: Sequence[str], own: Collection[str], read: ReadConfigMap
) -> Iterator[Influence]:
    prefix = str(value_at(entry, ("prefix",)) or "")
    secret, config_map = (value_at(entry, (key, "name")) for key in ("secretRef", "configMapRef"))
    if isinstance(secret, str):
        yield _unknown(container, f"envFrom Secret {secret}", "Secrets are never read", open_to)
    if isinstance(config_map, str):
        source, data = f"envFrom ConfigMap {config_map}", read(config_map)
        if isinstance(data, str):
            yield _unknown(container, source, data, open_to)
        else:
            held = {name: str(data[key]) for key in sorted(data) if (name := f"{prefix}{key}") in VARIABLES}
            yield Influence(
                container=container,
                source=source,
                comes_in={name: value for name, value in held.items() if name not in own},
                beaten=tuple(name for name in held if name in own),
            )


def _unknown(container: str, source: str, why: str, open_to: Sequence[str]) -> Influence:
    may = f"may bring in {', '.join(open_to)}" if open_to else "the env beats whatever it has of the role's variables"
    return Influence(container=container, source=source, text=f"{why}; {may}")


def runtime_influences(document: Document) -> Iterator[Influence]:
    """Variables of Ray's in the ``runtime_env`` texts of a RayJob, RayCronJob or RayService."""
    for path in (("spec", "runtimeEnvYAML"), ("spec", "jobTemplate", "runtimeEnvYAML")):
        yield from _runtime_env(_parsed(value_at(document, path)), path[-1])
    serve = _parsed(value_at(document, ("spec", "serveConfigV2")))
    for application in _list(value_at(serve, ("applications",))):
        name = f"serveConfigV2, application {value_at(application, ('name',))}"
        yield from _runtime_env(value_at(application, ("runtime_env",)), name)
        for deployment in _list(value_at(application, ("deployments",))):
            env = value_at(deployment, ("ray_actor_options", "runtime_env"))
            yield from _runtime_env(env, f"{name}, deployment {value_at(deployment, ('name',))}")


def _runtime_env(env: Any, name: str) -> Iterator[Influence]:
    written = value_at(env, ("env_vars",))
    held = {key: str(written[key]) for key in written if key in VARIABLES} if isinstance(written, dict) else {}
    if held:
        text = "beats the pod's own in tasks and replicas, unseen from outside"
        yield Influence(container=None, source=f"runtime_env of {name}", comes_in=held, text=text)


def _parsed(text: Any) -> Any:
    """The first document of a YAML text inside an object; None where it is none, which is not ours to tell."""
    if not isinstance(text, str):
        return None
    try:
        documents = Source.parse_any(text, name="runtime_env").documents
    except InputError:
        return None
    return documents[0].value if documents else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
