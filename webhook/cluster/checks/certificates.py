"""Group "certificates": what is served is whole, valid, for the right name, and trusted by the caBundle.

Nobody sees through the API server which certificate is served: the Secret says which should be, and in the cluster a
TLS session shows it.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import msgspec

from webhook.certificates.authority import CertificateInfo, describe, due_for_renewal, issued_by, parse_certificate
from webhook.certificates.content import split
from webhook.cluster.checks.cluster import INSTALL
from webhook.cluster.checks.configuration import bundle_of, called, entries_of
from webhook.cluster.checks.context import Context
from webhook.cluster.checks.objects import Item, part
from webhook.cluster.checks.outcome import Check, Failed, Group, Outcome, Passed, Skipped, Warned
from webhook.cluster.checks.place import inside, run_inside
from webhook.cluster.secret import read_secret
from webhook.errors import CertificateError
from webhook.injection.check_codes import CheckCode


def has_secret(context: Context) -> Iterator[Outcome]:
    """Whether the Secret is there, and its parts belong together."""
    installed = context.installation
    name = f"{installed.namespace}/{installed.secret}"
    if not installed.secret:
        yield Skipped("the service serves a certificate that comes from no Secret")
        return
    secret = _secret(context)
    if secret is None:
        yield Failed(CheckCode.NO_CERTIFICATE, f"there is no Secret {name}", _why_not_issued(context))
        return
    fault = read_secret(msgspec.to_builtins(secret)).fault if installed.is_managed else _fault(_chain(secret))
    if fault:
        yield Failed(
            CheckCode.BROKEN_CERTIFICATE,
            f"the Secret {name}: {fault}",
            f"kubectl delete secret {installed.secret} -n {installed.namespace}"
            + ("" if installed.is_managed else f", then put a good one there, or have one issued: {INSTALL}"),
        )
    else:
        yield Passed(name)


def _why_not_issued(context: Context) -> str:
    installed = context.installation
    if installed.is_managed:
        return f"see why the leading replica has not written it: {installed.logs}"
    return f"create it from your certificate, or have one issued: {INSTALL}"


def _secret(context: Context) -> Item | None:
    """The Secret; the list is asked for by name, for the service's own right is limited to it."""
    return context.find(context.installation.names.secret_resource.path, context.installation.secret)


def _chain(secret: Item | None) -> tuple[bytes, ...]:
    """The serving certificate and the intermediates behind it, in PEM; nothing of the private key is decoded."""
    try:
        return split(b64decode(part(secret and secret.data, str, "tls.crt") or "", validate=True))
    except ValueError:
        return ()


def _fault(chain: tuple[bytes, ...]) -> str:
    try:
        describe(chain[0] if chain else b"", "tls.crt")
    except CertificateError as error:
        return error.message
    return ""


def is_valid(context: Context) -> Iterator[Outcome]:
    """Whether the certificate holds now, and is renewed in time."""
    pem = _chain(_secret(context))[0]
    info, now = describe(pem), context.now
    until = f"{info.not_before:%Y-%m-%d %H:%M} to {info.not_after:%Y-%m-%d %H:%M} UTC"
    if not info.not_before <= now < info.not_after:
        yield Failed(CheckCode.EXPIRED, f"it is valid from {until}, and now is {now:%Y-%m-%d %H:%M}", _renew(context))
    elif due_for_renewal(pem, now):
        yield Warned(CheckCode.DUE, f"it is valid from {until}: {_days(info, now)} days are left", _renew(context))
    else:
        yield Passed(f"{_days(info, now)} days left")


def _days(info: CertificateInfo, now: datetime) -> int:
    return (info.not_after - now) // timedelta(days=1)


def _renew(context: Context) -> str:
    installed = context.installation
    if installed.is_managed:
        return f"see why the leading replica has not renewed it: {installed.logs}"
    return f"renew it where it was issued; one of deploy/apply.sh's is renewed by {INSTALL}"


def is_for_the_service(context: Context) -> Iterator[Outcome]:
    """Whether the certificate bears the name by which the API server calls."""
    (wanted,) = context.installation.names.of_certificate
    names = describe(_chain(_secret(context))[0]).names
    wildcard = f"*.{wanted.partition('.')[2]}"
    if wanted in names or wildcard in names:
        yield Passed(wanted)
    else:
        yield Failed(
            CheckCode.OTHER_NAME,
            f"it is for {', '.join(names) or 'no name'}; called: {wanted}",
            f"have it issued for that name: ray-webhook certs issue DIR --name {wanted}",
        )


def is_trusted(context: Context) -> Iterator[Outcome]:
    """Whether each caBundle leads to who issued the certificate."""
    chain = _chain(_secret(context))
    for name, entry in entries_of(context).items():
        if not _leads(chain, split(bundle_of(entry))):
            yield Failed(
                CheckCode.UNTRUSTED,
                f"{name}: the caBundle trusts nobody who issued the certificate in the Secret",
                _trust(context),
            )


def _trust(context: Context) -> str:
    installed = context.installation
    if installed.is_managed:
        return f"the leading replica writes it; see why it has not: {installed.logs}"
    return f"put the issuer's certificate into ca.crt of the Secret {installed.secret}, then run {INSTALL}"


def _leads(chain: tuple[bytes, ...], trusted: tuple[bytes, ...]) -> bool:
    """Whether a certificate of `trusted` is in the chain, or has issued its end."""
    try:
        served = [parse_certificate(pem, "tls.crt") for pem in chain]
        roots = [parse_certificate(pem, "the caBundle") for pem in trusted]
    except CertificateError:
        return False
    current = served[0] if served else None
    for _ in served:
        if current is None or current in roots or any(issued_by(current, root) for root in roots):
            return current is not None
        current = next((one for one in served if one != current and issued_by(current, one)), None)
    return False


def is_served(context: Context) -> Iterator[Outcome]:
    """Whether a client that trusts the caBundle gets a TLS session, as the API server does."""
    installed = context.installation
    (name,) = installed.names.of_certificate
    if not inside(context):
        yield Skipped(f"Service names do not resolve here; {run_inside(context, Group.CERTIFICATES)}")
        return
    for entry_name, entry in entries_of(context).items():
        port = called(entry)[2]
        fault = context.network.trust(name, port, name=name, bundle=bundle_of(entry))
        if fault:
            yield Failed(
                CheckCode.NOT_SERVED, f"{entry_name}: no TLS session with {name}:{port} ({fault})", installed.logs
            )


CHECKS: Final = (
    Check(group=Group.CERTIFICATES, name="secret", title="the Secret has a certificate", run=has_secret),
    Check(
        group=Group.CERTIFICATES,
        name="validity",
        title="it is valid, and not due for renewal",
        run=is_valid,
        needs=("secret",),
    ),
    Check(
        group=Group.CERTIFICATES,
        name="certificate-name",
        title="it is for the Service's name",
        run=is_for_the_service,
        needs=("secret",),
    ),
    Check(
        group=Group.CERTIFICATES,
        name="trust",
        title="the caBundle trusts it",
        run=is_trusted,
        needs=("secret", "ca-bundle"),
    ),
    Check(
        group=Group.CERTIFICATES,
        name="served",
        title="the Service serves what the caBundle trusts",
        run=is_served,
        needs=("ca-bundle",),
    ),
)
