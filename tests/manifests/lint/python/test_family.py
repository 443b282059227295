"""Which connections in a program are found, which code is proposed for them, and what is left in peace."""

from __future__ import annotations

import ast
import re

import pytest

import ray_config
from tests.manifests.lint.told import found
from webhook.manifests.lint.finding import FileKind, Finding

IMPORTS = """\
import os, subprocess
import ray
import ray as r
from os import environ, getenv
from ray import init
from ray.job_submission import JobSubmissionClient
"""

CONNECT = "init_ray_with_smart_defaults()"
RESOLVE = "resolve_ray_address()"
FACTORY = "(default_factory=resolve_ray_address)"


def findings(code: str, path: str = "app.py") -> list[Finding]:
    return found(IMPORTS + code, FileKind.PYTHON, path)


def proposal(finding: Finding) -> str:
    """The code that a fix has; it is proven to be code, by functions that there are."""
    match = re.fullmatch(
        r"(?:make None the default, and )?write `(.+)`, after `from ray_config import (\w+)`", finding.fix
    )
    assert match is not None, finding.fix
    compile(match[1], "proposal", "eval")
    assert match[2] in ray_config.__all__
    assert match[2] in {node.id for node in ast.walk(ast.parse(match[1])) if isinstance(node, ast.Name)}
    return match[1]


@pytest.mark.parametrize(
    ("code", "expected", "wanted"),
    [
        # what connects
        ('ray.init("ray://head:10001")', "RAY650", CONNECT),
        ('ray.init(address="ray://head:10001")', "RAY650", CONNECT),
        ('r.init("ray://head:10001")', "RAY650", CONNECT),
        ('init("ray://head:10001")', "RAY650", CONNECT),
        ('ray.init("head:6379")', "RAY650", CONNECT),
        ('ray.client("head:10001").connect()', "RAY650", CONNECT),
        ('ray.init("ray://h:1", namespace="a", log_to_driver=False)', "RAY650", CONNECT[:-1] + "log_to_driver=False)"),
        ('ray.init("ray://head:10001", **options)', "RAY650", CONNECT[:-1] + "**options)"),
        ('context = ray.init("ray://head:10001")', "RAY650", CONNECT + ".context"),
        ('init("ray://h:1", allow_multiple=True)', "RAY650", f"ray.init(address={RESOLVE}, allow_multiple=True)"),
        ('ray.init(f"ray://{host}:10001")', "RAY652", CONNECT),
        ('ray.init(address=os.getenv("RAY_ADDRESS", "ray://head:10001"))', "RAY651", CONNECT),
        ('ray.init(address=os.getenv("RAY_ADDRESS") or "ray://head:10001")', "RAY651", CONNECT),
        ('ray.init(os.environ["RAY_ADDRESS"])', "RAY665", CONNECT),
        ('ray.init(address=os.getenv("RAY_ADDRESS", "auto"))', "RAY665", CONNECT),
        ('ray.init(os.getenv("OTHER", "ray://head:10001"))', "RAY650", CONNECT),
        ('ray.init("http://head:8265")', "RAY655", CONNECT),
        ('JobSubmissionClient("http://head:8265")', "RAY654", "JobSubmissionClient(get_ray_dashboard_address())"),
        (
            'JobSubmissionClient(address="https://jobs.example", headers=h)',
            "RAY654",
            "JobSubmissionClient(get_ray_dashboard_address(), headers=h)",
        ),
        ('ray.job_submission.JobSubmissionClient(f"http://{host}:8265")', "RAY652", None),
        # constants
        ('A = "ray://head:10001"\nray.init(A)', "RAY650", CONNECT),
        ('def f():\n    a = "ray://head:10001"\n    ray.init(a)', "RAY650", CONNECT),
        ('class C:\n    A = "ray://head:10001"\n    def f(self):\n        ray.init(self.A)', "RAY650", CONNECT),
        ('class C:\n    A = "ray://head:10001"\nray.init(C.A)', "RAY650", CONNECT),
        ('KEY = "RAY_ADDRESS"\nD = "ray://head:10001"\nx = os.getenv(KEY, D)', "RAY651", RESOLVE),
        ('HOST = "head"\nx = f"ray://{HOST}:10001"', "RAY650", RESOLVE),
        ('BASE = "ray://"\nx = BASE + "head:10001"', "RAY650", RESOLVE),
        ('RAY_NAMESPACE = "prod"', "RAY650", "get_ray_namespace()"),
        ('RAY_HOST = "head"', "RAY650", RESOLVE),
        ("x = f\"ray://{os.getenv('MINE', 'head')}:10001\"", "RAY652", RESOLVE),
        # reading
        ('x = os.getenv("RAY_ADDRESS", "ray://h:1") or address', "RAY651", RESOLVE),
        ('x = os.getenv("RAY_ADDRESS", "ray://head:10001")', "RAY651", RESOLVE),
        ('x = os.environ.get("RAY_ADDRESS", "ray://head:10001")', "RAY651", RESOLVE),
        ('x = environ.get("RAY_ADDRESS", default="ray://head:10001")', "RAY651", RESOLVE),
        ('x = getenv("RAY_HOST", "head")', "RAY651", RESOLVE),
        ('e = os.environ\nx = e.get("RAY_ADDRESS", "ray://head:10001")', "RAY651", RESOLVE),
        ('x = os.getenv("RAY_NAMESPACE", "prod")', "RAY651", "get_ray_namespace()"),
        ('x = os.getenv("RAY_SERVE_URL", "http://serve:8000")', "RAY651", "get_ray_serve_address()"),
        ('x = os.getenv("RAY_DASHBOARD_ADDRESS", "http://head:8265")', "RAY651", "get_ray_dashboard_address()"),
        ('x = os.environ.setdefault("RAY_ADDRESS", "ray://head:10001")', "RAY651", RESOLVE),
        ('x = os.environ.pop("RAY_ADDRESS", "ray://head:10001")', "RAY651", RESOLVE),
        ('x = config("RAY_ADDRESS", default="ray://head:10001")', "RAY651", RESOLVE),
        ('x = os.getenv("RAY_ADDRESS") or os.getenv("RAY_HOST", "ray://head:10001")', "RAY651", RESOLVE),
        ('x = os.getenv("RAY_ADDRESS", os.getenv("MINE", "ray://head:10001"))', "RAY651", RESOLVE),
        ('x = a.b or os.getenv("RAY_ADDRESS") or "ray://h:1"', "RAY651", "resolve_ray_address(a.b)"),
        ('x = space or os.getenv("RAY_NAMESPACE", "prod")', "RAY651", "get_ray_namespace(space)"),
        ('x = url or os.getenv("RAY_SERVE_URL", "http://s:8000")', "RAY651", "get_ray_serve_address(address=url)"),
        ('x = os.environ["RAY_ADDRESS"] if "RAY_ADDRESS" in os.environ else "ray://h:1"', "RAY651", RESOLVE),
        ('x = os.getenv("RAY_ADDRESS", f"ray://{host}:10001")', "RAY652", RESOLVE),
        ('x = os.environ["RAY_ADDRESS"]', "RAY665", RESOLVE),
        ('x = os.getenv("RAY_PORT", "10001")', "RAY665", RESOLVE),
        ('x = os.getenv("SEEDCORE_RAY_ROLE")', "RAY665", "get_ray_role()"),
        # putting together
        ('x = f"ray://{os.environ[\'RAY_HOST\']}:{os.getenv(\'RAY_PORT\', \'10001\')}"', "RAY652", RESOLVE),
        ('x = "ray://" + host + ":10001"', "RAY652", RESOLVE),
        ('x = "ray://%s:%d" % (host, port)', "RAY652", RESOLVE),
        ('x = "ray://{}:{}".format(host, port)', "RAY652", RESOLVE),
        ('x = "ray://{h}:10001".format(h=host)', "RAY652", RESOLVE),
        ('x = f"http://{host}:8265/api/jobs/{job}"', "RAY652", "get_ray_dashboard_address(f'/api/jobs/{job}')"),
        ('x = f"http://{RAY_HOST}:8000/app"', "RAY652", "get_ray_serve_address('/app')"),
        ('x = "http://%s:8000/%s" % (os.environ["RAY_HOST"], app)', "RAY652", "get_ray_serve_address(f'/{app}')"),
        # literals on their way
        ('requests.get("http://ray-head:8265/api/version")', "RAY654", "get_ray_dashboard_address('/api/version')"),
        ('x = "http://shop-serve-svc.ml:8000/app"', "RAY654", "get_ray_serve_address('/app')"),
        ('connect("ray://head:10001")', "RAY650", RESOLVE),
        ('x = ["ray://head:10001"]', "RAY650", RESOLVE),
        ('def f(address="ray://head:10001"): ...', "RAY651", "resolve_ray_address(address)"),
        ('def f(*, a=1, url="http://head:8265"): ...', "RAY651", "get_ray_dashboard_address(address=url)"),
        ('def f(ray_namespace="prod"): ...', "RAY651", "get_ray_namespace(ray_namespace)"),
        ('@dataclass\nclass C:\n    a: str = "ray://h:1"', "RAY651", "field" + FACTORY),
        ('@dataclass\nclass C:\n    a: str = field(default="ray://h:1")', "RAY651", "field" + FACTORY),
        ('class C(BaseSettings):\n    a: str = "ray://h:1"', "RAY651", "Field" + FACTORY),
        ('class C(BaseModel):\n    RAY_NAMESPACE: str = "prod"', "RAY651", "Field(default_factory=get_ray_namespace)"),
        (
            'class C(BaseModel):\n    a: str = Field("prod", validation_alias="RAY_NAMESPACE")',
            "RAY651",
            "Field(default_factory=get_ray_namespace)",
        ),
        ('parser.add_argument("--address", default="ray://h:1", help="ray://h:1")', "RAY651", RESOLVE),
        ('click.option("--a", envvar=["RAY_ADDRESS", "X"], default="ray://h:1")', "RAY651", RESOLVE),
        ('click.option("--a", envvar="RAY_NAMESPACE", default="prod")', "RAY651", "get_ray_namespace()"),
        # the machine itself
        ('ray.init("ray://localhost:10001")', "RAY666", CONNECT),
        ('x = os.getenv("RAY_ADDRESS", "ray://127.0.0.1:10001")', "RAY666", RESOLVE),
        ('x = "http://[::1]:8265"', "RAY666", "get_ray_dashboard_address()"),
    ],
)  # fmt: skip
def test_a_connection_in_code_is_found_once_and_its_replacement_is_code(
    code: str, expected: str, wanted: str | None
) -> None:
    (finding,) = findings(code)

    assert finding.code == expected
    assert wanted in {proposal(finding), None}


@pytest.mark.parametrize(
    ("code", "expected", "level"),
    [
        ('os.environ["RAY_ADDRESS"] = "ray://h:1"', "RAY653", "warning"),
        ('env["RAY_ADDRESS"] = "ray://h:1"', "RAY653", "warning"),
        ('os.environ["RAY_ADDRESS"] = f"ray://{host}:1"', "RAY653", "warning"),
        ('os.environ["RAY_ADDRESS"] = address', "RAY653", "note"),
        ('os.environ.setdefault("RAY_ADDRESS", address)', "RAY653", "note"),
        ('os.environ.update({"RAY_ADDRESS": "ray://h:1"})', "RAY653", "warning"),
        ('os.environ.update(RAY_ADDRESS="ray://h:1")', "RAY653", "warning"),
        ('os.putenv("RAY_ADDRESS", "ray://h:1")', "RAY653", "warning"),
        ('os.environ.pop("RAY_ADDRESS", None)', "RAY653", "note"),
        ('del os.environ["RAY_ADDRESS"]', "RAY653", "note"),
        ('os.unsetenv("RAY_ADDRESS")', "RAY653", "note"),
        ('subprocess.run(["x"], env={**os.environ, "RAY_NAMESPACE": "prod"})', "RAY653", "warning"),
        ('subprocess.run(["x"], env=dict(os.environ, RAY_HOST="head"))', "RAY653", "warning"),
        ('K = "RAY_ADDRESS"\nx = {K: "ray://h:1"}', "RAY653", "warning"),
        ('ray.init(runtime_env={"env_vars": {"RAY_ADDRESS": "ray://h:1"}})', "RAY612", "error"),
        ('E = {"env_vars": {"RAY_NAMESPACE": "prod"}}', "RAY612", "warning"),
        ('x = {"name": "RAY_ADDRESS", "value": "ray://h:1"}', "RAY659", "warning"),
        ('V1EnvVar(name="RAY_ADDRESS", value="ray://h:1")', "RAY659", "warning"),
        ('os.environ["RAY_AUTH_TOKEN"] = "secret"', "RAY660", "error"),
        ('subprocess.run(["ray", "start", "--address=ray://h:1"])', "RAY655", "error"),
        ('os.system(f"ray start --block --address ray://{h}:1")', "RAY655", "error"),
    ],
)
def test_settings_given_to_an_environment_and_refused_addresses_are_found(code: str, expected: str, level: str) -> None:
    (finding,) = findings(code)

    assert (finding.code, finding.level) == (expected, level)


@pytest.mark.parametrize(
    "code",
    [
        '# ray.init("ray://head:10001")',
        '"""ray.init("ray://head:10001")"""',
        '"ray://head:10001"',
        'def f():\n    """ray://head:10001"""',
        'def f():\n    f"ray://{host}:10001"',
        'class C:\n    "ray://head:10001"',
        "ray.init()",
        'ray.init("auto")',
        'ray.init("local")',
        "ray.init(address=address)",
        "ray.init(address=None, num_cpus=2)",
        "ray.init(*arguments)",
        'ray.init(namespace="mine")',
        'ray.serve.start(http_options={"host": "0.0.0.0", "port": 8000})',
        "JobSubmissionClient()",
        'print("connect to ray://head:10001")',
        'print("ray://head:10001", f"ray://{host}:10001")',
        'logger.info("ray://head:10001")',
        'raise ValueError("ray://head:10001")',
        'assert x == "ray://head:10001"',
        'if x == "ray://head:10001": ...',
        'if x in ("ray://head:10001", f"ray://{y}:10001"): ...',
        'x = address.startswith("ray://head:10001")',
        'x = "ray://head:10001".partition("://")',
        'x = urlsplit("ray://head:10001")',
        'x = re.match("ray://head:10001", y)',
        'match x:\n    case "ray://head:10001": ...',
        'parser.add_argument("--address", help="ray://head:10001")',
        'x = {"description": "http://ray-head:8265"}',
        'x = "use ray://head:10001 instead"',
        'x = "ray://"',
        'x = "ray://..."',
        'x = "ray://<host>:10001"',
        'x = "ray://HOST:PORT"',
        'x = "http://localhost:8000"',
        'x = "http://shop:8000/array"',
        'x = f"http://{host}:8000"',
        'x = f"{scheme}://{host}:{port}"',
        'RAY_HOST = "RAY_HOST"',
        'RAY_ADDRESS = "RAY_ADDRESS"',
        "RAY_HOST: str | None = None",
        'RAY_NAMESPACE = ""',
        'x = {"RAY_HOST": "string"}',
        'x = {"RAY_ADDRESS": "the address of Ray"}',
        'x = {"RAY_ADDRESS": "auto", "RAY_NAMESPACE": namespace}',
        'x = ["RAY_ADDRESS", "RAY_HOST"]',
        'if "RAY_ADDRESS" in os.environ: ...',
        'print(os.getenv("RAY_ADDRESS"))',
        'if os.getenv("RAY_memory_monitor_refresh_ms", "250") == "0": ...',
        'x = os.getenv("RAY_memory_monitor_refresh_ms", "250")',
        'os.environ["RAY_memory_usage_threshold"] = "0.9"',
        'os.environ["RAY_DEDUP_LOGS"] = "0"',
        'os.environ["RAY_ADDRESS"] = "auto"',
        'x = os.getenv("FQ_RAY_IP", "head")',
        'x = os.getenv("KUBERAY_GEN_RAY_START_CMD", "ray start")',
        'x = os.getenv("RAY_AUTH_MODE", "token")',
        'x = os.getenv("GRPC_ENABLE_FORK_SUPPORT", "0")',
        'x = os.getenv("ARRAY_ADDRESS", "ray")',
        'env["RAY_ADDRESS"] = address',
        'os.environ["RAY_AUTH_TOKEN"] = token',
        'subprocess.run(["ray", "start", "--address=head:6379", "--port=6379"])',
        'subprocess.run(["ray", "start", "--head", "--ray-client-server-port=10001"])',
        'subprocess.run("kubectl get svc seedcore-head-svc", shell=True)',
        'x = describe("RAY_HOST", "head")',
        'RAY_HOST = "where Ray is"',
        'x = describe("RAY_ADDRESS", "where Ray is")',
        'x = logging.getLogger("ray", "ray")',
        'HEAD_SERVICE = "seedcore-head-svc"',
        'x = "http://%s:8000" % host',
        'x = "{broken:".format(ray=1)',
        'x = "ray://{0[" + y',
    ],
)
def test_what_only_mentions_or_is_none_of_the_connection_is_left_in_peace(code: str) -> None:
    assert findings(code) == []


@pytest.mark.parametrize(
    "path", ["tests/app.py", "a/test/b.py", "test_app.py", "pkg/app_test.py", "pkg/conftest.py", "tests/unit/x/y.py"]
)
def test_in_a_test_whatever_is_hard_coded_is_a_note(path: str) -> None:
    code = 'ray.init("ray://head:10001")\nmonkeypatch.setenv("RAY_HOST", "head")\nos.environ["RAY_AUTH_TOKEN"] = "t"'

    assert {(each.code, each.level) for each in findings(code, path)} == {("RAY667", "note")}
    assert len(findings(code, path)) == 3


@pytest.mark.parametrize(
    "path", ["app.py", "contest.py", "latest/app.py", "protests/app.py", "test_it0/app.py", "testimony.py"]
)
def test_what_is_only_named_like_a_test_is_none(path: str) -> None:
    assert [each.code for each in findings('ray.init("ray://head:10001")', path)] == ["RAY650"]


def test_reading_a_setting_in_a_test_is_nothing() -> None:
    assert findings('x = os.environ["RAY_ADDRESS"]', "tests/test_app.py") == []


def test_several_findings_of_one_statement_are_told_each() -> None:
    code = 'ray.init("ray://h:1", runtime_env={"env_vars": {"RAY_ADDRESS": "ray://h:1", "RAY_HOST": "h"}})'

    assert [each.code for each in findings(code)] == ["RAY650", "RAY612", "RAY612"]


def test_a_constant_that_two_calls_use_is_told_where_they_use_it() -> None:
    code = 'A = "ray://head:10001"\nray.init(A)\nray.init(A)\nprint(A)'

    assert [each.line - IMPORTS.count("\n") for each in findings(code)] == [2, 3]


def test_a_default_of_a_parameter_gives_way_to_none_so_that_a_caller_still_wins() -> None:
    (finding,) = findings('def f(address="ray://head:10001"): ...')

    assert finding.fix.startswith("make None the default, and write `resolve_ray_address(address)`")


@pytest.mark.parametrize(
    "code",
    [
        'A = other\nA = "ray://h:1"\nray.init(A)',
        'class C:\n    A = "ray://h:1"\n    def f(self):\n        ray.init(A)',
        'def g():\n    A = "ray://h:1"\ndef f():\n    ray.init(A)',
        'for A in b: ...\nA = "ray://h:1"\nray.init(A)',
    ],
)
def test_a_name_that_may_be_another_is_not_followed(code: str) -> None:
    (finding,) = findings(code)

    assert finding.message == 'A is "ray://h:1"'


def test_an_address_with_one_part_that_somebody_else_has_put_together_is_a_note() -> None:
    assert [each.level for each in findings('x = f"ray://{address}"\ny = f"ray://{host}:1"')] == ["note", "warning"]


def test_a_message_names_the_thing_and_its_value() -> None:
    (finding,) = findings('x = os.getenv("RAY_ADDRESS") or "ray://head:10001"')

    assert finding.message == 'RAY_ADDRESS has the default "ray://head:10001"'


def test_a_token_is_not_repeated() -> None:
    (finding,) = findings('os.environ["RAY_AUTH_TOKEN"] = "s3cret"')

    assert "s3cret" not in finding.message + finding.fix


def test_a_proposal_that_would_not_fit_a_line_leaves_out_what_stays() -> None:
    (finding,) = findings(f'ray.init("ray://h:1", runtime_env={{{", ".join(f"{i!r}: {i}" for i in range(200))}}})')

    assert proposal(finding) == CONNECT
