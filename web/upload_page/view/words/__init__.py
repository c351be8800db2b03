"""Text for people: sentences, numbers, file names and error messages."""
