"""Fixtures of the attack tests: the servers under attack."""

from collections.abc import Iterator

import pytest

from attacks.worlds import Worlds


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    """One server per authentication method, for the whole session."""
    worlds = Worlds(tmp_path_factory.mktemp("worlds"))
    yield worlds
    worlds.close()
