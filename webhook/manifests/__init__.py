"""Pods in text: documents and pod templates, as plain dicts that keep every field. No I/O."""
