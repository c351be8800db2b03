"""What the attacks share: the servers they are aimed at."""

from collections.abc import Iterator

import pytest

from attacks.worlds import Worlds


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    """One server per way of identifying people, for the whole session."""
    worlds = Worlds(tmp_path_factory.mktemp("worlds"))
    yield worlds
    worlds.close()
