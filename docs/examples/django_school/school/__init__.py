"""A Django project with the upload page below /uploads."""
