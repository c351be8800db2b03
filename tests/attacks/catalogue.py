"""The catalogue of all attack attempts, by id."""

from attacks import at_sign_in, at_start, in_policy, on_uploads, over_http
from attacks.attempt import numbered

CATALOGUE = numbered(
    attempt
    for module in (over_http, at_sign_in, in_policy, at_start, on_uploads)
    for attempt in module.ATTEMPTS
)
