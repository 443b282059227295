"""How a page is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.page import Command, Page

FENCED = """\
---
runs: local
---
# A page

<!-- file: one.yaml -->
```yaml
a: 1
```

```console
$ cat one.yaml
a: 1
$ echo one \\
    two
one two
$ cat <<END
> three
>
>   four
> END
three

  four
```

<!-- terminal: server -->

```console
$ sleep 1
```

````markdown
```console
$ shown and not run
```
````
"""


def page(text: str) -> Page:
    return Page(path=Path("page.md"), text=text)


@pytest.mark.parametrize(
    ("text", "runs"),
    [
        ("---\nruns: cluster\n---\n# A", "cluster"),
        ("---\ntitle: A\nruns: ray\n---\n", "ray"),
        ("<!-- runs: local -->\n# A", "local"),
        ("# A\n<!-- runs: local -->\n", None),
        ("---\n---\n# A", None),
        ("# A", None),
    ],
)
def test_what_its_commands_need_stands_at_the_top(text: str, runs: str | None) -> None:
    assert page(text).runs == runs


def test_fences_are_found_with_what_is_said_before_them() -> None:
    fences = page(FENCED).fences
    assert [(fence.language, fence.said) for fence in fences] == [
        ("yaml", {"file": "one.yaml"}),
        ("console", {}),
        ("console", {"terminal": "server"}),
        ("markdown", {}),
    ]
    assert FENCED.splitlines()[fences[1].line - 1] == "$ cat one.yaml"
    assert FENCED[slice(*fences[0].span)] == fences[0].content == "a: 1\n"


def test_commands_go_on_after_a_backslash_and_after_a_prompt() -> None:
    assert page(FENCED).consoles[0].commands == (
        Command(shown="$ cat one.yaml", text="cat one.yaml", expected="a: 1"),
        Command(shown="$ echo one \\\n    two", text="echo one \\\n    two", expected="one two"),
        Command(
            shown="$ cat <<END\n> three\n>\n>   four\n> END",
            text="cat <<END\nthree\n\n  four\nEND",
            expected="three\n\n  four",
        ),
    )
