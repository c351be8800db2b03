"""Server and page use the same object names and file types, although they share no code."""

from datetime import UTC, datetime

from hypothesis import example, given, settings
from hypothesis import strategies as st

from build import LANGUAGES
from ossferry.grants.file_types import takes
from ossferry.http import languages
from ossferry.identity.object_keys import directory, form_name, safe_name
from ossferry.oss.bucket import NEW_CREDENTIALS_HELP
from ossferry_uploader.oss import keys
from ossferry_uploader.oss.errors import TOKEN_CODES
from ossferry_uploader.transfer.grants.limits import allows
from upload_page.view.words import text

NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=400)
TYPES = st.lists(
    st.sampled_from(["image/*", "application/pdf", ".csv", ".tar.gz", "text/*", "text/csv"])
)
CONTENT_TYPES = st.sampled_from(["", "image/png", "IMAGE/PNG", "text/csv; charset=utf-8", "a/b"])


@given(NAMES)
@example("../../etc/passwd")
@example("..")
@example("a\x85b\u202egnp.exe ")
@example("C:\\Users\\x.txt")
@example("ö" * 300 + ".tar.gz")
@settings(deadline=None)
def test_a_name_is_made_safe_as_the_page_does(name: str) -> None:
    assert safe_name(name) == keys.safe_name(name)


@given(NAMES)
@example("${filename}")
def test_a_name_in_a_form_is_safe_and_literal(name: str) -> None:
    assert "$" not in form_name(name)
    assert form_name(name).replace("_", "") == safe_name(name).replace("$", "").replace("_", "")


def test_an_upload_lies_where_the_page_would_put_it() -> None:
    at = datetime(2026, 3, 14, 23, 59, 59, tzinfo=UTC)

    place = directory("uploads/alice-x/", at, "0f" * 16)

    page = keys.object_key("uploads/alice-x/", "a.txt", at_s=at.timestamp(), random_hex="0f" * 16)
    assert place + "a.txt" == page


@example(["image/*"], "c", "imagex/png")
@given(TYPES, st.sampled_from(["a.csv", "A.CSV", "b.tar.gz", "c", ".csv", "x.png"]), CONTENT_TYPES)
def test_a_type_is_taken_where_the_page_takes_it(
    types: list[str], name: str, content_type: str
) -> None:
    assert takes(types, name, content_type) == allows(types, name, content_type)


def test_server_and_page_have_the_same_languages_and_directions() -> None:
    assert set(languages.LANGUAGES) == set(LANGUAGES)
    assert languages.RIGHT_TO_LEFT == text.RIGHT_TO_LEFT


def test_server_and_page_renew_credentials_after_the_same_codes() -> None:
    assert set(NEW_CREDENTIALS_HELP) == set(TOKEN_CODES)
