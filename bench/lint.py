"""What linting 1,000 manifest files takes, against a bar: the whole command, in a process of its own.

Each file has three documents in some 50 lines; every fifth declares Ray settings. It is time by the clock, so that it
counts what else the machine does. The bar is for the slowest round, not for their median.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from bench.figures import figure, report, say

FILES = 1000
ROUNDS = 3
BAR = 10.0
"""Seconds."""
SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: app-{n}
  labels: {{app: app-{n}}}
spec:
  selector: {{app: app-{n}}}
  ports:
    - {{name: http, port: 80, targetPort: http}}
---
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-{n}
  namespace: team-{team}
spec:
  replicas: 2
  selector:
    matchLabels: {{app: app-{n}}}
  template:
    metadata:
      labels: {{app: app-{n}}}
      annotations:
        prometheus.io/scrape: "true"{role}
    spec:
      containers:
        - name: app
          image: registry.example/app:1.2.{n}
          envFrom:
            - configMapRef: {{name: app-{n}-env}}
          env:
            - name: POD_IP
              valueFrom: {{fieldRef: {{fieldPath: status.podIP}}}}
            - name: STAGE
              value: production{settings}
          ports:
            - {{name: http, containerPort: 8080}}
          resources:
            requests: {{cpu: 200m, memory: 256Mi}}
            limits: {{memory: 512Mi}}
---
"""
CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: app-{n}-env
  namespace: team-{team}
data:
  LOG_LEVEL: info
"""
ROLE = """
        ray.seedcore.io/role: client"""
SETTINGS = """
            - name: RAY_ADDRESS
              value: ray://train-head-svc:10001
            - name: RAY_NAMESPACE
              value: prod"""


def write(folder: Path) -> int:
    """Write the files, ten to a folder: how many lines they have."""
    lines = 0
    for n in range(FILES):
        role, settings = (ROLE, SETTINGS) if n % 5 == 0 else ("", "")
        text = (SERVICE + DEPLOYMENT + CONFIG_MAP).format(n=n, team=n % 20, role=role, settings=settings)
        file = folder / f"app-{n // 10}" / f"app-{n}.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
        lines += text.count("\n")
    return lines


def seconds(folder: Path) -> tuple[float, str]:
    """What a run takes, and its summary."""
    start = perf_counter()
    command = [str(Path(sys.executable).parent / "ray-webhook"), "lint", str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    taken = perf_counter() - start
    assert ended.returncode == 1, ended.stderr
    return taken, ended.stdout.splitlines()[-1]


def main() -> int:
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        lines = write(folder)
        say(f"lint: {FILES} files, {ROUNDS} rounds")
        runs = [seconds(folder) for _ in range(ROUNDS)]
    print(runs[0][1])
    values = [taken for taken, _ in runs]
    name = f"lint {FILES} files of {lines / FILES:.0f} lines"
    figures = [figure(name, "s", values), figure(f"{name}: the slowest round", "s", [max(values)], BAR)]
    return report("lint", figures, rounds=ROUNDS)


if __name__ == "__main__":
    sys.exit(main())
