"""JupyterHub for a class on one Linux machine: a clone of the course and JupyterLab for every student.

    CLASS_PASSWORD=... CLASS_REPOSITORY=... jupyterhub -f docs/jupyterhub_config.py

All servers run as the user who starts the hub, each in a folder of its own: for a class that one trusts.
``docs/classroom.md`` says how it is set up, and what to change for others.
"""

import asyncio
import os
from pathlib import Path

from jupyterhub.spawner import Spawner

CLASS = Path(os.environ.get("CLASS_FOLDER", Path.home() / "class"))  # students' folders, the hub's own files
REPOSITORY = os.environ["CLASS_REPOSITORY"]  # whatever git can clone: a folder of this machine, too
BRANCH = os.environ.get("CLASS_BRANCH", "main")  # the term's

c = get_config()  # noqa: F821  # pyright: ignore[reportUndefinedVariable]
CLASS.mkdir(parents=True, exist_ok=True)
c.JupyterHub.db_url = f"sqlite:///{CLASS}/hub.sqlite"
c.JupyterHub.cookie_secret_file = str(CLASS / "cookie_secret")
c.ConfigurableHTTPProxy.pid_file = str(CLASS / "proxy.pid")

# Whoever has the class's password chooses a name at the first login.
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = os.environ["CLASS_PASSWORD"]
c.Authenticator.allow_all = True

# A folder for each student, and in it a clone that is brought up to date whenever the server starts.
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = f"{CLASS}/students/{{username}}"
c.Spawner.default_url = "/lab/tree/course/notebooks/00_start_here.ipynb"


async def update(spawner: Spawner) -> None:
    """Bring the term's notebooks; what a student has changed stays as it is."""
    clone = f"{CLASS}/students/{spawner.user.name}/course"
    pulling = await asyncio.create_subprocess_exec("gitpuller", REPOSITORY, BRANCH, clone)
    if await pulling.wait():
        spawner.log.error("the course of %s could not be brought up to date", spawner.user.name)


c.Spawner.pre_spawn_hook = update

# Small servers, so that a class may start at once.
c.Spawner.cmd = ["prlimit", "--data=3000000000", "jupyterhub-singleuser"]  # bytes, for each kernel too
c.Spawner.environment = {
    "OMP_NUM_THREADS": "1",  # with a kernel a core, more threads are slower
    "PYTHONPATH": lambda spawner: f"{CLASS}/students/{spawner.user.name}/course",  # that clone's course_utils
}
c.Spawner.args = [
    "--MappingKernelManager.cull_idle_timeout=3600",  # seconds: a kernel has about 0.5 GB
    "--ServerApp.shutdown_no_activity_timeout=7200",
]
c.Spawner.start_timeout = c.Spawner.http_timeout = 180  # on a busy machine, imports take minutes
c.JupyterHub.concurrent_spawn_limit = 10
