"""State that processes share, in Redis or in the memory of a single process."""
