"""The dialogs of the page: each has a title, content and buttons."""
