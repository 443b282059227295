"""The rule book as a MutatingAdmissionPolicy, for clusters that want no webhook."""
