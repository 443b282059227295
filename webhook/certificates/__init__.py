"""A certificate authority of our own, the serving certificates that it issues, and when to renew them.

:mod:`~webhook.certificates.authority` is pure functions on PEM bytes, :mod:`~webhook.certificates.directory` keeps the
files for `ray-webhook serve --self-signed DIR`. Time is always an argument, an aware datetime.

cryptography is imported by this package and by no other: beside what the service loads anyway it takes 30 ms and 9 MB,
of 0.8 s and 70 MB for the whole process. So `webhook.server.tls` reads a given pair and its expiry with the standard
library, and whoever issues certificates imports a module of this package at that moment.

Sources: RFC 5280 for the extensions; Go's crypto/x509, by which the API server verifies (a subjectAltName is required,
the common name is ignored, an extendedKeyUsage without serverAuth is refused).
"""
