"""The view of the page: shows the state of all uploads, and reacts to the buttons."""
