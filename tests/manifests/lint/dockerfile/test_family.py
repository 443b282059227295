"""What in a Dockerfile is found, and what is left in peace."""

from __future__ import annotations

import pytest

from tests.manifests.lint.told import found, told
from webhook.manifests.lint.finding import FileKind


def dockerfile(text: str) -> list[str]:
    return told(text, FileKind.DOCKERFILE, "Dockerfile")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ENV RAY_ADDRESS=ray://head:10001", "RAY656 error RAY_ADDRESS=ray://head:10001"),
        ("env RAY_ADDRESS ray://head:10001", "RAY656 error RAY_ADDRESS ray://head:10001"),
        ('ENV RAY_ADDRESS="ray://head:10001"', 'RAY656 error RAY_ADDRESS="ray://head:10001"'),
        ("ENV RAY_ADDRESS=http://head:8265", "RAY656 error RAY_ADDRESS=http://head:8265"),
        ("ENV RAY_ADDRESS=ray://$HOST:10001", "RAY656 error RAY_ADDRESS=ray://$HOST:10001"),
        ("ENV RAY_ADDRESS=ray://127.0.0.1:10001", "RAY656 error RAY_ADDRESS=ray://127.0.0.1:10001"),
        ("ENV RAY_ADDRESS=head:6379", "RAY657 warning RAY_ADDRESS=head:6379"),
        ("ENV RAY_ADDRESS=local", "RAY657 warning RAY_ADDRESS=local"),
        ("ENV A=b RAY_HOST=head C=d", "RAY657 warning RAY_HOST=head"),
        ("ENV A='b c' \\\n    RAY_HOST=head", "RAY657 warning RAY_HOST=head"),
        ("ENV A=b \\\n  # RAY_HOST=a\n\n  RAY_NAMESPACE='prod'", "RAY657 warning RAY_NAMESPACE='prod'"),
        ("ENV A=b \\  \r\n  RAY_HOST=head\r\n", "RAY657 warning RAY_HOST=head"),
        ("# escape=`\nENV A=b `\n  RAY_HOST=head\n", "RAY657 warning RAY_HOST=head"),
        ("ENV RAY_HOST=localhost", "RAY666 note RAY_HOST=localhost"),
        ("ENV RAY_AUTH_TOKEN=abc", "RAY660 error RAY_AUTH_TOKEN=abc"),
        ("ONBUILD ENV RAY_HOST=head", "RAY657 warning RAY_HOST=head"),
        ("ARG A=ray://head:10001\nENV RAY_ADDRESS=$A", "RAY656 error RAY_ADDRESS=$A"),
        ("ARG A=head\nENV RAY_HOST ${A}", "RAY657 warning RAY_HOST ${A}"),
        ("ENV RAY_ADDRESS=${A:-ray://head:10001}", "RAY656 error RAY_ADDRESS=${A:-ray://head:10001}"),
        ("FROM a AS b\nENV RAY_HOST=head\nFROM b\n", "RAY657 warning RAY_HOST=head"),
        ("FROM a AS b\nENV RAY_HOST=head\nFROM c\n", "RAY657 note RAY_HOST=head"),
        ("RUN export RAY_HOST=head && x", "RAY658 warning RAY_HOST=head"),
        ("RUN x && \\\n  # why\n  RAY_HOST=head y", "RAY658 warning RAY_HOST=head"),
        ("RUN --mount=type=cache,target=/a ray start --address=ray://h:1", "RAY655 error --address=ray://h:1"),
        ("RUN ray start \\\n  # why\n\n  --address=ray://h:1", "RAY655 error --address=ray://h:1"),
        ("HEALTHCHECK CMD ray status --address=ray://h:1", "RAY655 error --address=ray://h:1"),
        ("RUN echo 'export RAY_HOST=head' >> /etc/profile", "RAY658 warning 'export RAY_HOST=head'"),
        ("RUN <<EOF\nexport RAY_HOST=head\nEOF\n", "RAY658 warning RAY_HOST=head"),
        ("RUN python <<EOF\nimport ray\nray.init('ray://h:1')\nEOF\n", "RAY650 warning ray.init('ray://h:1')"),
        ("COPY <<EOF /run.sh\nexport RAY_HOST=head\nEOF\n", "RAY658 warning RAY_HOST=head"),
        ('ENTRYPOINT ["ray", "start", "--address=ray://h:1"]', "RAY655 error --address=ray://h:1"),
        ("ENTRYPOINT ray start --address ray://h:1", "RAY655 error --address"),
        ('CMD ["sh", "-c", "RAY_HOST=head python x.py"]', "RAY658 warning RAY_HOST=head"),
        ('CMD ["python", "x.py", "--address", "ray://h:1"]', "RAY650 warning ray://h:1"),
        ("HEALTHCHECK --interval=5s CMD curl http://head:8265", "RAY654 warning http://head:8265"),
    ],
)
def test_a_setting_or_an_address_in_a_dockerfile_is_found_once(text: str, expected: str) -> None:
    assert dockerfile(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "# ENV RAY_ADDRESS=ray://head:10001",
        "ENV A=b \\\n# RAY_HOST=head\n  C=d",
        'LABEL a="ENV RAY_ADDRESS=ray://head:10001"',
        "ARG RAY_ADDRESS=ray://head:10001",
        "ARG RAY_ADDRESS\nENV RAY_ADDRESS=$RAY_ADDRESS",
        "ENV RAY_ADDRESS=auto",
        "ENV RAY_ADDRESS=",
        'ENV RAY_ADDRESS=""',
        "ENV RAY_ADDRESS",
        "ENV RAY_PORT=10001",
        "ENV A='RAY_ADDRESS=ray://head:10001'",
        "ENV A ray://head RAY_ADDRESS=x",
        "ENV RAY_memory_usage_threshold=0.9 RAY_DEDUP_LOGS=0",
        "ENV RAY_AUTH_TOKEN=$TOKEN",
        "FROM rayproject/ray:2.60.0",
        "EXPOSE 6379 8265 10001",
        "RUN pip install 'ray[client]==2.60.0'",
        "RUN unset RAY_ADDRESS",
        'CMD ["ray", "start", "--head", "--port=6379", "--block"]',
        "CMD ray start --head --dashboard-host=0.0.0.0",
        "COPY <<EOF /a.txt\nENV RAY_ADDRESS=ray://head:10001\nEOF\n",
        "RUN cat <<EOF\nENV RAY_HOST=head\nEOF\n",
        "RUN <<EOF\n# ENV RAY_ADDRESS=ray://head:10001\nEOF\n",
        "HEALTHCHECK NONE",
        "HEALTHCHECK CMD ray status",
        "STOPSIGNAL SIGTERM",
        "",
        "\\",
        "RUN <<EOF",
        "ENV",
        "FROM",
        "ENTRYPOINT [",
        "\0\0\n\f\n",
    ],
)
def test_what_only_mentions_or_does_no_harm_is_left_in_peace(text: str) -> None:
    assert dockerfile(text) == []


def test_instructions_go_on_behind_here_documents() -> None:
    text = "RUN <<A && x <<-B\nENV RAY_HOST=a\nA\n\tENV RAY_HOST=b\n\tB\nENV RAY_HOST=c\n"

    assert dockerfile(text) == ["RAY657 warning RAY_HOST=c"]


def test_all_variables_of_an_instruction_are_told_at_their_places() -> None:
    text = "FROM a\nENV é=1 RAY_HOST=head \\\n    RAY_NAMESPACE=prod\n"

    assert [(each.line, each.column) for each in found(text, FileKind.DOCKERFILE)] == [(2, 9), (3, 5)]


def test_the_message_says_where_an_image_is_heard() -> None:
    messages = [
        each.message for each in found("ENV RAY_API_SERVER_ADDRESS=http://h:8265 RAY_HOST=h", FileKind.DOCKERFILE)
    ]

    assert "in force on heads and workers" in messages[0]
    assert "in force" not in messages[1]


def test_thousands_of_instructions_are_read() -> None:
    assert len(dockerfile("ENV RAY_HOST=head\n" * 3000)) == 3000
