"""Kubernetes only: settings and Ray targets from a cluster, kept in step by watches, as one immutable snapshot."""
