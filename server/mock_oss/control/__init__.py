"""The control plane below ``/_mock/``, and the views that tests have of the store."""
