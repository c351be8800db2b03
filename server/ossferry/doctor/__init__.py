"""Diagnosis of a server's set-up, for the command `ossferry doctor`.

`examination` has the list of all checks. A check changes nothing that stays: what it writes to the
bucket it removes again. No text contains a secret.
"""
