"""The Go module's version of Kubernetes: read it, and write go.mod and go.sum for another one.

The version stands in one place, the line ``k8s.io/kubernetes vX.Y.Z`` of the committed go.mod. Everything else there
follows from it: k8s.io/kubernetes replaces its staging modules by folders of its own tree, which no other module can
see, so each has to be replaced by the module ``v0.Y.Z`` that is published for it. To move the committed files:

    python -m tests.control_plane.gomod v1.37.2
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from .errors import ControlPlaneError, Fault

MODULE: Final = Path(__file__).parent
"""The folder of the committed go.mod, go.sum and main.go."""

_VERSION: Final = re.compile(r"v1\.(?P<minor>\d+)\.\d+")


def committed_version() -> str:
    """The version that the committed go.mod builds, such as ``v1.37.2``."""
    text = (MODULE / "go.mod").read_text(encoding="utf-8")
    found = re.search(rf"^\s*k8s\.io/kubernetes ({_VERSION.pattern})$", text, re.MULTILINE)
    if found is None:
        raise ControlPlaneError(Fault.VERSION_INVALID, "go.mod requires no k8s.io/kubernetes v1.Y.Z; restore that line")
    return found[1]


def minor_of(version: str) -> str:
    """The Y of ``v1.Y.Z``.

    Raises:
        ControlPlaneError: with ``VERSION_INVALID`` for text of any other form.
    """
    found = _VERSION.fullmatch(version)
    if found is None:
        raise ControlPlaneError(
            Fault.VERSION_INVALID,
            f"Kubernetes version {version!r} is not of the form v1.Y.Z; give a released one such as v1.37.2",
        )
    return found["minor"]


def write_module(version: str, folder: Path) -> None:
    """Write go.mod and go.sum for a version of Kubernetes into a folder that holds main.go.

    Raises:
        ControlPlaneError: the version has another form, or Go cannot download it.
    """
    minor_of(version)
    with TemporaryDirectory() as elsewhere:  # go.mod here may be what has to be mended
        found = json.loads(go("list", "-m", "-json", f"k8s.io/kubernetes@{version}", cwd=Path(elsewhere)))
        kubernetes = json.loads(go("mod", "edit", "-json", found["GoMod"], cwd=Path(elsewhere)))
    (folder / "go.sum").unlink(missing_ok=True)
    (folder / "go.mod").write_text("\n".join(_lines(version, kubernetes)) + "\n", encoding="utf-8")
    go("mod", "tidy", cwd=folder)


def _lines(version: str, kubernetes: dict[str, Any]) -> Iterator[str]:
    """go.mod before ``go mod tidy`` adds what main.go imports; Go's own version and defaults are Kubernetes'."""
    yield "module control-plane"
    yield f"go {kubernetes['Go']}"
    yield from (f"godebug {setting['Key']}={setting['Value']}" for setting in kubernetes.get("GoDebug") or ())
    yield f"require k8s.io/kubernetes {version}"
    yield "replace ("
    for replaced in kubernetes["Replace"]:
        if replaced["New"]["Path"].startswith("./staging/"):
            path = replaced["Old"]["Path"]
            yield f"{path} => {path} v0.{version.removeprefix('v1.')}"
    yield ")"


def go(*arguments: str, cwd: Path) -> str:
    """Run the go command in a folder, without cgo and so without a C compiler, and return its standard output.

    Raises:
        ControlPlaneError: ``GO_MISSING`` where there is no Go, ``BUILD_FAILED`` (with its last words) where it fails.
    """
    try:
        environment = os.environ | {"CGO_ENABLED": "0"}
        done = subprocess.run(("go", *arguments), cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise ControlPlaneError(
            Fault.GO_MISSING,
            "the go command is not on PATH, and the control plane has to be built once; install Go (go.mod says which),"
            " or set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver, kube-controller-manager and kubectl",
        ) from None
    if done.returncode != 0:
        said = "; ".join(line.strip() for line in done.stderr.strip().splitlines()[-2:])
        raise ControlPlaneError(Fault.BUILD_FAILED, f"go {arguments[0]} ended with status {done.returncode}: {said}")
    return done.stdout


def main() -> int:
    """Rewrite the committed go.mod and go.sum for the version on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.control_plane.gomod", description=main.__doc__)
    parser.add_argument("version", help="a released version of Kubernetes, such as v1.37.2")
    try:
        write_module(parser.parse_args().version, MODULE)
    except ControlPlaneError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
