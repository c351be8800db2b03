"""The transfer engine: schedules uploads, gets credentials, sends files and verifies objects.

It consists of `async` functions and small classes. Everything outside is passed in as `ports`.
"""
