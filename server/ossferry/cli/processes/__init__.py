"""The processes of a server: sockets, worker processes, and their end."""
