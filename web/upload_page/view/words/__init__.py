"""Text that people read: sentences, numbers, file names and explanations of errors."""
