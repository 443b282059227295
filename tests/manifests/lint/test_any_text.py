"""Whatever a file holds, its findings are told, each at a place in it, and nothing is raised."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.manifests.lint.told import found
from webhook.manifests.lint.finding import FileKind

PIECES = {
    FileKind.PYTHON: [
        *(
            "import os\n",
            "import ray\n",
            "ray.init(",
            "os.getenv(",
            "os.environ",
            "def f(",
            "class C:\n ",
            "lambda: ",
            "x",
        ),
        *(
            '"RAY_ADDRESS"',
            '"ray://h:1"',
            'f"ray://{',
            '}"',
            ", ",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            " = ",
            ": ",
            " or ",
            "% ",
        ),
        *(
            "\n",
            "  ",
            "=",
            "**",
            ".format",
            " if ",
            " else ",
            "é",
            "\f",
            "\\",
            "'''",
            "#",
            "return ",
            "del ",
            "+ ",
            "self.",
        ),
    ],
    FileKind.SHELL: [
        *(
            "export ",
            "RAY_ADDRESS=",
            "ray://h:1",
            "ray start --address ",
            "kubectl apply -f - ",
            "<<EOF",
            "<<-'EOF'",
            "EOF",
        ),
        *(
            "\n",
            "\t",
            " ",
            "$",
            "${",
            "}",
            ":-",
            "(",
            ")",
            '"',
            "'",
            "`",
            "\\",
            "|",
            "&&",
            ";",
            "bash -c ",
            "if ",
            "fi",
            "é",
        ),
        *(
            "kind: Pod\n",
            "RAY_HOST",
            "env ",
            "echo ",
            "> a.yaml",
            ">> b",
            "#",
            "=",
            "python - ",
            "case ",
            " in ",
            "esac",
        ),
    ],
    FileKind.DOCKERFILE: [
        *(
            "FROM a AS b\n",
            "ENV ",
            "ARG ",
            "RUN ",
            "CMD ",
            "COPY ",
            "ONBUILD ",
            "HEALTHCHECK ",
            "# escape=`\n",
            "RAY_HOST=h",
        ),
        *(
            "RAY_ADDRESS",
            "=",
            " ",
            "ray://h:1",
            "\\\n",
            "\n",
            '["ray", "start", "--address=ray://h:1"]',
            "[",
            '"',
            "'",
            "$A",
        ),
        *(
            "${",
            "}",
            "<<EOF",
            "<<-EOF",
            "EOF\n",
            "/a.yaml",
            "/b.sh",
            "kind: Pod\n",
            "#",
            "é",
            "\r\n",
            "`",
            "--mount=a ",
            "\t",
        ),
    ],
}


@pytest.mark.parametrize("kind", PIECES)
@given(data=st.data())
def test_any_text_is_read(kind: FileKind, data: st.DataObject) -> None:
    pieces = st.lists(st.sampled_from(PIECES[kind]) | st.text(max_size=3), max_size=30)
    text = "".join(data.draw(pieces))

    for finding in found(text, kind):
        assert 0 <= finding.start <= finding.end <= len(text)
        assert finding.message.isascii()
        assert finding.message.isprintable()
        assert finding.fix.isascii()
        assert finding.fix.isprintable()
