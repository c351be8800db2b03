"""The page in a frame of another site: options that the site sets, and events that it receives."""
