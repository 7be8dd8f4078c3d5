"""Axes to draw on; no test of pictures leaves a figure to those after it, and none finds one."""

import matplotlib.pyplot as plt
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


@pytest.fixture(autouse=True)
def closed():
    plt.close("all")
    yield
    plt.close("all")


@pytest.fixture
def ax():
    figure = Figure(figsize=(8, 5))
    FigureCanvasAgg(figure)
    return figure.add_subplot()
