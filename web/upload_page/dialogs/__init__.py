"""The page's modal dialogs, which are loaded when they are first opened."""
