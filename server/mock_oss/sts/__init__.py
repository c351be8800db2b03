"""STS, and the part of RAM that a kill switch uses."""
