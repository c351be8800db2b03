"""Server processes: sockets, worker processes, and their shutdown."""
