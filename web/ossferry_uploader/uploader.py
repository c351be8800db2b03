"""Build the complete uploader: the engine, the queue, and their access to browser and server."""

from ossferry_uploader.browser.checksum import ChecksumWorker
from ossferry_uploader.browser.clock import BrowserClock
from ossferry_uploader.browser.encryption import EncryptionWorker
from ossferry_uploader.browser.entropy import BrowserRandom
from ossferry_uploader.browser.http import BrowserHttp
from ossferry_uploader.browser.network import BrowserNetwork
from ossferry_uploader.browser.pictures import BrowserPictures
from ossferry_uploader.browser.server.checks import BrowserChecks
from ossferry_uploader.browser.server.grants import ServerGrants
from ossferry_uploader.browser.server.receipts import ServerReceipts
from ossferry_uploader.browser.storage import BrowserStorage
from ossferry_uploader.browser.tabs import BrowserTabs
from ossferry_uploader.oss.encoding import percent_encode
from ossferry_uploader.transfer.engine import Engine
from ossferry_uploader.transfer.errors import ServerRefused
from ossferry_uploader.transfer.grants.credentials import GrantKeeper
from ossferry_uploader.transfer.journal.journal import Journal
from ossferry_uploader.transfer.pacing.connections import ConnectionPool
from ossferry_uploader.transfer.pacing.small_requests import SmallRequests
from ossferry_uploader.transfer.ports import Ports
from ossferry_uploader.transfer.queue import Queue
from ossferry_uploader.transfer.reporting import RECEIPTS, Reporting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ossferry_uploader.browser.server.calls import Server
    from ossferry_uploader.transfer.grants.grant import Grant
    from ossferry_uploader.transfer.grants.limits import Limits
    from ossferry_uploader.transfer.upload import Upload


class Uploader:
    """The complete uploader of a page or a worker: the queue, the engine and all that they need.

    The caller has to call `reporting.arrived` for each upload that is done.

    Attributes:
        keeper: keeps the grant with the credentials, and the server's time.
        queue: adds, starts and stops the uploads.
        reporting: reports ended uploads to the server.

    Args:
        server: the ossferry server, which gives the credentials.
        on_fetched: called with `(grant, error)` after each request for a grant; one of the two is
            `None`.
        on_records: called with the journal when the records of unfinished uploads have changed.
        on_change: called with each upload after each change.
        soon: `soon(write)` calls the function `write` a little later. `write` stores the records of
            unfinished uploads.
        report: called with each error that a listener raises.
        language: returns the language of the person, such as `zh-CN`, for the messages of checks;
            `None` if files are not checked before their upload.
        grants: where the grants come from, if its first request has already been sent.
    """

    def __init__(
        self,
        server: "Server",
        *,
        on_fetched: "Callable[[Grant | None, Exception | None], None]" = lambda grant, error: None,
        on_records: "Callable[[Journal], None]" = lambda journal: None,
        on_change: "Callable[[Upload], None]" = lambda upload: None,
        soon: "Callable[[Callable[[], None]], None]",
        report: "Callable[[Exception], None]",
        language: "Callable[[], str] | None" = None,
        grants: "ServerGrants | None" = None,
    ) -> None:
        receipts = ServerReceipts(server)
        self.ports = Ports(
            http=BrowserHttp(),
            checksum=ChecksumWorker(),
            encryption=EncryptionWorker(),
            clock=BrowserClock(),
            random=BrowserRandom(),
            network=BrowserNetwork(server.address),
            storage=BrowserStorage(),
            receipts=receipts,
            tabs=BrowserTabs(),
            pictures=BrowserPictures(),
            checks=BrowserChecks(server, language) if language else None,
        )
        self._on_fetched = on_fetched
        self._features: list[str] = []  # of the latest grant
        self._origin = ""
        self._grants = grants or ServerGrants(server)
        self.keeper = GrantKeeper(self._grants, self.ports.clock, on_fetched=self._fetched)
        journal = Journal(self.ports, self.keeper, on_change=on_records)
        pool = ConnectionPool(small=SmallRequests(self.ports.clock.elapsed_s))
        self.engine = Engine(self.ports, self.keeper, pool, journal)
        self.engine.awaits_receipt = lambda: self.can(RECEIPTS)
        receipts.on_left = self.engine.quota.told
        self.queue = Queue(self.engine, on_change=on_change, soon=soon, report=report)
        self.reporting = Reporting(
            receipts,
            self.ports.clock,
            self.can,
            is_sending=self.queue.is_sending,
            counted=self._counted,
        )

    def can(self, feature: str) -> bool:
        """Return whether the ossferry server offers a feature, such as `receipts`, to the person.

        The latest grant lists the features. Before the first grant, the result is `False`.
        """
        return feature in self._features

    def limit(self, limits: "Limits") -> None:
        """Apply limits in addition to the limits of the present and all later grants."""
        self._grants.limits = limits
        grant = self.keeper.current
        if grant:
            grant.narrow(limits)
            self.queue.allow(grant.limits)
            self._on_fetched(grant, None)
        else:
            self.queue.allow(limits)

    def url_of(self, key: str) -> str:
        """Return the URL of the object with this key; only readers with permission can open it.

        It begins with the first origin (scheme and host) of the bucket in the latest grant. Before
        the first grant, the result has no origin.
        """
        return f"{self._origin}/{percent_encode(key, safe='/')}"

    def _fetched(self, grant: "Grant | None", error: "Exception | None") -> None:
        self._on_fetched(grant, error)
        if grant:
            self._features, self._origin = grant.features, grant.bucket.origin
            self.queue.allow(grant.limits)
            self.engine.quota.granted(grant.left)
            self.engine.origins.prepare(grant)
        elif isinstance(error, ServerRefused) and error.quota:
            self.engine.quota.used_up(error.quota)

    def _counted(self, upload: "Upload") -> None:
        self.engine.quota.counted(upload.number)
        self.queue.reported(upload)
