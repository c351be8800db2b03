"""Diagnosis of a server's set-up, for the command `ossferry doctor`.

`examination` has the list of all probes. The probes change no settings, and they remove what they
write to the bucket. No text contains a secret.
"""
