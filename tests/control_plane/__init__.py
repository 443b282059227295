"""A real Kubernetes control plane for tests: no container engine, no kubelet, loopback only."""
