"""Dialogs and other rarely needed code. The page loads this code at first use."""
