"""Helpers behind the notebooks of the course.

Importing this package has two side effects. Where Python was started on a terminal of few letters, such as
a Windows code page, a letter that it cannot write becomes a question mark there, instead of an error. And
torch no longer says that triton is missing, in the first cell that trains: the course does not need it.
"""

import logging
import sys
from io import TextIOWrapper

for _stream in (sys.stdout, sys.stderr):
    if isinstance(_stream, TextIOWrapper) and _stream.errors == "strict":
        if _stream.encoding.lower().replace("-", "") != "utf8":
            _stream.reconfigure(errors="replace")

logging.getLogger("torch.utils.flop_counter").setLevel(logging.ERROR)
