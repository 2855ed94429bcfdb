import contextlib
import gzip
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from fastconv.data import read_idx
from fastconv.errors import DataError

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


@pytest.fixture(scope="session")
def read(tmp_path_factory):
    """Reads an IDX file with the given content; its name tells nothing about gzip."""
    path = tmp_path_factory.mktemp("idx") / "file"

    def write_and_read(content):
        path.write_bytes(content)
        return read_idx(path)

    return write_and_read


@given(
    st.sampled_from(["u1", "i1", "i2", "i4", "f4", "f8"]).flatmap(
        lambda code: hnp.arrays(code, hnp.array_shapes(max_dims=5, max_side=4))
    ),
    st.booleans(),
)
def test_what_is_written_is_read(read, idx_bytes, array, gzipped):
    content = idx_bytes(array)
    found = read(gzip.compress(content) if gzipped else content)
    assert found.dtype == array.dtype
    assert found.flags.writeable
    np.testing.assert_array_equal(found, array)


def test_an_array_of_many_chunks_is_read_whole(read, idx_bytes):
    array = np.random.default_rng(0).integers(0, 256, 3_000_001, dtype=np.uint8)
    np.testing.assert_array_equal(read(gzip.compress(idx_bytes(array), 1)), array)


@pytest.mark.parametrize("gzipped", [False, True])
def test_truncation_at_every_length_is_a_data_error(read, idx_bytes, gzipped):
    content = gzip.compress(idx_bytes(IMAGES)) if gzipped else idx_bytes(IMAGES)
    for length in range(len(content)):
        with pytest.raises(DataError, match="file"):
            read(content[:length])


def test_truncation_inside_the_gzip_stream_is_a_data_error(read, idx_bytes):
    content = idx_bytes(IMAGES)
    for length in range(len(content)):
        with pytest.raises(DataError):
            read(gzip.compress(content[:length]))


@given(st.data(), st.booleans())
def test_flipped_bytes_give_a_data_error_or_an_array(read, idx_bytes, data, gzipped):
    content = bytearray(gzip.compress(idx_bytes(IMAGES)) if gzipped else idx_bytes(IMAGES))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(DataError):
        assert isinstance(read(bytes(content)), np.ndarray)


@given(st.binary(max_size=64))
def test_an_arbitrary_header_gives_a_data_error_or_an_array(read, rest):
    with contextlib.suppress(DataError):
        assert isinstance(read(b"\0\0" + rest), np.ndarray)


@pytest.mark.parametrize("gzipped", [False, True])
@pytest.mark.parametrize("sizes", [(2**32 - 1,), (2**31, 28, 28), (2**32 - 1,) * 60])
def test_sizes_the_file_cannot_hold_are_refused_without_allocating(read, sizes, gzipped):
    content = struct.pack(f">BBBB{len(sizes)}I", 0, 0, 0x0E, len(sizes), *sizes) + bytes(100_000)
    content = gzip.compress(content) if gzipped else content
    tracemalloc.start()
    with pytest.raises(DataError, match="more than the file can hold"):
        read(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_a_gzip_stream_longer_than_its_header_promises_is_not_expanded(read, idx_bytes):
    content = gzip.compress(idx_bytes(IMAGES) + bytes(50_000_000), 1)
    tracemalloc.start()
    with pytest.raises(DataError, match="more bytes follow"):
        read(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 << 20


def test_damage_to_the_gzip_checksum_is_a_data_error(read, idx_bytes):
    content = bytearray(gzip.compress(idx_bytes(IMAGES)))
    content[-5] ^= 1
    with pytest.raises(DataError, match="CRC"):
        read(content)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file: .* it starts with nothing"),
        (b"<!DOCTYPE html>", "not an IDX file: .* it starts with 3c 21 44 4f"),
        (b"\0\0\x0a\x01\0\0\0\x01\0", "element type of 0x08, .*, got 0x0a"),
        (b"\0\0\x08\x00\x07", "1 to 64 dimensions, got 0"),
        (b"\0\0\x08\x41" + bytes(65 * 4), "1 to 64 dimensions, got 65"),
        (b"\0\0\x08\x03\0\0\0\x01", "expected 12 bytes for the sizes of 3 dimensions, got 4"),
        (b"\0\0\x08\x02\0\0\0\x00\0\0\0\x05", r"at least 1, got \(0, 5\)"),
        (b"\0\0\x0c\x01\0\0\0\x02\0\0\0\0\0\0\0", r"promises 8 bytes for \(2,\) int32, the file holds 7"),
        (b"\0\0\x08\x01\0\0\0\x02\0\0\0", "expected the end of the file: its header promises 2 bytes"),
    ],
)
def test_an_error_names_the_file_what_was_found_and_what_was_expected(read, content, message):
    with pytest.raises(DataError, match=f"file: .*{message}"):
        read(content)


def test_a_missing_file_and_a_folder_are_data_errors(tmp_path):
    with pytest.raises(DataError, match="absent: cannot be read"):
        read_idx(tmp_path / "absent")
    with pytest.raises(DataError, match="cannot be read"):
        read_idx(str(tmp_path))
