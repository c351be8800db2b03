"""Part plans for all file sizes, up to the largest object of OSS: 10,000 parts of 5 GB, 48.8 TB."""

from hypothesis import given
from hypothesis import strategies as st

from ossferry_uploader.transfer.files import piece_at
from ossferry_uploader.transfer.plan import MAX_OBJECT_BYTES, part_count, part_size_for, units_for
from support.fakes import FakeFile

MIN_PART, MAX_PART, MAX_PARTS = 100 * 1024, 5 * 1024**3, 10_000
RATES = st.one_of(st.just(0.0), st.floats(1.0, 1e10))


@given(size=st.integers(1, MAX_OBJECT_BYTES), rate=RATES, later=RATES, data=st.data())
def test_parts_fit_and_cover_the_file_once(
    size: int, rate: float, later: float, data: st.DataObject
) -> None:
    part_size = part_size_for(size, rate_bytes_per_s=rate)
    count = part_count(size, part_size)
    number = data.draw(st.integers(1, count))
    left = count - number + 1
    units = units_for(size, part_size, rate_bytes_per_s=later, missing=left)
    file = FakeFile(size=size)
    part = piece_at(file, number, part_size, units=units)
    last = piece_at(file, count, part_size)

    assert MIN_PART <= part_size <= MAX_PART
    assert 1 <= count <= MAX_PARTS
    assert part.offset == (number - 1) * part_size
    assert 1 <= units <= left
    assert part.size == min(units * part_size, size - part.offset)
    assert part.size <= MAX_PART
    assert 0 < last.size <= part_size
    assert last.offset + last.size == size
