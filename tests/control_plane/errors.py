"""What can go wrong before a control plane answers, each as one line that ends with the fix."""

from enum import StrEnum


class Fault(StrEnum):
    """Stable codes of :class:`ControlPlaneError`."""

    GO_MISSING = "go-missing"
    BUILD_FAILED = "build-failed"
    VERSION_INVALID = "version-invalid"
    ASSETS_INCOMPLETE = "assets-incomplete"
    SERVER_ENDED = "server-ended"
    TIMED_OUT = "timed-out"
    KUBECTL_FAILED = "kubectl-failed"


class ControlPlaneError(Exception):
    """The control plane could not be built, started or reached; ``str()`` is one line: code, thing, value, fix."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(f"{fault}: {message}")
        self.fault = fault
