"""The user interface of the page: it shows the state of all uploads, and reacts to the buttons."""
