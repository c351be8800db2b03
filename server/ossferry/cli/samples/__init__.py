"""Sample files to try the checks of the demo, and the demo's own checks."""
