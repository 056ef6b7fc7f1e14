"""The app in a process of its own, with its temporary files in one folder."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
START_LIMIT_S = 240.0  # until a line is printed: 3 s on an idle machine
STOP_LIMIT_S = 30.0  # from a signal to the end: 2 s on an idle machine

PREDICT = """
import json, sys, httpx
url, file, *words = sys.argv[1:]
with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
    assert client.get("/").status_code == 200
    (path,) = client.post("/gradio_api/upload", files={"files": open(file, "rb")}).json()
    picture = {"path": path, "meta": {"_type": "gradio.FileData"}}
    call = client.post("/gradio_api/call/predict", json={"data": [picture]}).json()
    print(client.get(f"/gradio_api/call/predict/{call['event_id']}").text)
"""


class AppProcess:
    """A process that runs `app.py` or another program that serves the page."""

    def __init__(self, folder, command=("app.py",), where=ROOT, wrap=(), without=(), **environment):
        """Start the process, optionally inside a command `wrap` and `without` some variables."""
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
            os.kill(self.server_pid(), signal.SIGKILL)
            self.process.kill()
        self.process.wait()

    def output(self):
        """Return all that the process has printed."""
        return self.log.read_text(errors="replace")

    def until(self, words):
        """Wait for a line that contains `words`; return it."""
        end = time.monotonic() + START_LIMIT_S
        while True:
            has_ended = self.process.poll() is not None or time.monotonic() > end
            for line in self.output().rpartition("\n")[0].splitlines():
                if words in line:
                    return line
            if has_ended:
                pytest.fail(f"It did not print {words!r}:\n{self.output()}")
            time.sleep(0.01)

    def address(self):
        """Wait for the page's address; return it."""
        return self.until("Inkling is at").split()[-1].rstrip("/")

    def server_pid(self):
        """Return the process ID of the server, which may run inside `wrap`."""
        pid = self.process.pid
        if "--fork" in self.wrap:
            pid = int(Path(f"/proc/{pid}/task/{pid}/children").read_text())
        return pid

    def start_client(self, *program):
        """Start a program with the page's address, in the server's namespaces."""
        program = [sys.executable, "-c", program[0], self.address(), *map(str, program[1:])]
        spaces = [space for space in ("--net", "--mount") if space in self.wrap]
        if spaces:
            inside = ["nsenter", "--preserve-credentials", "--user", *spaces, "--wd"]
            program = [*inside, "--target", str(self.server_pid()), *program]
        environment = os.environ | {"TMPDIR": str(self.folder)}
        return subprocess.Popen(program, stdout=subprocess.PIPE, text=True, env=environment)

    def run_client(self, *program):
        """Run that program; return its output."""
        output, _ = self.start_client(*program).communicate(timeout=START_LIMIT_S)
        return output

    def stop(self, how=signal.SIGTERM):
        """Stop the app; check that it ends soon, cleanly, and leaves no files."""
        os.kill(self.server_pid(), how)
        assert self.process.wait(STOP_LIMIT_S) == 0, self.output()
        assert "Traceback" not in self.output() and list(self.folder.iterdir()) == []
        return self.output()
