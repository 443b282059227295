"""Manifests that are pasted."""

SECRET = "hunter2-is-a-secret"  # noqa: S105  nobody's
TOKEN = "token-is-a-secret"  # noqa: S105  nobody's

DEPLOYMENT = f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: api, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: api}}}}
  template:
    metadata:
      labels: {{app: api}}
      annotations: {{ray.seedcore.io/role: client}}
    spec:
      containers:
        - name: api
          image: shop/api
          env:
            - {{name: RAY_HOST, value: ray-old}}
            - {{name: RAY_PORT, value: "10001"}}
            - {{name: RAY_AUTH_TOKEN, value: {TOKEN}}}
            - {{name: DATABASE_PASSWORD, value: {SECRET}}}
"""
