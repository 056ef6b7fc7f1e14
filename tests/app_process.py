"""Run the app in a process of its own, as a user does, with its temporary files in one folder."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
START_LIMIT_S = 240.0  # until a line is printed: 3 s on a machine with nothing else to do
STOP_LIMIT_S = 30.0  # from a signal to the end: 2 s on such a machine

ASK = """
import json, sys, httpx
url, file, *words = sys.argv[1:]
with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
    assert client.get("/").status_code == 200
    (path,) = client.post("/gradio_api/upload", files={"files": open(file, "rb")}).json()
    picture = {"path": path, "meta": {"_type": "gradio.FileData"}}
    asked = client.post("/gradio_api/call/predict", json={"data": [picture]}).json()
    print(client.get(f"/gradio_api/call/predict/{asked['event_id']}").text)
"""


class AppProcess:
    """A process of the app, or of another program that serves it."""

    def __init__(self, folder, command=("app.py",), where=ROOT, wrap=(), without=(), **environment):
        """Start it, `wrap`ped in a command, `without` some variables of the environment."""
        self.folder, self.log, self.wrap = folder / "temporary", folder / "log.txt", wrap
        self.folder.mkdir()
        without = ("NO_PROXY", "GRADIO_TEMP_DIR", *without)
        kept = {name: value for name, value in os.environ.items() if name not in without}
        kept |= {"TMPDIR": str(self.folder), "TORCHINDUCTOR_CACHE_DIR": str(folder / "torch")}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*wrap, sys.executable, *map(str, command)],
                cwd=where,
                env=kept | environment,
                stdout=log,
                stderr=log,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.kill(self.innermost(), signal.SIGKILL)
            self.process.kill()
        self.process.wait()

    def said(self):
        """Return what it has printed."""
        return self.log.read_text(errors="replace")

    def until(self, words):
        """Wait until it prints a line with these words; return that line."""
        end = time.monotonic() + START_LIMIT_S
        while True:
            over = self.process.poll() is not None or time.monotonic() > end
            for line in self.said().rpartition("\n")[0].splitlines():
                if words in line:
                    return line
            if over:
                pytest.fail(f"It did not print {words!r}:\n{self.said()}")
            time.sleep(0.01)

    def address(self):
        """Return its address, once it is served."""
        return self.until("Inkling is at").split()[-1].rstrip("/")

    def innermost(self):
        """Return the process that serves, within what it is shut in by."""
        pid = self.process.pid
        if "--fork" in self.wrap:
            pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text())
        return pid

    def ask(self, *program):
        """Run a program where the page can be reached, with the page's address."""
        program = [sys.executable, "-c", program[0], self.address(), *map(str, program[1:])]
        spaces = [space for space in ("--net", "--mount") if space in self.wrap]
        if spaces:
            inside = ["nsenter", "--preserve-parse_login", "--user", *spaces, "--wd"]
            program = [*inside, "--target", str(self.innermost()), *program]
        environment = os.environ | {"TMPDIR": str(self.folder)}
        return subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env=environment)

    def answer(self, *program):
        """Return what that program prints, once it has ended."""
        said, _ = self.ask(*program).communicate(timeout=START_LIMIT_S)
        return said

    def stop(self, how=signal.SIGTERM):
        """Have it stop, and check that it does: soon, cleanly, and with nothing left behind."""
        os.kill(self.innermost(), how)
        assert self.process.wait(STOP_LIMIT_S) == 0, self.said()
        assert "Traceback" not in self.said() and list(self.folder.iterdir()) == []
        return self.said()
