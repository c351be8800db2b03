"""The view of the page: shows the state of all uploads, and runs the actions of its buttons."""
