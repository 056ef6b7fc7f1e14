"""What is taken away of a picture is what was read in it."""

import cv2
import numpy as np
from conftest import sketch

from inkling.ui import downloads
from inkling.ui.session import SessionState


def test_a_correction_in_a_picture_larger_than_is_shown_is_that_digit(shipped, tmp_path):
    two = cv2.resize(np.concatenate([sketch(4), sketch(7)], axis=1), (2_240, 1_120))
    visit = SessionState().read(cv2.imencode(".png", two)[1].tobytes(), shipped).choose("1")
    downloads.save_correction(visit, 7, tmp_path)
    (file,) = (tmp_path / "7").iterdir()
    assert shipped.read_file(file).text == "7"
