"""The pages, over HTTP."""

from __future__ import annotations

import json
from html import unescape

import pytest

from tests.console.console import Asker
from tests.console.manifests import DEPLOYMENT, SECRET, TOKEN
from tests.service import RunningService, client_pod
from webhook import __version__
from webhook.console.form import MAX_FORM, MAX_MANIFEST

PAGES = ("/", "/decisions", "/try", "/counts")


def test_the_overview_has_settings_with_sources_the_certificate_and_limits(console: Asker) -> None:
    page = console.get("/")
    assert f"<dd>{__version__}</dd>" in page
    for told in (
        "seedcore-head-svc.seedcore-dev",
        "file settings.env",
        "CN=ray-webhook",
        "ray-webhook-system.svc",
        "500",
    ):
        assert told in page
    assert "SERVE_GATEWAY=RAY_SERVE_URL" in page
    assert "Namespace team-a" in console.get("/?namespace=team-a")


def test_decisions_are_shown_explained_and_filtered(service: RunningService, console: Asker) -> None:
    review = client_pod({"ray.seedcore.io/role": "master"})
    review["request"]["namespace"] = "refused"
    service.post(json.dumps(review).encode())
    good = client_pod(env=[{"name": "DATABASE_PASSWORD", "value": SECRET}])
    good["request"]["namespace"] = "shop"
    service.post(json.dumps(good).encode())
    refused = unescape(console.get("/decisions?namespace=refused"))
    assert 'annotation ray.seedcore.io/role is "master"' in refused
    assert "The annotation ray.seedcore.io/role has a value that is no role." in refused
    assert "1 shown of 1 found" in refused
    assert "shop/" not in refused
    shop = console.get("/decisions?role=client&code=ray101&namespace=shop")
    assert "<code>RAY_ADDRESS</code>" in shop
    assert "refused/" not in shop
    assert "None passes the filter." in console.get("/decisions?namespace=nowhere")
    assert all(SECRET not in console.get(path) for path in PAGES)


def test_counts_are_told_in_numbers(service: RunningService, console: Asker) -> None:
    service.post(json.dumps(client_pod()).encode())
    page = console.get("/counts")
    assert '<th scope="row"><span class="badge good">RAY101</span></th>' in page
    assert "<svg" in page


def test_a_manifest_is_explained_with_a_diff_and_without_other_values(console: Asker) -> None:
    page = console.paste(DEPLOYMENT)
    assert page.status == 200
    text = unescape(page.text)
    assert "Deployment shop/api" in text
    assert "<code>ray-old</code>" in text
    assert "ray://seedcore-head-svc.seedcore-dev:10001" in text
    assert "Unchanged: <code>RAY_PORT</code>" in text
    assert "Not looked at: <code>RAY_AUTH_TOKEN</code> <code>DATABASE_PASSWORD</code>" in text
    assert SECRET not in text
    assert TOKEN not in text


def test_the_default_role_is_asked_about_too(console: Asker) -> None:
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i}]}\n"
    assert "RAY202" in console.paste(pod).text
    assert "RAY101" in console.paste(pod, default_role="client").text


BAD = {
    "broken": ("a: [b\n", "RAY802", "the manifest:2:1 is not YAML"),
    "empty": ("  \n", "RAY802", "the manifest is empty"),
    "binary": ("\x00\x01\x02", "RAY802", "the manifest"),
    "no object": ("just text", "RAY802", "no Kubernetes object"),
    "no pod": ("kind: Service\nmetadata: {name: s}\n", "RAY802", "has no pod in it"),
    "large": ("a" * (MAX_MANIFEST + 1), "RAY802", f"the manifest has {MAX_MANIFEST + 1} bytes"),
    "many": (DEPLOYMENT.replace("---", "") + ("---\n" + DEPLOYMENT) * 50, "RAY802", "has 51 pod templates"),
    "wide": (f"kind: Pod\nspec: {{containers: [{'{name: c}, ' * 251}]}}\n", "RAY802", "has 251 containers"),
    "templated": ("kind: Pod\nmetadata: {name: {{ .Release.Name }}}\n", "RAY802", "the manifest is a template"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gives_one_message_with_its_code_and_keeps_what_was_typed(console: Asker, case: str) -> None:
    manifest, code, message = BAD[case]
    page = console.paste(manifest)
    text = unescape(page.text)
    assert page.status == 400
    assert text.count('role="alert"') == 1
    assert f"<h2>{code} unusable input</h2>" in text
    assert message in text
    assert f">\n{manifest}</textarea>" in text
    assert "Traceback" not in text


def test_what_is_typed_is_escaped(console: Asker) -> None:
    page = console.paste("</textarea><script>alert(1)</script>")
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text


def test_a_form_that_is_too_large_or_none_is_told_so(console: Asker) -> None:
    assert "RAY811" in console("POST", "/try", b"manifest=" + b"a" * MAX_FORM).text
    page = console("POST", "/try", b"manifest=%ff%fe")
    assert (page.status, "RAY825" in page.text) == (400, True)


@pytest.mark.parametrize("path", [*PAGES, "/console.css", "/icon.svg", "/nothing"])
def test_every_answer_is_guarded(console: Asker, path: str) -> None:
    headers = console("GET", path).headers
    assert headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_a_script_a_style_or_anything_from_elsewhere(console: Asker, path: str) -> None:
    page = console.get(path)
    for forbidden in ("<script", "<style", " style=", " onclick", "//", "javascript:"):
        assert forbidden not in page.replace("http://seedcore-head-svc", "").replace("http://www.w3.org", ""), forbidden


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8081", "127.0.0.1.evil.example:80", "localhost.", "", "[::2]"]
)
def test_a_name_that_is_not_loopback_is_refused(console: Asker, host: str) -> None:
    page = console("GET", "/", Host=host)
    assert (page.status, "RAY823" in page.text) == (421, True)
    assert "seedcore-head-svc" not in page.text


@pytest.mark.parametrize("host", ["localhost", "localhost:9999", "127.0.0.1:1", "[::1]:8081", "[::1]"])
def test_any_port_of_this_machine_is_answered_as_kubectl_forwards_it(console: Asker, host: str) -> None:
    assert console("GET", "/", Host=host).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_a_form_of_another_site_is_refused(console: Asker, headers: dict[str, str]) -> None:
    page = console("POST", "/try", b"manifest=a", **headers)
    assert (page.status, "RAY824" in page.text) == (403, True)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/", 405),
        ("PUT", "/try", 405),
        ("DELETE", "/decisions", 405),
        ("OPTIONS", "/", 405),
        ("HEAD", "/", 200),
        ("GET", "/openapi.json", 404),
        ("GET", "/docs", 404),
        ("GET", "/metrics", 404),
        ("GET", "/pages/base.html", 404),
        ("GET", "/../console.css", 404),
    ],
)
def test_only_what_is_meant_is_answered(console: Asker, method: str, path: str, status: int) -> None:
    assert console(method, path).status == status
