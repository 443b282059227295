"""Ray Webhook: a mutating admission webhook that gives every pod the Ray connection settings of its role."""

__version__ = "0.1.0"
