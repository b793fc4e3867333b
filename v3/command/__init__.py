"""The command `v3`."""
