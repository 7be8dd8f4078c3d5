"""The fitting room: every picture in it is what the system, or the drawing, makes of person and shirt."""

import pytest
import torch
from explorer_inputs import two_systems

from course_utils import plots
from course_utils.applications.try_on import inputs
from course_utils.datasets.people import dressed
from course_utils.explorers.features_augmentation_try_on import fitting_room
from course_utils.explorers.features_augmentation_try_on.fitting_room import STEPS


def test_each_step_is_of_this_person_this_shirt_and_this_system(monkeypatch):
    systems, some = two_systems()
    seen = []
    images = plots.images
    monkeypatch.setattr(plots, "images", lambda x, **how: seen.append(x) or images(x, **how))
    fitting_room(systems, some).picture(person=3, shirt=1, system="other")
    new = dressed(some.body[2:], some.cloth[:1])
    with torch.no_grad():
        o, M, r, c = systems["other"](*inputs(new))
    expected = [new.garment, some[2].x, some[2].agnostic, c, M.expand_as(o), r, o, new.x]
    for name, shown, one in zip(STEPS, seen[-1], expected, strict=True):
        assert torch.allclose(shown, one[0].clamp(0, 1), atol=1e-4), name


def test_bad_input_gets_one_clear_error():
    systems, some = two_systems()
    for bad in ({}, systems["one"], {"one": torch.nn.Identity()}):
        with pytest.raises(ValueError, match="fitting_room: expected a TryOn or several by name, got"):
            fitting_room(bad, some)
    for few in (some[0], some.x):
        with pytest.raises(ValueError, match="fitting_room: expected two people or more, got"):
            fitting_room(systems, few)
