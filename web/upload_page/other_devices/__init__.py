"""Unfinished uploads of other devices, which a person can continue or discard in this browser."""
