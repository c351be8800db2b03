"""The commands that create, describe and remove the cloud resources of a server."""
