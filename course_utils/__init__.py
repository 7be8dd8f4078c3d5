"""Helpers behind the notebooks of the course.

Importing this package has one side effect, where Python was started on a terminal of few letters, such as
a Windows code page: a letter that it cannot write becomes a question mark there, instead of an error.
"""

import sys
from io import TextIOWrapper

for _stream in (sys.stdout, sys.stderr):
    if isinstance(_stream, TextIOWrapper) and _stream.errors == "strict":
        if _stream.encoding.lower().replace("-", "") != "utf8":
            _stream.reconfigure(errors="replace")
