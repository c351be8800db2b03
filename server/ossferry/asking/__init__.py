"""File requests: principals ask guests, who have no account, for files by a link."""
