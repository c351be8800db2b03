"""The control plane below `/_mock/`, and read-only views of the store for tests."""
