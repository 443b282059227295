"""YAML and JSON documents as plain dicts and lists.

YAML 1.1 is read, since that is what kubectl reads: an unquoted ``yes`` or ``0123`` is no string there either.
"""

from __future__ import annotations

from typing import Any

from webhook.manifests.source import Source

Document = dict[str, Any]


def parse_documents(text: str, *, source: str) -> list[Document]:
    """The objects in `text`, the items of Lists among them; empty documents do not count.

    Raises:
        InputError: it is not YAML, has values that JSON has not, or a document is no Kubernetes object; says where.
    """
    return [document.value for document in Source.parse(text, name=source).documents]
