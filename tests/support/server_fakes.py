"""Stand-ins for the ports of `ossferry`: a clock, an STS, and options for its settings."""

from datetime import UTC, datetime, timedelta

from ossferry.clock import utc_now
from ossferry.sts import StsCredentials

__all__ = ["OPTIONS", "FakeClock", "FakeSts", "UnexpectedError"]

OPTIONS: dict[str, object] = {
    "bucket": "web-direct-upload",
    "region": "cn-hangzhou",
    "endpoint": "http://localhost:9000",
    "sts_endpoint": "http://127.0.0.1:9000",
    "role_arn": "acs:ram::1000000000000000:role/oss-web-upload",
    "secret": "a-secret-of-more-than-32-characters",
    "allow_mock": True,
}


class FakeClock:
    """A clock that only a test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 14, 9, 26, 53, 123_456, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def catch_up(self) -> None:
        """Go to the real time, for tests with somebody who goes by it."""
        self.now = utc_now()

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class FakeSts:
    """Answers AssumeRole from memory; `error` is raised instead when it is set."""

    def __init__(self, clock: FakeClock) -> None:
        self.calls: list[dict[str, str]] = []
        self.error: Exception | None = None
        self._clock = clock

    async def __call__(self, *, session_name: str, policy: str) -> StsCredentials:
        self.calls.append({"session_name": session_name, "policy": policy})
        if self.error is not None:
            raise self.error
        return StsCredentials(
            access_key_id=f"STS.Fake{len(self.calls):04}",
            access_key_secret="fake-access-key-secret",
            security_token="fake-security-token",
            expires_at=self._clock().replace(microsecond=0) + timedelta(seconds=900),
        )


class UnexpectedError(Exception):
    """Something that nobody foresaw."""
