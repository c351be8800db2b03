"""The grant's signals, and the uploads that its folder leaves out."""

from ossferry_uploader.transfer.errors import GrantRefused
from support.fakes import FakeClock, FakeGrants
from upload_page.view.grant_model import GrantModel

BEGUN = [{"key": "uploads/alice-1/a/x"}, {"key": "uploads/alice-1/b/y"}]


async def test_uploads_in_another_folder_are_left_out():
    grant = await FakeGrants(FakeClock()).fetch()
    grant.prefix = "uploads/alice-1/a/"
    model = GrantModel()
    model.fetched(grant, None, 0)

    assert model.own(BEGUN) == BEGUN[:1]


def test_without_a_grant_all_uploads_stay():
    model = GrantModel()
    model.fetched(None, GrantRefused(429, code="quota-exceeded"), 0)

    assert model.own(BEGUN) == BEGUN
