"""The dialog "My uploads", and the dialog that shares one of its files by a link."""
