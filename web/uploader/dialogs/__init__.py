"""Dialogs and other rarely needed code, loaded when one of the functions is first called."""
