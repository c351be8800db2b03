"""Dialogs and other rarely needed code, loaded when one of its functions is first called."""
