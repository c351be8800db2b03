"""The shipped nginx configuration with two servers, of which one is killed or stopped."""

import signal
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from ossferry.cli.demo import Demo
from support.load import Load
from support.nginx import https_client
from support.replicas import PAGE, Replicas, replicas

CLIENTS = 6


@pytest.fixture(scope="module")
def servers(
    running_demo: Demo, web_dir: Path, redis_port: int, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Replicas]:
    folder = tmp_path_factory.mktemp("servers")
    with replicas(running_demo, web_dir, folder, redis_port) as servers:
        yield servers


@pytest.mark.slow
def test_no_request_for_a_grant_is_lost_when_a_server_ends_and_comes_back(
    servers: Replicas,
) -> None:
    broken = {}
    load = Load(partial(https_client, servers.https_port, servers.tls), count=CLIENTS, headers=PAGE)
    with closing(load):
        for port, how in zip(servers.ports, (signal.SIGTERM, signal.SIGKILL), strict=True):
            load.wait_for_more(50)
            load.hurry()
            servers.end(port, how)
            load.wait_for_more(50)
            load.slow_down()
            servers.start(port)
            before = servers.audit(port).stat().st_size
            while servers.audit(port).stat().st_size == before:  # nginx does not use it yet
                load.wait_for_more(1)
            broken[how] = load.broken

    assert set(load.statuses) == {200}
    assert broken[signal.SIGTERM] == 0
    assert broken[signal.SIGKILL] <= CLIENTS
