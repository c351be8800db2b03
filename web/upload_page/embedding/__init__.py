"""The page inside another site: the options that the site gives, and the events that it gets."""
