"""The audit log: a hash chain per clinic, and signed checkpoints of it."""
