# SPDX-License-Identifier: GPL-3.0-or-later
"""How coarse a picture may be: what is new is judged by its edges, before anything like it was ever sent."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from remote_assist.damage import Tiles
from remote_assist.quality import Q_LEGIBLE, Q_WORST, Detail, Quality

GRID = (17, 30)
ALL: Tiles = np.ones(GRID, np.bool_)
NONE: Tiles = np.zeros(GRID, np.bool_)
FLIPPED: Tiles = np.arange(GRID[1])[None, :].repeat(GRID[0], axis=0) % 2 == 0
PAGE_EDGES, DENSE_EDGES = 84_000, 227_000  # measured on pages of text in letters of 14 and 12 px
S = 1_000_000


def text(total: int, tiles: Tiles = FLIPPED) -> npt.NDArray[np.int64]:
    """Edges of a page: they lie in these tiles."""
    found = np.zeros(GRID, np.int64)
    found[tiles] = total // int(tiles.sum())
    return found


def test_a_page_goes_as_fine_as_fits_a_seventh_of_a_second_and_a_slow_path_gets_a_coarser_one() -> None:
    qs = [Quality().for_new(text(PAGE_EDGES), ALL, bps) for bps in (500_000, 5_000_000, 20_000_000)]
    assert qs[0] == Q_WORST
    assert 30 <= qs[1] <= Q_LEGIBLE  # 93,000 bytes
    assert qs[2] == 24


@pytest.mark.parametrize("bps", [4_300_000, 5_000_000])
def test_a_page_that_can_be_read_a_little_later_is_not_sent_sooner_and_illegible(bps: int) -> None:
    assert Quality().for_new(text(PAGE_EDGES), ALL, bps) <= Q_LEGIBLE


def test_on_a_megabit_a_page_comes_once_and_readable_since_even_the_coarsest_would_come_late() -> None:
    """A coarse one and what makes it readable cost a quarter more together (measured); nobody can read the first."""
    assert Quality().for_new(text(PAGE_EDGES), ALL, 800_000) == Q_LEGIBLE
    assert Quality().for_new(text(DENSE_EDGES), ALL, 800_000) == Q_WORST


def test_a_full_page_in_small_letters_is_sent_coarse_first_where_it_would_take_too_long() -> None:
    assert Quality().for_new(text(DENSE_EDGES), ALL, 5_000_000) > Q_LEGIBLE


def test_the_first_page_after_an_empty_screen_is_not_taken_for_another_empty_one() -> None:
    """Bytes of pictures sent before say nothing about what is new now."""
    quality = Quality()
    quality.for_new(text(0), ALL, 5_000_000)
    quality.learn(510, 4_000, motion=False)
    assert quality.for_new(text(PAGE_EDGES), FLIPPED, 5_000_000) >= 30


def test_what_pictures_cost_here_is_learned() -> None:
    quality = Quality()
    first = quality.for_new(text(PAGE_EDGES), ALL, 5_000_000)
    for _ in range(10):
        quality.learn(510, 200_000, motion=False)
        last = quality.for_new(text(PAGE_EDGES), ALL, 5_000_000)
    assert last > first + 3


def test_a_small_change_of_a_coarse_picture_stays_coarse_on_a_slow_path() -> None:
    """A finer q would send the whole picture again: seconds, on a slow path."""
    small = NONE.copy()
    small[8, 10:20] = True
    for motion in (False, True):
        slow, fast = Quality(), Quality()
        for quality, bps in ((slow, 500_000), (fast, 50_000_000)):
            quality.for_new(text(PAGE_EDGES), ALL, 500_000)
            _ = quality.for_motion(10, bps) if motion else quality.for_new(text(PAGE_EDGES), small, bps)
        assert slow.q >= 40
        assert fast.q < 32


def test_a_page_flipped_just_after_a_button_changed_is_new_and_a_scroll_is_motion() -> None:
    quality = Quality()
    assert not quality.is_motion(510, 510, keyframe=True, now_us=S)
    assert not quality.is_motion(4, 510, keyframe=False, now_us=3 * S)
    assert quality.is_motion(4, 510, keyframe=False, now_us=3 * S + 100_000)
    assert not quality.is_motion(300, 510, keyframe=False, now_us=3 * S + 150_000)
    assert quality.is_motion(300, 510, keyframe=False, now_us=3 * S + 183_000)


def test_refinement_goes_in_steps_that_take_a_tenth_of_a_second_and_ends_at_the_finest() -> None:
    quality = Quality()
    quality.for_new(text(PAGE_EDGES), ALL, 5_000_000)
    steps = [quality.q]
    while (q := quality.refine(5_000_000, 28)) is not None:
        steps.append(q)
    assert steps[-1] == 28
    assert all(1 <= before - after <= 4 for before, after in itertools.pairwise(steps))


def test_edges_are_counted_for_each_tile_and_only_where_something_changed() -> None:
    luma = np.zeros((1080, 1920), np.uint8)
    luma[130:190, 70:120:2] = 200
    detail = Detail()
    detail.look(luma, ALL)
    assert detail.edges.shape == GRID
    assert detail.edges[2, 1] == 30 * 50  # every second row, both sides of each line
    assert detail.edges.sum() == detail.edges[2, 1]
    luma[:] = 0
    luma[0:64, 1000:1010:2] = 200
    top = NONE.copy()
    top[0] = True
    detail.look(luma, top)
    assert detail.edges[0].sum() > 0
    assert detail.edges[2, 1] == 30 * 50  # nothing was said to have changed there
    detail.moved()
    detail.look(luma, NONE)
    assert detail.edges[2, 1] == 0
