"""The latest grant as signals: what this page may upload, or why the server refuses it."""

from uploader.transfer import states
from uploader.transfer.pacing.retry import waits_for
from uploader.view.signals import Signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from uploader.transfer.grants.grant import Grant

__all__ = ["GrantModel"]

# Features of every server that has quotas; without a grant they still let a person free space.
WITHOUT_GRANT = ("objects", "unfinished")


class GrantModel:
    """The latest grant, or the error of the server's refusal.

    `skew_s` is the server's time minus this computer's, in seconds. `left` is the rest of the quota
    as (bytes, objects); `None` means no limit.
    """

    def __init__(self) -> None:
        self.grant = Signal(None)
        self.error = Signal(None)
        self.skew_s = Signal(0)
        self.left = Signal((None, None))

    def fetched(self, grant: "Grant | None", error: "Exception | None", now_s: float) -> None:
        """Set the signals from the server's answer; an error does not remove the last grant."""
        self.error.set(error)
        if grant:
            self.grant.set(grant)
            self.skew_s.set(int(grant.server_time_s - now_s))

    def can(self, feature: str) -> bool:
        """Tell whether the server offers a feature, by its name in the grant."""
        grant = self.grant.get()
        if grant:
            return feature in grant.features
        error = self.error.get()
        return feature in WITHOUT_GRANT and bool(error) and waits_for(error) == states.FOR_QUOTA
