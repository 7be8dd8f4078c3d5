"""Where the project's folders lie, for every test and helper, in whatever folder of tests it stands."""

from pathlib import Path

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
PACKAGE = ROOT / "course_utils"
