"""No test of pictures leaves a figure to those after it, and none finds one."""

import matplotlib.pyplot as plt
import pytest


@pytest.fixture(autouse=True)
def closed():
    plt.close("all")
    yield
    plt.close("all")
