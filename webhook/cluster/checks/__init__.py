"""Checks of a cluster and an installation: one module a group, each check a value that asks and never writes."""
