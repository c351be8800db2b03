"""Signals for the view with the latest grant (permission to upload) and the latest error."""

from ossferry_uploader.transfer import states
from ossferry_uploader.transfer.pacing.retry import waits_for
from upload_page.view.signals import Signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ossferry_uploader.transfer.grants.grant import Grant

# Features of every server that has quotas; without a grant they still let a person free space.
WITHOUT_GRANT = ("objects", "unfinished")
RECORDED = ("camera", "sound", "screen")


class GrantModel:
    """The latest grant (permission to upload) and the latest error, as signals for the view.

    Attributes:
        grant: the latest grant; `None` before the first one.
        error: the error of the latest request for a grant; `None` if it succeeded.
        bad_options: the error in the options of the site that embeds the page, or `None`.
        limits: the `Limits` of the latest grant, narrowed by those of the site that embeds the
            page; `None` before the first grant.
        skew_s: the server's time minus this computer's time, in seconds.
        left: the remaining quota as `(bytes, objects)`; `None` in place of a number means no limit.
    """

    def __init__(self) -> None:
        self.grant = Signal(None)
        self.error = Signal(None)
        self.bad_options = Signal(None)
        self.limits = Signal(None)
        self.skew_s = Signal(0)
        self.left = Signal((None, None))

    def fetched(self, grant: "Grant | None", error: "Exception | None", now_s: float) -> None:
        """Update the signals after a request for a grant.

        After an error, the signal `grant` keeps the previous grant.

        Args:
            grant: the new grant, or `None` after an error.
            error: the error, or `None`.
            now_s: this computer's time in seconds since 1970.
        """
        self.error.set(error)
        if grant:
            self.limits.set(grant.limits)
            self.grant.set(grant)
            self.skew_s.set(int(grant.server_time_s - now_s))

    def has_form(self) -> bool:
        """Tell whether the server gives a signed form (PostObject) instead of credentials."""
        grant = self.grant.get()
        return bool(grant and grant.form)

    def own(self, begun: "list[dict[str, Any]]") -> "list[dict[str, Any]]":
        """Return the multipart uploads in the server's list that this page may continue.

        The server's list has the uploads below the person's prefix. If the host application limits
        the grant to one folder there, uploads in other folders are left out.

        Args:
            begun: the list `uploads` in the server's response to `GET /api/unfinished`.
        """
        grant = self.grant.get()
        return [upload for upload in begun if not grant or upload["key"].startswith(grant.prefix)]

    def can(self, feature: str) -> bool:
        """Tell whether the server offers a feature, such as `share`, to this person.

        The latest grant lists the features. If there is no grant because the quota is used up, the
        page still offers the features in `WITHOUT_GRANT`.
        """
        grant = self.grant.get()
        if grant:
            return feature in grant.features
        error = self.error.get()
        return feature in WITHOUT_GRANT and bool(error) and waits_for(error) == states.FOR_QUOTA

    def recorded(self) -> "list[str]":
        """Return what people may record: some of `camera`, `sound` and `screen`."""
        return [kind for kind in RECORDED if self.can(f"record-{kind}")]
