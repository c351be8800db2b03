"""Links with which anybody can read an upload: the owner's routes, and the visitors' page."""
