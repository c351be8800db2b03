"""Quotas over HTTP."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from ossferry.cli.demo import Demo
from support.after_upload import operators_bucket, until
from support.uploads import put_with, recorded


def test_what_is_deleted_behind_our_back_frees_its_quota(after: Demo, site: httpx.Client) -> None:
    before = site.post("/api/grant").json()["limits"]["quota"]["bytes_left"]
    upload = recorded(after, site)
    assert site.post("/api/grant").json()["limits"]["quota"]["bytes_left"] == before - 5

    operators_bucket(after).delete_object(upload.key)

    until(lambda: site.post("/api/grant").json()["limits"]["quota"]["bytes_left"] == before)


def test_a_quota_is_exceeded_by_no_more_than_was_in_flight(web_dir: Path, tmp_path: Path) -> None:
    workers, allowed = 8, 20

    def hand_in(demo: Demo, _worker: int) -> int:
        """Upload with one grant until a receipt says that nothing is left; return the count."""
        with httpx.Client(base_url=demo.url, trust_env=False, timeout=30) as site:
            grant = site.post("/api/grant").json()
            left, done = grant["limits"]["quota"]["objects_left"], 0
            while left > 0:
                upload = put_with(grant, demo, b"x")
                receipt = site.post("/api/receipts", json=upload.report)
                assert receipt.status_code == 200
                left, done = receipt.json()["quota"]["objects_left"], done + 1
            assert site.post("/api/grant").status_code == 429
            return done

    url = f"sqlite:///{tmp_path}/ledger.db"
    with (
        Demo(web_dir=web_dir, database_url=url, quota_objects_total=allowed) as demo,
        ThreadPoolExecutor(workers) as threads,
    ):
        counts = list(threads.map(lambda worker: hand_in(demo, worker), range(workers)))
        stored = len(demo.oss.bucket(demo.bucket).objects)

    assert stored == sum(counts)
    assert allowed <= stored <= allowed + workers
