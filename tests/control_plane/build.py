"""Find the control plane's programs, or build them once.

``KUBEBUILDER_ASSETS`` (a folder with etcd, kube-apiserver and, where there is one, kube-controller-manager and kubectl;
the variable of envtest, https://book.kubebuilder.io/reference/envtest) comes first. Else the Go module beside this file
is built into the user's cache, once for each version and content of the module: about 7 minutes on 2 cores the first
time, seconds when Go's own cache is warm. ``KUBERNETES_VERSION`` asks for another version than go.mod's; the oldest
that was tried is v1.33.13, which builds with this code and passes the tests of this folder.

    export KUBEBUILDER_ASSETS=$(python -m tests.control_plane.build)
"""

import hashlib
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .cache import cache, lock
from .errors import ControlPlaneError, Fault
from .gomod import MODULE, committed_version, go, minor_of, write_module

SERVERS: Final = ("etcd", "kube-apiserver")
PROGRAMS: Final = (*SERVERS, "kube-controller-manager", "kubectl")


@dataclass(frozen=True, kw_only=True, slots=True)
class Assets:
    """A folder of programs, complete enough to start an API server."""

    folder: Path

    def __post_init__(self) -> None:
        missing = [name for name in SERVERS if not os.access(self.folder / name, os.X_OK)]
        if missing:
            raise ControlPlaneError(
                Fault.ASSETS_INCOMPLETE,
                f"{self.folder} has no program {' and no '.join(missing)}; it needs {', '.join(PROGRAMS)}: add what is"
                " missing, or unset KUBEBUILDER_ASSETS and have them built",
            )

    @property
    def has_controllers(self) -> bool:
        """Whether there is a controller manager; envtest's own downloads have none."""
        return os.access(self.folder / "kube-controller-manager", os.X_OK)


def find_assets() -> Assets:
    """The programs to run: those of KUBEBUILDER_ASSETS, else those of the cache, built now where they are not there.

    Raises:
        ControlPlaneError: the folder is incomplete, Go is missing, or the build failed.
    """
    if given := os.environ.get("KUBEBUILDER_ASSETS"):
        return Assets(folder=Path(given))
    return build(os.environ.get("KUBERNETES_VERSION") or committed_version())


def build(version: str) -> Assets:
    """The cached programs of a version such as ``v1.37.2``; whoever comes while they are being built waits for them.

    Raises:
        ControlPlaneError: the version has another form, Go is missing, or the build failed.
    """
    minor_of(version)
    folder = cache("control-plane") / f"{version}-{_fingerprint()}"
    with lock(folder.with_name(f"{folder.name}.lock")):
        if not folder.is_dir():
            _build(version, folder)
    return Assets(folder=folder)


def _fingerprint() -> str:
    """What the binary is made of, in 12 hexadecimal digits."""
    digest = hashlib.sha256()
    for name in ("go.mod", "go.sum", "main.go"):
        digest.update((MODULE / name).read_bytes())
    return digest.hexdigest()[:12]


def _build(version: str, folder: Path) -> None:
    """Build beside the final folder and rename, so that a folder that exists is complete."""
    print(f"building the Kubernetes {version} control plane (minutes, once) into {folder}", file=sys.stderr, flush=True)
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    _compile(version, _source(version, partial), partial / "control-plane")
    for name in PROGRAMS:
        (partial / name).symlink_to("control-plane")
    partial.rename(folder)


def _source(version: str, partial: Path) -> Path:
    """The committed module, or a copy of it for another version."""
    if version == committed_version():
        return MODULE
    source = partial / "source"
    source.mkdir()
    shutil.copy(MODULE / "main.go", source)
    write_module(version, source)
    return source


def _compile(version: str, source: Path, binary: Path) -> None:
    """Build one binary; kubectl cannot parse the server's version unless it is stamped."""
    variables = {"gitVersion": version, "gitMajor": "1", "gitMinor": minor_of(version)}
    stamped = " ".join(f"-X k8s.io/component-base/version.{name}={value}" for name, value in variables.items())
    go("build", "-buildvcs=false", "-ldflags", f"-s -w {stamped}", "-o", str(binary), ".", cwd=source)


def main() -> int:
    """Print the folder of the programs, which KUBEBUILDER_ASSETS may point to."""
    try:
        print(find_assets().folder)
    except ControlPlaneError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
