"""Where a group's pixels lie in memory: apart from each other, and channels spread over the cache."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastconv.layout import CACHE_SETS, LANES, LEAST_SHIFT, Packed, groups_of, whole_lanes

NONE = 0, 0, 0, 0

shapes = st.tuples(st.integers(1, 20), st.integers(1, 40), st.integers(1, 40))
halos = st.tuples(*[st.integers(0, 3)] * 4)


def pixel(place: Packed, c: int, h: int, w: int) -> int:
    return place.origin + c * place.plane + h * place.row + w


def is_spread(plane: int) -> bool:
    """Odd, and where a plane is large, neighbours' rows lie apart in the sets of the cache."""
    shift = min(plane % CACHE_SETS, -plane % CACHE_SETS)
    return plane % 2 == 1 and (plane <= 2 * CACHE_SETS or shift >= LEAST_SHIFT)


@given(shapes, halos)
def test_every_pixel_has_a_place_of_its_own_inside_the_group(shape, halo):
    place = Packed.of(*shape, halo=halo)
    places = {pixel(place, *index) for index in product(*map(range, shape))}
    assert len(places) == place.features
    assert min(places) >= 0
    assert max(places) < place.pixels


@given(shapes, halos)
def test_planes_with_their_halos_never_overlap(shape, halo):
    top, bottom, left, right = halo
    channels, height, width = shape
    place = Packed.of(*shape, halo=halo)
    assert place.row == left + width + right
    for channel in range(channels):
        first, last = pixel(place, channel, -top, -left), pixel(place, channel, height - 1 + bottom, width - 1 + right)
        assert channel * place.plane == first
        assert last < (channel + 1) * place.plane


@given(shapes, halos)
def test_planes_lie_as_close_as_the_spread_over_the_cache_allows(shape, halo):
    place = Packed.of(*shape, halo=halo)
    area = (shape[1] + halo[0] + halo[1]) * place.row
    assert is_spread(place.plane)
    assert not any(map(is_spread, range(area, place.plane)))


@pytest.mark.parametrize(("size", "plane"), [
    (1, 1), (2, 5), (8, 65), (11, 121), (14, 197), (16, 261), (28, 785), (32, 1029),
])
def test_the_planes_of_square_images(size, plane):
    assert Packed.of(3, size, size).plane == plane


@given(shapes)
def test_without_a_halo_pixels_start_at_the_beginning_and_rows_have_no_gaps(shape):
    place = Packed.of(*shape)
    assert place == Packed.of(*shape, halo=NONE)
    assert (place.origin, place.row) == (0, shape[2])


@given(shapes, halos)
def test_a_place_knows_its_shape(shape, halo):
    place = Packed.of(*shape, halo=halo)
    assert (place.shape, place.size) == (shape, shape[1:])
    assert place.features == shape[0] * shape[1] * shape[2]
    assert place.pixels == shape[0] * place.plane


@given(shapes, halos)
def test_flat_has_the_same_pixels_in_the_same_order(shape, halo):
    place = Packed.of(*shape, halo=halo)
    flat = place.flat()
    expected = [pixel(place, *index) for index in product(*map(range, shape))]
    assert [pixel(flat, *index) for index in product(*map(range, flat.shape))] == expected


@given(st.integers(1, 64))
def test_features_are_one_row_when_they_have_no_gaps(features):
    assert Packed.of(features, 1, 1).flat().shape == (1, 1, features)
    assert Packed.of(1, 1, features).flat().shape == (1, 1, features)


@pytest.mark.parametrize(("images", "groups"), [(0, 0), (1, 1), (15, 1), (16, 1), (17, 2), (32, 2), (33, 3)])
def test_a_group_is_16_images_and_the_last_may_be_part_empty(images, groups):
    assert groups_of(images) == groups
    assert whole_lanes(images) == groups * LANES == groups * 16
