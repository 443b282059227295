"""The forms of RAY_ADDRESS and of the URLs beside it."""

from __future__ import annotations

import pytest

from ray_config.address import Form, RayAddress, client_address, is_host, is_http_url, lacks_host, parse_port, url_port


@pytest.mark.parametrize(
    ("text", "form", "host", "port"),
    [
        ("", Form.EMPTY, None, None),
        ("auto", Form.AUTO, None, None),
        ("local", Form.LOCAL, None, None),
        ("h:6379", Form.DIRECT, "h", 6379),
        ("h.example.:1", Form.DIRECT, "h.example.", 1),
        ("10.0.0.1:65535", Form.DIRECT, "10.0.0.1", 65535),
        ("[fd00::1]:6379", Form.DIRECT, "[fd00::1]", 6379),
        ("ray://h:10001", Form.CLIENT, "h", 10001),
        ("ray://h", Form.CLIENT, "h", None),
        ("ray://[::1]:1", Form.CLIENT, "[::1]", 1),
        ("ray://", Form.CLIENT, None, None),
        ("ray://:10001", Form.CLIENT, None, None),
        ("ray://h:0", Form.CLIENT, "h", None),
        ("http://h:8265", Form.HTTP, None, None),
        ("https://h", Form.HTTP, None, None),
        ("http://", Form.HTTP, None, None),
    ],
)
def test_the_form_of_an_address(text: str, form: Form, host: str | None, port: int | None) -> None:
    assert RayAddress.parse(text) == RayAddress(form=form, host=host, port=port)


@pytest.mark.parametrize(
    "text",
    [
        "h", "h:", "h:0", "h:65536", "h:x", ":6379", "h:1:2", "[::1]", "::1:6379", "[::g]:1", "[::1%eth0]:1", "[]:1",
        "Auto", "AUTO", " auto", "auto ", "Local", "RAY://h:1", "grpc://h:1", "h:6379/", "h:6379?x", "a b:1", "h: 1",
        "h:1\n", "h:+1", "h:\u0661", "$(H):1", "h:$(P)", "-h:1", "h-:1", ".h:1", "a..b:1", "é:1", "u@h:1",
        "x" * 64 + ":1",
    ],
)  # fmt: skip
def test_everything_else_is_other(text: str) -> None:
    assert RayAddress.parse(text) == RayAddress(form=Form.OTHER)


@pytest.mark.parametrize("text", ["ray://", "ray://:10001", "ray://:", "ray:///x"])
def test_a_client_address_without_a_host(text: str) -> None:
    assert lacks_host(text)


@pytest.mark.parametrize(
    "text", ["ray://h", "ray://h:1", "ray://$(H):1", "ray://[::1]:1", "", "auto", "http://", "ray:/"]
)
def test_no_client_address_without_a_host(text: str) -> None:
    assert not lacks_host(text)


@pytest.mark.parametrize(("text", "port"), [("1", 1), ("10001", 10001), ("65535", 65535)])
def test_a_port_in_plain_digits(text: str, port: int) -> None:
    assert parse_port(text) == port


@pytest.mark.parametrize(
    "text", ["", "0", "65536", "100000", "-1", "+1", " 1", "1 ", "1\n", "1.0", "1e3", "0x1", "1_0", "x", "\u0661"]
)
def test_no_port(text: str) -> None:
    assert parse_port(text) is None


@pytest.mark.parametrize("text", ["h", "h.example", "h.example.", "10.0.0.1", "[::1]", "a-b", "my_service", "x" * 63])
def test_a_host(text: str) -> None:
    assert is_host(text)


@pytest.mark.parametrize(
    "text", ["", ".", "-h", "h-", "a b", "a/b", "h:1", "::1", "[1]", "[::1", "$(H)", "x" * 64, "a." * 127]
)
def test_no_host(text: str) -> None:
    assert not is_host(text)


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("http://h", None),
        ("http://h:8265", 8265),
        ("https://h:1/", 1),
        ("https://dash.example/ray/?a=b#c", None),
        ("http://[::1]:8265", 8265),
        ("http://[::1]", None),
    ],
)
def test_an_http_url_and_its_port(text: str, port: int | None) -> None:
    assert is_http_url(text)
    assert url_port(text) == port


@pytest.mark.parametrize(
    "text",
    [
        "",
        "h",
        "http://",
        "http:///x",
        "http://h:0",
        "http://h:65536",
        "http://h:x",
        "ray://h:1",
        "HTTP://h",
        "http://a b",
        "http://h/a b",
    ],
)
def test_no_http_url(text: str) -> None:
    assert not is_http_url(text)
    assert url_port(text) is None


def test_the_client_form_is_what_parse_reads() -> None:
    for host in ("h", "10.0.0.1", "[::1]"):
        assert RayAddress.parse(client_address(host, 10001)) == RayAddress(form=Form.CLIENT, host=host, port=10001)
