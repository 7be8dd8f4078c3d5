"""Everything about the package stands in pyproject.toml; this installs its data files in editable mode too.

setuptools asks a distribution for ``has_data``, which no distribution has, and so leaves them out there.
"""

from setuptools import Distribution, setup

Distribution.has_data = Distribution.has_data_files
setup()
