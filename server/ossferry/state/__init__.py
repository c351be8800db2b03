"""State that several processes share, in Redis or in memory: key-value storage and counters."""
