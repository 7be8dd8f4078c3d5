"""JupyterLab in a headless Chromium: what the browser test and the benchmark of the sliders share."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from nbformat import NotebookNode
from playwright.sync_api import Locator, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-component-update "
    "--disable-sync --disable-quic"
).split()
HERE = ("127.0.0.1", "localhost")
LOCAL_SCHEMES = ("data", "blob", "about")
SERVER = """
import os, signal, sys, threading
from jupyterlab.labapp import main
def end_with_parent():
    sys.stdin.buffer.read()  # until the parent is gone, in whatever way
    os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=end_with_parent, daemon=True).start()
sys.exit(main())
"""
SECONDS = 1000  # playwright counts in milliseconds
PATIENCE = 300  # seconds: a page is ready in two, but not where the machine is busy

NOTEBOOK = "const panel = window.jupyterapp?.shell.currentWidget, notebook = panel?.content;"
IDLE = f"() => {{ {NOTEBOOK} return panel?.sessionContext?.session?.kernel?.status === 'idle'; }}"
COUNTS = f"""() => {{ {NOTEBOOK}
    const code = [...notebook.model.cells].filter(cell => cell.type === 'code');
    return code.map(cell => cell.executionCount); }}"""
REPLACE = """async name => {
    const {shell, commands} = window.jupyterapp, last = shell.currentWidget;
    const kernelPreference = {shouldStart: false, canStart: false, autoStartDefault: false};
    const asked = {path: name, factory: 'Notebook', kernelPreference};
    const next = await commands.execute('docmanager:open', asked);
    await next.context.ready;
    last.dispose(); }"""
CLEARED = f"() => ({COUNTS})().every(count => count === null)"
STORED_ERRORS = f"""() => {{ {NOTEBOOK} return [...notebook.model.cells].flatMap(cell =>
    (cell.type === 'code' ? cell.outputs.toJSON() : [])
        .filter(o => o.output_type === 'error' || o.name === 'stderr')
        .map(o => `${{cell.id}}: ${{o.ename ? o.ename + ': ' + o.evalue : o.text}}`)); }}"""
DONE = f"""() => ({STORED_ERRORS})().length > 0 ||
    (({COUNTS})().every(count => count !== null) && ({IDLE})())"""
SHOWN_ERRORS = """() => [...document.querySelectorAll(
    '[data-mime-type="application/vnd.jupyter.error"], [data-mime-type="application/vnd.jupyter.stderr"],' +
    '.jupyter-widgets-error-widget')].map(e => e.innerText)"""
EXPLORERS = f"""() => {{ {NOTEBOOK}
    const shown = notebook.widgets.filter(cell => cell.node.querySelector('img.widget-image'));
    return shown.map(cell => cell.node.dataset.explorer = cell.model.id); }}"""
PICTURE = """async id => {
    const image = document.querySelector(`[data-explorer="${id}"] img.widget-image`);
    const bytes = await (await fetch(image.src)).arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
    return [...digest].map(byte => byte.toString(16).padStart(2, '0')).join(''); }"""
DECK = f"""() => {{ {NOTEBOOK} const visible = notebook.widgets.filter(cell =>
    cell.node.classList.contains('jp-deck-mod-visible'));
    return {{on: document.body.dataset.jpDeckMode === 'presenting',
             active: notebook.activeCell.model.id, visible: visible.map(cell => cell.model.id)}}; }}"""

DRAWN = f"""() => {{ {NOTEBOOK} // every cell as on its slide: the deck shows those with these classes
    notebook.widgets.forEach(cell => cell.node.classList.add('jp-deck-mod-onscreen', 'jp-deck-mod-visible'));
    const laid = notebook.widgets.map(cell => cell.node.getBoundingClientRect().height + cell.node.innerText);
    const same = JSON.stringify(laid) === window.laid;
    window.laid = JSON.stringify(laid);
    const is_drawn = cell => cell.model.type === 'code' || cell.node.innerText.trim();
    return same && notebook.widgets.every(cell => !cell.isPlaceholder() && is_drawn(cell)); }}"""
CELLS = f"""() => {{ {NOTEBOOK} return Object.fromEntries(notebook.widgets.map(cell => {{
    const all = selector => [...cell.node.querySelectorAll(selector)];
    const wide = all('img, pre, table').map(e => e.getBoundingClientRect().right - window.innerWidth);
    const cut = all('.cm-scroller, .jp-OutputArea-output, .jp-RenderedHTMLCommon').map(
        e => e.scrollWidth - e.clientWidth);
    return [cell.model.id, {{
        high: cell.node.getBoundingClientRect().height,
        across: Math.max(0, ...wide, ...cut),
        pictures: all('.jp-OutputArea img').map(image => image.alt || image.title)}}]; }})); }}"""


def find_chromium() -> str | None:
    """The path of a Chromium: one that is installed, or the one that playwright brings."""
    installed = next((path for name in NAMES if (path := shutil.which(name))), None)
    if installed is None:
        with sync_playwright() as playwright:
            path = playwright.chromium.executable_path
        installed = path if Path(path).exists() else None
    return installed


def chromium_or_skip() -> str:
    """The path of a Chromium; without one the test is skipped, and fails where it may not be."""
    chromium = find_chromium()
    if chromium is None:
        reason = "no Chromium here: install one, or run python -m playwright install chromium"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    return chromium


@contextmanager
def serve(root: Path, home: Path) -> Iterator[tuple[str, str]]:
    """Run JupyterLab of this very Python over a folder; yield its address and its token.

    Args:
        root: the folder that it shows.
        home: an empty folder for its settings, logs and signatures, so that the user's play no part.

    Raises:
        RuntimeError: it does not start; the message is the end of its log.
    """
    places = {
        "JUPYTER_CONFIG_DIR": home / "config",
        "JUPYTER_DATA_DIR": home / "data",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
        "JUPYTERLAB_SETTINGS_DIR": home / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
        "IPYTHONDIR": home / "ipython",
    }
    for place in places.values():
        place.mkdir(parents=True)
    token, log = secrets.token_hex(16), home / "server.log"
    command = [sys.executable, "-c", SERVER, "--no-browser", "--allow-root"]
    command += ["--ServerApp.ip=127.0.0.1", "--ServerApp.port=0", f"--ServerApp.root_dir={root}"]
    command += ["--LabApp.expose_app_in_browser=True"]
    environment = {**os.environ, **{name: str(place) for name, place in places.items()}}
    environment |= {"JUPYTER_TOKEN": token, "JUPYTER_PREFER_ENV_PATH": "1"}
    with log.open("wb") as file:
        server = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=file, stderr=file)
        try:
            yield _address(server, home / "runtime", log), token
        finally:
            server.terminate()
            try:
                server.wait(timeout=60)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _address(server: subprocess.Popen, runtime: Path, log: Path, patience: float = PATIENCE) -> str:
    """Wait for the file in which the server says where it listens."""
    end = time.monotonic() + patience
    while server.poll() is None and time.monotonic() < end:
        for file in runtime.glob("jpserver-*.json"):
            try:
                return json.loads(file.read_text())["url"]
            except json.JSONDecodeError:  # half written
                pass
        time.sleep(0.05)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()[-2000:]}")


@dataclass
class Lab:
    """A page of JupyterLab, what it asked for, and what went wrong in it.

    Attributes:
        requests: the addresses of all requests and sockets since the notebook was opened.
        faults: exceptions in the page's own code since then.
    """

    page: Page
    url: str
    token: str
    requests: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(PATIENCE * SECONDS)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("websocket", lambda socket: self.requests.append(socket.url))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))

    def open(self, name: str, *, clear: bool = True) -> None:
        """Open a notebook of the root folder afresh; to run it, wait for its kernel, clear its outputs."""
        self.requests.clear()
        self.faults.clear()
        self.page.goto(f"{self.url}doc/tree/{quote(name)}?token={self.token}&reset")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell")
        if clear:
            self.page.wait_for_function(IDLE, timeout=PATIENCE * SECONDS)
            self.command("notebook:clear-all-cell-outputs")
            self.page.wait_for_function(CLEARED)

    def replace(self, name: str) -> None:
        """Open another notebook in place of the one that is open: the same page, and no kernel.

        A new page takes six times the work. A slide show goes on, with the other.
        """
        self.requests.clear()
        self.faults.clear()
        self.page.evaluate(REPLACE, name)
        self.page.wait_for_selector(".jp-Notebook .jp-Cell")

    def command(self, name: str) -> None:
        """Run one of JupyterLab's commands."""
        self.page.evaluate("name => { window.jupyterapp.commands.execute(name); }", name)

    def run_all(self, patience: float = 3 * PATIENCE) -> None:
        """Run all cells from the menu; wait until each has its number and the kernel rests, or one fails."""
        for item in ("Run", "Run All Cells"):
            self.page.get_by_role("menuitem", name=item, exact=True).click()
        self.page.wait_for_function(DONE, timeout=patience * SECONDS)

    def until(self, condition: Callable[[], bool], patience: float = PATIENCE) -> bool:
        """Wait for a condition on the page; whether it came true in time."""
        end = time.monotonic() + patience
        while not (true := condition()) and time.monotonic() < end:
            self.page.wait_for_timeout(20)
        return true

    def errors(self) -> list[str]:
        """Errors and stderr in the outputs, also inside widgets, and faults of the page."""
        return [*self.page.evaluate(STORED_ERRORS), *self.page.evaluate(SHOWN_ERRORS), *self.faults]

    def strangers(self) -> list[str]:
        """The requests that went to another machine."""
        parts = [(urlsplit(url), url) for url in self.requests]
        return [url for p, url in parts if p.scheme not in LOCAL_SCHEMES and p.hostname not in HERE]

    def explorers(self) -> list[str]:
        """The ids of the cells that show a picture under controls, in their order."""
        return self.page.evaluate(EXPLORERS)

    def sliders(self, explorer: str) -> list[Locator]:
        """The handles of the sliders in this cell."""
        return self.page.locator(f'[data-explorer="{explorer}"] .noUi-handle').all()

    def picture(self, explorer: str) -> str:
        """A digest of the bytes of the picture in this cell."""
        return self.page.evaluate(PICTURE, explorer)

    def words(self, explorer: str) -> str:
        """What a screen reader says for the picture in this cell."""
        image = self.page.locator(f'[data-explorer="{explorer}"] img.widget-image')
        return image.get_attribute("alt") or image.get_attribute("title") or ""

    def slides(self, notebook: NotebookNode) -> dict[str, list[dict]]:
        """What ``CELLS`` measures on each slide, by the id of its first cell; the slide show is on then."""
        if not self.deck()["on"]:
            self.page.locator(".jp-Cell").first.click()
            self.page.keyboard.press("Escape")
            self.page.get_by_title("Toggle Deck").click()
            assert self.until(lambda: self.deck()["on"])
        self.page.wait_for_function(DRAWN, polling=300)
        cells, found = self.page.evaluate(CELLS), {}
        for cell in notebook.cells:
            kind = cell.metadata.slideshow.slide_type
            if kind in ("slide", "subslide"):
                first = cell.id
            if kind not in ("skip", "notes"):
                found.setdefault(first, []).append(cells[cell.id])
        return found

    def deck(self) -> dict:
        """The slide show: whether it is on, the active cell, and the cells that are visible."""
        return self.page.evaluate(DECK)


@contextmanager
def jupyterlab(notebooks: list[Path], chromium: str, height: int = 1000) -> Iterator[Lab]:
    """Copies of notebooks in JupyterLab in a headless browser; both are stopped in any case.

    The browser finds no machine but this one.
    """
    alone = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        root = Path(folder, "notebooks")
        root.mkdir()
        for path in notebooks:
            shutil.copy(path, root)
        with serve(root, Path(folder, "home")) as (url, token), sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=[*FLAGS, alone])
            try:
                yield Lab(browser.new_page(viewport={"width": 1280, "height": height}), url, token)
            finally:
                browser.close()
