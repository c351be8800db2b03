"""The page in a frame of another site: the site's options, and the events that it receives."""
