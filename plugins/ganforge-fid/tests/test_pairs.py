"""The panel of the closest pairs."""

import numpy as np
from PIL import Image

from ganforge_fid.memorisation import nearest_in_pixels
from ganforge_fid.pairs import GAP, LINE, SHOWN, Pair, closest_pairs, panel, write_panel


def test_the_closest_pairs_come_nearest_first_each_generated_image_once(drawn):
    train, fake = drawn([9]), drawn([6], seed=1)
    fake.images[4] = train.images[7][..., ::-1]
    fake.images[1] = train.images[7] + 1
    pairs = closest_pairs(nearest_in_pixels(fake.images, train.images), 3)
    assert pairs[:2] == [Pair(4, 7, True, 0.0), Pair(1, 7, False, 1.0)]
    assert pairs[2].distance > 5
    assert len({pair.fake for pair in pairs}) == 3


def test_the_panel_shows_generated_left_and_training_as_it_matched_right(drawn, tmp_path):
    train, fake = drawn([9]), drawn([6], seed=1)
    pairs = {"pixels": [Pair(4, 7, True, 0.0), Pair(1, 2, False, 1.0)], "features": [Pair(0, 0, False, 0.5)]}
    write_panel(tmp_path / "pairs.png", fake, train, pairs)
    sheet = np.asarray(Image.open(tmp_path / "pairs.png"))
    assert (sheet == panel(fake, train, pairs)).all()
    column, row = 2 * SHOWN + 3 * GAP, SHOWN + 2 * LINE
    assert sheet.shape == (LINE + 2 * row, 2 * column, 3)

    def shown(x: int, y: int) -> np.ndarray:
        whole = sheet[y : y + SHOWN, x : x + SHOWN]
        return whole[:: SHOWN // 4, :: SHOWN // 4].transpose(2, 0, 1)

    right = 2 * GAP + SHOWN
    assert (shown(GAP, LINE) == fake.images[4]).all()
    assert (shown(right, LINE) == train.images[7][..., ::-1]).all()
    assert (shown(right, LINE + row) == train.images[2]).all()
    assert (shown(column + right, LINE) == train.images[0]).all()
    assert (sheet[LINE + row :, column:] == 255).all()


def test_without_fakes_the_panel_is_its_headings(drawn):
    assert panel(drawn([2]), drawn([2]), {"pixels": []}).shape == (LINE, 2 * SHOWN + 3 * GAP, 3)
