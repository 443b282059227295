"""YAML and JSON documents as plain dicts and lists.

YAML 1.1 is read, since that is what kubectl reads: an unquoted ``yes`` or ``0123`` is no string there either.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from webhook.errors import InputError, quote
from webhook.manifests.nodes import MAX_DEPTH, NodeReader

Document = dict[str, Any]


def parse_documents(text: str, *, source: str) -> list[Document]:
    """The objects in `text`, the items of Lists among them; empty documents do not count.

    Raises:
        InputError: it is not YAML, has values that JSON has not, or a document is no Kubernetes object; says where.
    """
    documents = [document for document in _values(text, source) if document is not None]
    return [item for document in documents for item in _items(document, source)]


def _values(text: str, source: str) -> Iterator[Any]:
    yaml = YAML(typ="safe", pure=True)
    yaml.version = (1, 1)
    reader = NodeReader(yaml.constructor, source=source, characters=len(text))
    try:
        for node in yaml.compose_all(text):
            yield None if node is None else reader.value(node)
    except MarkedYAMLError as error:
        raise _not_yaml(source, error) from None
    except RecursionError:
        raise InputError(f"{source} is nested too deep", allowed=f"{MAX_DEPTH} levels", fix="nest less") from None
    except (YAMLError, ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
        # The parser meets some broken texts with an error of Python's.
        raise InputError(f"{source} is not YAML ({type(error).__name__})", fix="mend it") from None


def _not_yaml(source: str, error: MarkedYAMLError) -> InputError:
    mark = error.problem_mark or error.context_mark
    where = f"{source}:{mark.line + 1}:{mark.column + 1}" if mark else source
    return InputError(f"{where} is not YAML ({quote(error.problem or error.context or 'unreadable')})", fix="mend it")


def _items(document: object, source: str) -> Iterator[Document]:
    if not isinstance(document, dict) or not isinstance(document.get("kind"), str):
        raise InputError(
            f"{source} has a document that is no Kubernetes object", allowed="objects with a kind", fix="mend it"
        )
    items = document.get("items")
    if document["kind"].endswith("List") and isinstance(items, list):
        for item in items:
            yield from _items(item, source)
    else:
        yield document
