"""The commands that make, describe and remove the cloud resources of a server."""
