"""Secret, webhook configuration and Lease as values: what is read of any form of them, and what is written."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.certificates.support import NOW, odd_certificates
from tests.cluster.keeping import Clock
from webhook.certificates.authority import issue_authority, issue_serving
from webhook.certificates.content import MAX_AUTHORITIES, Content
from webhook.certificates.rotation import Report
from webhook.cluster.bundle import TRUSTED, Service, bundle_document, read_bundles
from webhook.cluster.lease import REPORT, LeaseView, new_identity, read_lease, read_report, report_text
from webhook.cluster.secret import ROTATE, ROTATED, SecretView, read_secret, secret_document
from webhook.cluster.watched import Watched

AUTHORITY = issue_authority(NOW)
CONTENT = Content(
    authority=issue_authority(NOW),
    older=(AUTHORITY.certificate,),
    serving=issue_serving(AUTHORITY, ["svc.ns.svc"], NOW),
)


def secret(annotations: dict[str, str] | None = None) -> dict[str, Any]:
    document = secret_document("tls", "ns", CONTENT, done="", version="5")
    return {**document, "metadata": {**document["metadata"], "annotations": annotations}}


class TestSecret:
    def test_what_is_written_is_read_again(self) -> None:
        read = read_secret(secret())
        assert (read.content, read.version, read.fault, read.owner) == (CONTENT, "5", "", "")

    def test_its_parts_have_the_names_that_others_know(self) -> None:
        data = secret_document("tls", "ns", CONTENT, done="", version="")["data"]
        assert b64decode(data["tls.crt"]) == CONTENT.serving.certificate
        assert b64decode(data["ca.crt"]) == CONTENT.authority.certificate + AUTHORITY.certificate
        assert set(data) == {"tls.crt", "tls.key", "ca.crt", "ca.key"}

    def test_only_a_creation_says_the_type_and_only_a_change_the_version(self) -> None:
        new = secret_document("tls", "ns", CONTENT, done="x", version="")
        changed = secret_document("tls", "ns", CONTENT, done="x", version="5")
        assert (new.get("type"), new["metadata"].get("resourceVersion")) == ("kubernetes.io/tls", None)
        assert (changed.get("type"), changed["metadata"].get("resourceVersion")) == (None, "5")
        assert changed["metadata"]["annotations"] == {ROTATED: "x"}

    def test_a_wish_and_what_became_of_it_are_read(self) -> None:
        read = read_secret(secret({ROTATE: "b", ROTATED: "a"}))
        assert (read.asked, read.done) == ("b", "a")

    def test_a_long_wish_is_told_from_another_and_written_short(self) -> None:
        one, other = (read_secret(secret({ROTATE: text * 140_000})).asked for text in "ab")
        assert one != other
        assert len(one) < 100

    def test_another_owner_is_told(self) -> None:
        assert read_secret(secret({"cert-manager.io/issuer-name": "x"})).owner == "cert-manager"

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda item: item.pop("data"),
            lambda item: item.update(data=None),
            lambda item: item.update(data=[]),
            lambda item: item["data"].pop("ca.key"),
            lambda item: item["data"].update({"tls.key": 5}),
            lambda item: item["data"].update({"tls.key": "%"}),
            lambda item: item["data"].update({"ca.crt": ""}),
            lambda item: item["data"].update({"ca.crt": b64encode(CONTENT.serving.certificate).decode()}),
            lambda item: item["data"].update({"tls.crt": item["data"]["ca.crt"]}),
        ],
    )
    def test_a_broken_one_says_why_and_never_what(self, spoil: Callable[[dict[str, Any]], object]) -> None:
        item = secret()
        spoil(item)
        read = read_secret(item)
        assert (read.content, read.version) == (None, "5")
        assert read.fault
        assert "PRIVATE" not in repr(read)

    @pytest.mark.parametrize("what", odd_certificates())
    @pytest.mark.parametrize("key", ["tls.crt", "ca.crt"])
    def test_an_odd_certificate_is_a_fault_and_nothing_more(self, key: str, what: str) -> None:
        item = secret()
        item["data"][key] = b64encode(odd_certificates()[what]).decode()
        read = read_secret(item)
        assert (read.content, read.version, bool(read.fault)) == (None, "5", True)

    def test_what_raises_anything_else_is_a_fault_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(_: Content) -> Content:
            raise RecursionError

        monkeypatch.setattr("webhook.cluster.secret.checked", fail)
        assert read_secret(secret()).fault == "the Secret cannot be read (RecursionError)"

    def test_as_many_authorities_as_a_bundle_may_have_are_read_and_one_more_is_a_fault(self) -> None:
        for number, is_broken in ((MAX_AUTHORITIES, False), (MAX_AUTHORITIES + 1, True)):
            item, extra = secret(), [issue_authority(NOW).certificate for _ in range(number - 2)]
            item["data"]["ca.crt"] = b64encode(b"".join([*CONTENT.authorities, *extra])).decode()
            read = read_secret(item)
            assert (read.content is None, "9 certificates" in read.fault) == (is_broken, is_broken)

    def test_the_last_good_content_is_known_whatever_became_of_it(self) -> None:
        view = SecretView(lambda: None)
        view.put(secret())
        view.put({"metadata": {"resourceVersion": "6"}, "data": None})
        assert (view.value.content, view.known) == (None, CONTENT)
        view.remove({"metadata": {"resourceVersion": "7"}})
        assert (view.value.version, view.known) == ("", CONTENT)


class TestBundles:
    SERVICE = Service(namespace="ns", name="svc")

    def entry(self, name: str, service: Any, bundle: Any = None) -> dict[str, Any]:
        return {"name": name, "clientConfig": {"service": service, "caBundle": bundle}}

    def test_ours_are_the_entries_that_call_our_service(self) -> None:
        ours, elsewhere = {"namespace": "ns", "name": "svc"}, {"namespace": "other", "name": "svc"}
        webhooks = [
            self.entry("a", ours, "b25l"),
            self.entry("b", ours),
            self.entry("c", elsewhere, "b25l"),
            {"name": "d", "clientConfig": {"url": "https://x"}},
            {"name": "e"},
            self.entry("f", ours, "%"),
        ]
        read = read_bundles({"metadata": {"resourceVersion": "5"}, "webhooks": webhooks}, self.SERVICE)
        assert (read.version, read.entries) == ("5", {"a": b"one", "b": b"", "f": b""})

    @pytest.mark.parametrize("item", [None, {"metadata": {}}, {"metadata": {}, "webhooks": None}])
    def test_without_entries_there_are_none(self, item: dict[str, Any] | None) -> None:
        assert not read_bundles(item, self.SERVICE).entries

    def test_an_apply_says_names_and_bundles_and_that_there_was_one(self) -> None:
        document = bundle_document("hook", b"one", ["a", "b"], version="5")
        metadata = {"name": "hook", "resourceVersion": "5", "annotations": {TRUSTED: "true"}}
        assert document["metadata"] == metadata
        assert document["webhooks"] == [{"name": name, "clientConfig": {"caBundle": "b25l"}} for name in "ab"]


DEEP = '{"x":' + "[" * 100_000


class TestLease:
    REPORT = Report(trusted=frozenset({"x", "y"}), serves="s", issuer="x")

    def item(self, version: str, **reports: str) -> dict[str, Any]:
        annotations = {REPORT + name: text for name, text in reports.items()} | {"other": "x"}
        return {"metadata": {"resourceVersion": version, "annotations": annotations}, "spec": None}

    def test_a_report_is_read_as_it_was_written(self) -> None:
        assert read_report(report_text(self.REPORT, 3), silent=2.0) == replace(self.REPORT, silent=2.0)

    @pytest.mark.parametrize("text", ["", "garbage", "[]", '{"trusts": 5}', DEEP], ids=len)
    def test_what_is_no_report_says_nothing(self, text: str) -> None:
        assert read_report(text, silent=1.0) == Report(silent=1.0)

    def test_silence_is_counted_from_the_last_change_on_our_own_clock(self) -> None:
        clock = Clock()
        view = LeaseView(lambda: None, clock)
        view.put(self.item("1", a=report_text(self.REPORT, 1), b="b"))
        clock.ahead += 100
        view.put(self.item("2", a=report_text(self.REPORT, 2), b="b"))
        silent = {name: round(report.silent) for name, report in view.reports().items()}
        assert silent == {"a": 0, "b": 100}

    def test_identities_fit_into_annotations_and_are_never_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("socket.gethostname", lambda: "_a." + "b" * 90)
        one, other = new_identity(), new_identity()
        assert one != other
        assert len(one) <= 63
        assert one[0].isalnum()

    @pytest.mark.parametrize("item", [None, {"metadata": {}}, {"metadata": {"annotations": None}, "spec": {}}])
    def test_an_empty_one_has_no_holder(self, item: dict[str, Any] | None) -> None:
        assert (read_lease(item).holder, dict(read_lease(item).reports)) == ("", {})


class TestWatched:
    def test_an_older_state_never_replaces_a_newer_one(self) -> None:
        view = Watched(lambda item: item["spec"] if item else None, lambda: None)
        view.put({"metadata": {"resourceVersion": "10"}, "spec": "new"})
        view.put({"metadata": {"resourceVersion": "9"}, "spec": "old"})
        view.remove({"metadata": {"resourceVersion": "9"}})
        assert view.value == "new"
        assert (view.has_seen("10"), view.has_seen("11"), view.has_seen("")) == (True, False, True)

    def test_what_a_fresh_list_says_is_taken_though_its_version_is_lower(self) -> None:
        """As after etcd was restored from a backup."""
        view = Watched(lambda item: item["spec"] if item else None, lambda: None)
        view.put({"metadata": {"resourceVersion": "10"}, "spec": "new"})
        view.listed()
        view.put({"metadata": {"resourceVersion": "5"}, "spec": "restored"})
        view.put({"metadata": {"resourceVersion": "4"}, "spec": "older"})
        assert (view.value, view.has_seen("6")) == ("restored", False)

    def test_a_state_that_cannot_be_read_does_not_count_as_seen(self) -> None:
        view = Watched(lambda item: item["spec"] if item else None, lambda: None)
        with pytest.raises(KeyError):
            view.put({"metadata": {"resourceVersion": "10"}})
        assert not view.has_seen("10")

    def test_what_a_list_no_longer_has_is_gone(self) -> None:
        view = Watched(lambda item: item["spec"] if item else None, lambda: None)
        view.put({"metadata": {"resourceVersion": "10"}, "spec": "there"})
        view.remove({"metadata": {}})
        assert view.value is None
