"""From the press of an arrow key to the new picture on the screen, for every slider of every explorer.

    python tests/benchmarks/slider_latency.py [NAMES…] [--presses 40]

runs notebooks in JupyterLab in a headless Chromium and prints a table. The clock is the browser's: it starts
with the event of the key and stops at the first frame after the new picture is loaded. A press that changes
no picture (two values look the same, another control decides) is listed as silent and does not count.
"""

import argparse
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab import Lab, find_chromium, jupyterlab
from playwright.sync_api import Locator

from course_utils.notebooks import find
from course_utils.notebooks.command import FOLDER

WATCH = """id => {
    const image = document.querySelector(`[data-explorer="${id}"] img.widget-image`);
    window.watching?.abort();
    window.watching = new AbortController();
    window.latencies = [];
    let pressed = 0;
    const until = {capture: true, signal: window.watching.signal};
    window.addEventListener('keydown', () => { pressed = performance.now(); }, until);
    image.addEventListener('load', () => requestAnimationFrame(() => {
        window.latencies.push(performance.now() - pressed); }), until); }"""
LATENCIES = "() => window.latencies"
PATIENCE = 2.0


def label(slider: Locator) -> str:
    """What stands beside the slider."""
    return slider.locator("xpath=ancestor::*[contains(@class,'widget-hslider')]//label").inner_text()


def measure(lab: Lab, explorer: str, slider: Locator, presses: int) -> tuple[list[float], int]:
    """Milliseconds of every press that brought a new picture, and the number of those that did not.

    The slider runs to and fro between its ends.
    """
    lab.page.evaluate(WATCH, explorer)
    slider.focus()
    key, silent = "ArrowRight", 0
    for _ in range(presses):
        now, low, high = (slider.get_attribute(f"aria-value{end}") for end in ("now", "min", "max"))
        key = "ArrowLeft" if now == high else "ArrowRight" if now == low else key
        before = len(lab.page.evaluate(LATENCIES))
        slider.press(key)
        silent += not lab.until(lambda n=before: len(lab.page.evaluate(LATENCIES)) > n, patience=PATIENCE)
    return lab.page.evaluate(LATENCIES), silent


def rows(lab: Lab, notebook: Path, presses: int) -> None:
    """Run a notebook and print a line about each of its sliders."""
    lab.open(notebook.name)
    lab.run_all()
    if lab.errors():
        print(f"{notebook.stem}: {lab.errors()[0]}", file=sys.stderr)
    for explorer in lab.explorers():
        for slider in lab.sliders(explorer):
            taken, silent = measure(lab, explorer, slider, presses)
            name = f"{notebook.stem[:2]} {explorer} / {label(slider)}"
            if len(taken) > 1:
                median, p90 = statistics.median(taken), statistics.quantiles(taken, n=10)[-1]
                print(f"{name:<52} {median:6.0f} {p90:6.0f} {len(taken):7} {silent:6}", flush=True)
            else:
                print(f"{name:<52} {'–':>6} {'–':>6} {len(taken):7} {silent:6}", flush=True)


def main() -> None:
    """Measure the notebooks that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", help="paths, names or numbers; none: every notebook")
    parser.add_argument("--presses", type=int, default=40, help="of an arrow key, for each slider")
    arguments = parser.parse_args()
    notebooks = [find(name) for name in arguments.names] or sorted(FOLDER.glob("*.ipynb"))
    chromium = find_chromium()
    if chromium is None:
        sys.exit("no Chromium here: install one, or run python -m playwright install chromium")
    print(f"{'explorer / slider':<52} {'median':>6} {'p90':>6} {'presses':>7} {'silent':>6}   (ms)")
    with jupyterlab(notebooks, chromium) as lab:
        for notebook in notebooks:
            rows(lab, notebook, arguments.presses)


if __name__ == "__main__":
    main()
