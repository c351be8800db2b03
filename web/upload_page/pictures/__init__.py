"""The dialog that rotates and crops a picture, before the file is sent."""
