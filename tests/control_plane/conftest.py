"""Fixtures of the control plane's own tests."""

from .fixtures import control_plane

__all__ = ["control_plane"]
