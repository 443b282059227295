"""What in a shell script is found, and what is left in peace."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.manifests.lint.told import found, told
from webhook.manifests.lint.context import Context
from webhook.manifests.lint.finding import File, FileKind, Finding
from webhook.manifests.lint.shell.family import shell_family


def shell(text: str, path: str = "run.sh") -> list[str]:
    return told(text, FileKind.SHELL, path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # assignments
        ("export RAY_ADDRESS=ray://head:10001", "RAY658 warning RAY_ADDRESS=ray://head:10001"),
        ("RAY_ADDRESS='ray://head:10001'", "RAY658 warning RAY_ADDRESS='ray://head:10001'"),
        ('RAY_HOST="head" python x.py', 'RAY658 warning RAY_HOST="head"'),
        ("env -i RAY_HOST=head python x.py", "RAY658 warning RAY_HOST=head"),
        ("sudo -E RAY_HOST=head python x.py", "RAY658 warning RAY_HOST=head"),
        ("declare -x RAY_NAMESPACE=prod", "RAY658 warning RAY_NAMESPACE=prod"),
        ("readonly RAY_PORT=10002", "RAY658 warning RAY_PORT=10002"),
        ("f() { local RAY_HOST=head; }", "RAY658 warning RAY_HOST=head"),
        ("if x; then export RAY_HOST=head; fi", "RAY658 warning RAY_HOST=head"),
        ("x=$(RAY_HOST=head python x.py)", "RAY658 warning RAY_HOST=head"),
        ('export RAY_ADDRESS="ray://${HOST}:10001"', 'RAY652 warning RAY_ADDRESS="ray://${HOST}:10001"'),
        ("export RAY_ADDRESS=$HOST:6379", "RAY652 warning RAY_ADDRESS=$HOST:6379"),
        ("A=ray://head:10001", "RAY650 warning A=ray://head:10001"),
        # defaults
        ("export RAY_ADDRESS=${RAY_ADDRESS:-ray://h:1}", "RAY658 warning ${RAY_ADDRESS:-ray://h:1}"),
        (': "${RAY_ADDRESS:=ray://h:1}"', "RAY658 warning ${RAY_ADDRESS:=ray://h:1}"),
        ('python x.py "${RAY_NAMESPACE:-prod}"', "RAY658 warning ${RAY_NAMESPACE:-prod}"),
        ('A=${MINE:-"ray://h:1"}', 'RAY658 warning ${MINE:-"ray://h:1"}'),
        # commands
        ("ray start --address=ray://head:10001 --block", "RAY655 error --address=ray://head:10001"),
        ("ray start --address 'ray://head:10001'", "RAY655 error --address"),
        ('/opt/bin/ray status --address "ray://$H:1"', "RAY655 error --address"),
        ("ray job submit --address http://head:8265 -- x", "RAY654 warning http://head:8265"),
        ("curl -fs http://ray-head:8265/api/version", "RAY654 warning http://ray-head:8265/api/version"),
        ("python x.py --address=ray://head:10001", "RAY650 warning --address=ray://head:10001"),
        ("python x.py --address ray://$HOST:10001", "RAY652 warning ray://$HOST:10001"),
        ("curl http://localhost:8265", "RAY666 note http://localhost:8265"),
        ("export RAY_ADDRESS=ray://127.0.0.1:10001", "RAY666 note RAY_ADDRESS=ray://127.0.0.1:10001"),
        # for others
        ("kubectl set env deploy/a RAY_ADDRESS=ray://h:1", "RAY659 warning RAY_ADDRESS=ray://h:1"),
        ('kubectl set env deploy/a RAY_HOST="h"', 'RAY659 warning RAY_HOST="h"'),
        ("docker run -e RAY_HOST=head image", "RAY659 warning RAY_HOST=head"),
        ("docker run -eRAY_HOST=head image", "RAY659 warning -eRAY_HOST=head"),
        ("podman run --env=RAY_HOST=head image", "RAY659 warning --env=RAY_HOST=head"),
        ("docker build --build-arg RAY_HOST=head .", "RAY659 warning RAY_HOST=head"),
        ("helm upgrade a . --set env.RAY_HOST=head", "RAY659 warning env.RAY_HOST=head"),
        ("kubectl create configmap a --from-literal=RAY_HOST=h", "RAY659 warning --from-literal=RAY_HOST=h"),
        ("kubectl create cm a --from-literal \\\n  RAY_HOST=h", "RAY659 warning RAY_HOST=h"),
        ("kubectl create cm ray-settings --from-literal=RAY_ADDRESS=ray://h:1", "RAY659 warning --from-literal=RAY_ADDRESS=ray://h:1"),
        ("kubectl run a --env=RAY_AUTH_TOKEN=abc", "RAY660 error --env=RAY_AUTH_TOKEN=abc"),
        ("export RAY_AUTH_TOKEN=abc", "RAY660 error RAY_AUTH_TOKEN=abc"),
        # scripts in scripts, and into files
        ("bash -lc 'export RAY_HOST=head'", "RAY658 warning RAY_HOST=head"),
        ('kubectl exec a -- sh -c "RAY_HOST=head python x.py"', "RAY658 warning RAY_HOST=head"),
        ("eval 'export RAY_HOST=head'", "RAY658 warning RAY_HOST=head"),
        ("ssh host 'export RAY_HOST=head'", "RAY658 warning RAY_HOST=head"),
        ("echo 'export RAY_HOST=head' >> ~/.bashrc", "RAY658 warning 'export RAY_HOST=head'"),
        ("echo RAY_HOST=head > .env", "RAY658 warning RAY_HOST=head"),
        ('bash -c "x ${RAY_HOST:-head}"', "RAY658 warning ${RAY_HOST:-head}"),
        ("ssh host <<'X'\nexport RAY_HOST=head\nX\n", "RAY658 warning RAY_HOST=head"),
        ("cat > run.sh <<-X\n\texport RAY_HOST=head\n\tX\n", "RAY658 warning RAY_HOST=head"),
        ("python - <<X\nimport ray\nray.init('ray://h:1')\nX\n", "RAY650 warning ray.init('ray://h:1')"),
        # around what is broken
        ("if then fi (\nexport RAY_HOST=head\n", "RAY658 warning RAY_HOST=head"),
    ],
)  # fmt: skip
def test_a_setting_or_an_address_in_a_script_is_found_once(text: str, expected: str) -> None:
    assert shell(text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "# export RAY_ADDRESS=ray://head:10001",
        "x # RAY_ADDRESS=ray://head:10001",
        'export RAY_ADDRESS="$1"',
        "export RAY_ADDRESS=$(find-ray)",
        "export RAY_ADDRESS=auto",
        "export RAY_ADDRESS=",
        "export RAY_ADDRESS",
        "export RAY_PORT=10001",
        'export RAY_NAMESPACE="$NAMESPACE"',
        'export RAY_AUTH_TOKEN="$(cat token)"',
        "export RAY_memory_usage_threshold=0.9",
        "export RAY_DEDUP_LOGS=0 KUBERAY_GEN_RAY_START_CMD=x FQ_RAY_IP=head",
        "MY_RAY_HOST=head",
        "unset RAY_ADDRESS",
        "env -u RAY_ADDRESS python x.py",
        "kubectl set env deploy/a RAY_ADDRESS-",
        'echo "set RAY_ADDRESS=ray://head:10001"',
        'echo "export RAY_HOST=head" >&2',
        'printf "%s\\n" ray://head:10001',
        "grep -r RAY_ADDRESS=ray://head:10001 .",
        "sed -i s/RAY_HOST=head/x/ file",
        'if [ "$RAY_ADDRESS" = ray://head:10001 ]; then x; fi',
        'if [[ "$RAY_ADDRESS" == "ray://head:10001" ]]; then x; fi',
        "case $RAY_ADDRESS in ray://*) x ;; esac",
        'git commit -m "set RAY_ADDRESS=ray://head:10001"',
        "ray start --head --port=6379 --ray-client-server-port 10001 --dashboard-port=8265",
        "ray start --address=head:6379 --block",
        "ray start --address=$ADDRESS",
        "ray status",
        "ray job submit -- python x.py",
        'curl "http://$HOST:8265/api/version"',
        "curl http://shop:8000/",
        "kubectl get service seedcore-head-svc",
        "kubectl port-forward service/seedcore-head-svc 10001 8265",
        "kubectl create configmap ray-settings --from-literal=RAY_HOST=head --from-literal=RAY_NAMESPACE=prod",
        "docker run -e RAY_ADDRESS image",
        'docker run -e RAY_ADDRESS="$RAY_ADDRESS" image',
        "cat <<X\nexport RAY_HOST=head\nray://head:10001\nX\n",
        ": <<'X'\nRAY_ADDRESS=ray://head:10001\nX\n",
        "for h in a b; do echo $h; done",
        "",
        "\0\0",
        "'unclosed",
        "cat <<X",
        "((((((",
    ],
)
def test_what_only_mentions_or_is_passed_on_is_left_in_peace(text: str) -> None:
    assert shell(text) == []


def test_lines_and_columns_count_characters() -> None:
    (finding,) = found("# é😀\r\nx='é😀'; export RAY_HOST=head\r\n", FileKind.SHELL)

    assert (finding.line, finding.column, finding.end_column) == (2, 16, 29)


def test_in_a_test_whatever_is_hard_coded_is_a_note() -> None:
    assert shell("export RAY_HOST=head", "tests/run.sh") == ["RAY667 note RAY_HOST=head"]


def test_all_assignments_of_a_line_are_told() -> None:
    assert len(shell("export RAY_HOST=head RAY_NAMESPACE=prod RAY_ADDRESS=auto")) == 2


def test_a_token_is_not_repeated() -> None:
    (finding,) = found("export RAY_AUTH_TOKEN=s3cret", FileKind.SHELL)

    assert "s3cret" not in finding.message + finding.fix


def test_a_thousand_findings_are_told_each_and_deep_nesting_ends() -> None:
    assert len(shell("export RAY_HOST=head\n" * 1000)) == 1000
    assert shell("$(" * 2000 + "RAY_HOST=head" + ")" * 2000) == ["RAY658 warning RAY_HOST=head"]
    assert shell("bash -c 'eval \"bash -c x\"'; " * 50) == []


def documents(script: str) -> list[File]:
    """The files that stand in a script."""
    handed: list[File] = []

    def inner(file: File, context: Context) -> Iterator[Finding]:
        handed.append(file)
        return iter(())

    list(shell_family(inner)(File(path="run.sh", text=script, kind=FileKind.SHELL), Context()))
    return handed


@pytest.mark.parametrize(
    ("script", "kind", "content"),
    [
        ("kubectl apply -f - <<EOF\nkind: Pod\nEOF\n", FileKind.YAML, "kind: Pod"),
        ("cat <<EOF | kubectl apply -f -\nkind: Pod\nEOF\n", FileKind.YAML, "kind: Pod"),
        ("cat > pod.yaml <<'EOF'\nkind: Pod\nEOF\n", FileKind.YAML, "kind: Pod"),
        ("cat <<EOF > 'a b/pod.yml' && x\nkind: $KIND\nEOF\n", FileKind.YAML, "kind: zqzqz"),
        ("kubectl apply -f - <<EOF\nkind: Pod\n$MORE\na: $(b c)\nEOF\n", FileKind.YAML, "kind: Pod\n     \na: zqzqzq"),
        ("send <<EOF\napiVersion: v1\nkind: Pod\nEOF\n", FileKind.YAML, "apiVersion: v1\nkind: Pod"),
        ("cat <<-EOF > pod.yaml\n\tkind: Pod\n\tspec:\n\t  a: 1\n\tEOF\n", FileKind.YAML, "kind: Pod\n spec:\n   a: 1"),
        ('cat > a.json <<X\n{"kind": "Pod"}\nX\n', FileKind.YAML, '{"kind": "Pod"}'),
        ("tee .env <<EOF\nRAY_HOST=head\nEOF\n", FileKind.ENV, "RAY_HOST=head"),
        ("docker build -t a - <<EOF\nFROM a\nEOF\n", FileKind.DOCKERFILE, "FROM a"),
        ("python3.11 - <<EOF\nx = 1\nEOF\n", FileKind.PYTHON, "x = 1"),
        ("bash -s <<EOF\nx\nEOF\n", FileKind.SHELL, "x"),
    ],
)
def test_a_here_document_is_handed_on_as_what_it_is(script: str, kind: FileKind, content: str) -> None:
    (file,) = documents(script)

    assert (file.kind, file.path, file.text.strip()) == (kind, "run.sh", content)
    assert [len(line) for line in file.text.split("\n")] == [len(line) for line in script.split("\n")]


@pytest.mark.parametrize("script", ["cat <<EOF\nhello\nEOF\n", "cat >> a.json <<EOF\n}\nEOF\n", "cat > a.yaml <<EOF"])
def test_a_here_document_of_nothing_that_is_linted_is_handed_to_nobody(script: str) -> None:
    assert documents(script) == []


def test_a_manifest_in_a_script_is_linted_by_the_rule_book_at_its_place() -> None:
    script = (
        "cat <<-EOF | kubectl apply -f -\n\tapiVersion: v1\n\tkind: Pod\n\tmetadata:\n"
        "\t  name: $NAME\n\t  annotations: {ray.seedcore.io/role: worker}\n\tspec:\n\t  containers:\n"
        "\t  - {name: a, env: [{name: RAY_ADDRESS, value: 'ray://h:1'}]}\n\tEOF\n"
    )
    (finding,) = found(script, FileKind.SHELL)

    assert (finding.code, finding.line, finding.column) == ("RAY608", 9, 49)
    assert (finding.declared, finding.edits) == (None, ()), "a script is not mended"


def test_two_here_documents_of_one_script_are_handed_on_each() -> None:
    script = "cat > a.yaml <<A\nkind: A\nA\ncat > b.yaml <<B\nkind: B\nB\n"

    assert [file.text.strip() for file in documents(script)] == ["kind: A", "kind: B"]


def test_what_cannot_be_read_before_variables_are_in_is_a_note() -> None:
    assert shell("python - <<EOF\nimport ray\n$CODE\nEOF\n")[0].startswith("RAY692 note")
    assert shell("python - <<'EOF'\nimport ray\n$CODE\nEOF\n")[0].startswith("RAY695 warning")
