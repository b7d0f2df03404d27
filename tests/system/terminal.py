"""A terminal for tests: tmux with a server of its own, what it shows, and every byte that was written to it."""
import os
import shutil
import subprocess
import tempfile
import time

PATIENCE_S = 20


class Terminal:
    """A shell in a window; programs are typed into it."""

    def __init__(self, environment, columns=80, rows=24):
        self._folder = tempfile.mkdtemp()
        self._socket = os.path.join(self._folder, "tmux")
        self._log = os.path.join(self._folder, "bytes")
        settings = {**os.environ, **environment, "TERM": "xterm-256color"}
        settings.pop("TMUX", None)
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), "sh", env=settings)
        self._tmux("set-option", "-g", "escape-time", "0")
        self._tmux("pipe-pane", "-O", "cat >>%s" % self._log)
        self.run("PS1='re''ady$ '")
        self.wait_for("ready$")

    def _tmux(self, *arguments, **more):
        return subprocess.run(["tmux", "-S", self._socket, *arguments], capture_output=True, text=True, check=True,
                              timeout=PATIENCE_S, **more).stdout

    def close(self):
        subprocess.run(["tmux", "-S", self._socket, "kill-server"], capture_output=True, check=False)
        shutil.rmtree(self._folder, ignore_errors=True)

    def run(self, line):
        self._tmux("send-keys", "-l", line)
        self._tmux("send-keys", "Enter")

    def press(self, *keys):
        self._tmux("send-keys", *keys)

    def type(self, text):
        self._tmux("send-keys", "-l", text)

    def click(self, column, row):
        """Cells count from 0."""
        for end in "Mm":
            self.type("\x1b[<0;%d;%d%s" % (column + 1, row + 1, end))

    def click_on(self, text):
        """The first place that shows this, in ASCII."""
        for row, line in enumerate(self.screen().splitlines()):
            if text in line:
                return self.click(line.index(text), row)
        raise AssertionError("%r is not on the screen:\n%s" % (text, self.screen()))

    def paste(self, text):
        path = os.path.join(self._folder, "pasted")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        self._tmux("load-buffer", path)
        self._tmux("paste-buffer", "-p")

    def resize(self, columns, rows):
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def screen(self):
        return self._tmux("capture-pane", "-p")

    def wait_for(self, text, seconds=PATIENCE_S):
        deadline = time.monotonic() + seconds
        while text not in self.screen():
            assert time.monotonic() < deadline, "%r is not shown after %d s:\n%s" % (text, seconds, self.screen())
            time.sleep(0.05)

    def wait_without(self, text, seconds=PATIENCE_S):
        deadline = time.monotonic() + seconds
        while text in self.screen():
            assert time.monotonic() < deadline, "%r is still shown after %d s:\n%s" % (text, seconds, self.screen())
            time.sleep(0.05)

    def bytes_written(self):
        """How many bytes the programs have written, once that has come to rest."""
        before = -1
        while before != (now := os.path.getsize(self._log)):
            before = now
            time.sleep(0.3)
        return now

    def written(self):
        with open(self._log, "rb") as file:
            return file.read()

    def modes(self):
        """Alternate screen, mouse, cursor: as a shell leaves them it is "0 0 1"."""
        return self._tmux("display-message", "-p", "#{alternate_on} #{mouse_any_flag} #{cursor_flag}").strip()

    def program_pid(self, name):
        """The program that runs in the shell."""
        shell = self._tmux("display-message", "-p", "#{pane_pid}").strip()
        return int(subprocess.run(["pgrep", "-P", shell, "-x", name], capture_output=True, text=True,
                                  check=True).stdout.split()[0])
