"""The dialog with the name of a file and the operator's fields, before the file is sent."""
