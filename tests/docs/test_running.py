"""How a page is followed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.page import Page, read
from tests.docs.running import SWITCH, check, checkout, follow, shell_environment

RIGHT = """\
<!-- file: numbers -->
```text
1
2
```

```console
$ cat numbers
1
...
$ cd / && pwd
/
```

<!-- not run: needs a container engine -->
```console
$ echo pushed > numbers; exit
```
"""


def followed(text: str, folder: Path) -> tuple[list[str], str]:
    return follow(Page(path=Path("page.md"), text=text), folder, lambda pod: shell_environment(POD=pod or "none"))


def test_a_page_that_is_right_stays_as_it_is(tmp_path: Path) -> None:
    assert followed(RIGHT, tmp_path) == ([], RIGHT)
    assert (tmp_path / "numbers").read_text() == "1\n2\n"


def test_what_differs_is_told_with_its_command_and_rewritten_alone(tmp_path: Path) -> None:
    wrong = RIGHT.replace("1\n...\n", "one\n2\n")
    differences, text = followed(wrong, tmp_path)
    assert differences == ["page.md:8: $ cat numbers\n- one\n+ 1\n  2"]
    assert text == RIGHT.replace("...", "2")


def test_a_command_that_should_print_nothing_and_does_is_told(tmp_path: Path) -> None:
    assert followed("```console\n$ echo one\n```\n", tmp_path)[0] == ["page.md:2: $ echo one\n+ one"]


def test_each_terminal_and_each_pod_has_a_shell_of_its_own(tmp_path: Path) -> None:
    page = """\
<!-- terminal: other -->
```console
$ NAME=other; echo $NAME; while :; do sleep 0.05; done
other
```

```console
$ echo "$NAME $POD"
 none
```

<!-- pod: head -->
```console
$ echo "$NAME $POD"
 head
```
"""
    assert followed(page, tmp_path) == ([], page)


def test_what_runs_on_and_prints_something_else_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.docs.running.RUNNING_ON", 0.3)
    page = "<!-- terminal: other -->\n```console\n$ echo one; while :; do sleep 0.05; done\ntwo\n```\n"
    assert "- two\n+ one" in followed(page, tmp_path)[0][0]


@pytest.mark.parametrize("is_updating", [True, False])
def test_a_page_is_written_only_where_that_is_asked_for(
    is_updating: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SWITCH, "1" if is_updating else "")
    (tmp_path / "page.md").write_text("```console\n$ echo one\ntwo\n```\n")
    page = read(tmp_path / "page.md")
    if is_updating:
        check(page, tmp_path, lambda pod: shell_environment())
        assert page.path.read_text() == "```console\n$ echo one\none\n```\n"
        return
    with pytest.raises(AssertionError, match=r"(?s)the page says -.*\+ one"):
        check(page, tmp_path, lambda pod: shell_environment())
    assert read(page.path) == page


def test_the_shell_is_a_readers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program is on the PATH, make has nothing to set up, and no variable of ours is set."""
    monkeypatch.setenv("RAY_WEBHOOK_MODE", "observe")
    page = """\
```console
$ command -v ray-webhook
/...bin/ray-webhook
$ env | grep RAY_
$ ls
CHANGELOG.md
...
webhook
```
"""
    assert follow(Page(path=Path("page.md"), text=page), checkout(tmp_path), lambda pod: shell_environment())[0] == []
