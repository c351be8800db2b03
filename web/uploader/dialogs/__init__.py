"""Dialogs, and other code that is rarely needed: loaded when the first of it is."""
