"""Key-value storage and counters: in memory for one process, in Redis for several processes."""
