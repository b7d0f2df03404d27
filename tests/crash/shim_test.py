#!/usr/bin/python3
"""The shim itself: what was synced stays, what was not goes, points kill, calls fail, and no call of ours slips by."""
import errno
import os
import random
import re
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "system")]

from disk import AFTER, BEFORE, Disk, Memory  # noqa: E402
from harness import ROOT, run_tests  # noqa: E402

PROGRAMS = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, ".build", "release", "bin")
SHIM = os.path.join(PROGRAMS, "libcrash_shim.so")
# Calls of libc that change a file or a folder.
CHANGES = re.compile(r"^(open(at)?|creat|p?write(v|v2)?|sendfile|copy_file_range|f?truncate|fallocate|posix_fallocate|"
                     r"fsync|fdatasync|sync_file_range|msync|rename(at2?)?|unlink(at)?|rmdir|remove|link(at)?|"
                     r"mkdir(at)?|symlink|mkstemp|mkostemp|fwrite)(64)?$")
# These need no watching: room beyond the end of a file (KEEP_SIZE, ballast), writing that promises nothing
# (sync_file_range), links that nobody makes, and streams of nobody's state.
HARMLESS = {"fallocate", "posix_fallocate", "sync_file_range", "msync", "fwrite", "symlink"}
PRELUDE = """
import os
def put(name, text, sync=True, how="wb"):
    with open(name, how, buffering=0) as file:
        file.write(text)
        if sync: os.fsync(file.fileno())
def sync_folder(name="."):
    folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY)
    os.fsync(folder)
    os.close(folder)
"""


class Trial:
    """A state directory and programs that run on it under the shim."""

    def __init__(self, folder):
        self.state, attic = os.path.join(folder, "state"), os.path.join(folder, "attic")
        self.memory = Memory(os.path.join(folder, "memory"))
        self.disk = Disk(self.state, attic, self.memory)
        self._environment = {**os.environ, "LD_PRELOAD": SHIM, "CRASH_STATE": self.state, "CRASH_ATTIC": attic,
                             "CRASH_MEMORY": self.memory.path}

    def run(self, *lines):
        """A few lines of Python in the state directory; the exit code."""
        code = PRELUDE + "\n".join(lines)
        return subprocess.run([sys.executable, "-c", code], cwd=self.state, env=self._environment, check=False,
                              stderr=subprocess.DEVNULL).returncode

    def after_power_cut(self, *lines, **more):
        assert self.run(*lines) == 0, lines
        self.disk.cut_power(**more)
        return self.tree()

    def tree(self):
        """{name: bytes}; None for a folder."""
        found = {}
        for base, folders, names in os.walk(self.state):
            at = os.path.relpath(base, self.state)
            for name in folders:
                found[os.path.normpath(os.path.join(at, name))] = None
            for name in names:
                with open(os.path.join(base, name), "rb") as file:
                    found[os.path.normpath(os.path.join(at, name))] = file.read()
        return found


def trial(test):
    def run(_):
        with tempfile.TemporaryDirectory(prefix="penstock-shim-") as folder:
            test(Trial(folder))
    run.__name__ = test.__name__
    return run


@trial
def test_what_was_synced_with_its_folder_stays(at):
    assert at.after_power_cut("put('a', b'one')", "sync_folder()") == {"a": b"one"}


@trial
def test_a_file_whose_folder_was_not_synced_goes(at):
    assert at.after_power_cut("put('a', b'one')") == {}


@trial
def test_bytes_after_the_last_sync_go(at):
    lines = ("put('a', b'one')", "sync_folder()", "put('a', b'two', False, 'ab')")
    assert at.after_power_cut(*lines) == {"a": b"one"}


@trial
def test_bytes_written_over_come_back_until_they_are_synced(at):
    over = "f = os.open('a', os.O_RDWR); os.pwrite(f, b'ONE', 2)"
    assert at.after_power_cut("put('a', b'0123456789')", "sync_folder()", over) == {"a": b"0123456789"}
    assert at.after_power_cut(over, "os.fdatasync(f)") == {"a": b"01ONE56789"}


@trial
def test_what_was_cut_off_comes_back(at):
    assert at.after_power_cut("put('a', b'0123456789')", "sync_folder()", "os.truncate('a', 3)") == {"a": b"0123456789"}
    assert at.after_power_cut("put('a', b'new', False)") == {"a": b"0123456789"}
    assert at.after_power_cut("f = os.open('a', os.O_RDWR); os.ftruncate(f, 4); os.fsync(f)") == {"a": b"0123"}


@trial
def test_a_rename_that_was_not_synced_is_undone_and_its_target_is_back(at):
    first = ("put('a', b'old')", "sync_folder()", "put('a.new', b'new')")
    assert at.after_power_cut(*first, "os.rename('a.new', 'a')") == {"a": b"old"}
    assert at.after_power_cut("put('a.new', b'new')", "os.rename('a.new', 'a')", "sync_folder()") == {"a": b"new"}


@trial
def test_a_rename_to_another_folder_needs_both(at):
    begin = ("os.mkdir('x'); os.mkdir('y'); sync_folder(); put('x/a', b'one'); sync_folder('x')",)
    move = "os.rename('x/a', 'y/a')"
    assert at.after_power_cut(*begin, move) == {"x": None, "y": None, "x/a": b"one"}
    assert at.after_power_cut(move, "sync_folder('x'); sync_folder('y')") == {"x": None, "y": None, "y/a": b"one"}


@trial
def test_what_was_unlinked_is_back(at):
    assert at.after_power_cut("put('a', b'one')", "sync_folder()", "os.unlink('a')") == {"a": b"one"}
    assert at.after_power_cut("os.unlink('a')", "sync_folder()") == {}


@trial
def test_a_file_without_a_name_stays_when_it_was_linked_and_synced(at):
    lines = ("f = os.open('.', os.O_TMPFILE | os.O_RDWR, 0o600); os.write(f, b'one'); os.fsync(f)",
             "os.link('/proc/self/fd/%d' % f, 'a', src_dir_fd=0, follow_symlinks=True)")
    assert at.after_power_cut(*lines) == {}
    assert at.after_power_cut(*lines, "sync_folder()") == {"a": b"one"}


@trial
def test_a_folder_that_was_not_synced_goes_with_all_in_it(at):
    assert at.after_power_cut("os.mkdir('x')", "put('x/a', b'one')", "sync_folder('x')") == {}


@trial
def test_folders_that_were_exchanged_are_back(at):
    exchange = ("import ctypes", "assert ctypes.CDLL(None).renameat2(-100, b'x', -100, b'y', 2) == 0")
    begin = "os.mkdir('x'); os.mkdir('y'); put('x/a', b'one'); sync_folder('x'); sync_folder()"
    assert at.after_power_cut(begin, *exchange) == {"x": None, "y": None, "x/a": b"one"}
    assert at.after_power_cut(*exchange, "sync_folder()") == {"x": None, "y": None, "y/a": b"one"}


@trial
def test_what_one_program_did_not_sync_is_lost_after_the_next_one_too(at):
    assert at.run("put('a', b'one', False)", "sync_folder()") == 0
    at.disk.follow()
    assert at.after_power_cut("put('b', b'two')", "sync_folder()") == {"a": b"", "b": b"two"}


@trial
def test_a_part_of_what_was_not_synced_may_stay(at):
    seen, dice = set(), random.Random(7)
    assert at.after_power_cut("put('a', b'01')", "sync_folder()") == {"a": b"01"}
    for _ in range(40):
        tree = at.after_power_cut("put('a', b'23456', False, 'ab')", dice=dice)
        assert tree["a"].startswith(b"01"), tree
        seen.add(len(tree["a"]))
        at.run("f = os.open('a', os.O_RDWR); os.ftruncate(f, 2); os.fsync(f)")
        at.disk.follow()
    assert len(seen) >= 4, seen


@trial
def test_a_program_dies_before_and_after_the_point_it_was_told(at):
    os.mkdir(os.path.join(at.state, "core"))
    line = "put('core/1.log', b'one'); put('core/1.log', b'two', True, 'ab')"
    at.memory.arm_point(BEFORE, "write", "core-wal", 2)
    assert at.run(line) == -signal.SIGKILL and at.tree()["core/1.log"] == b"one"
    at.memory.arm_point(AFTER, "write", "core-wal", 2)
    assert at.run(line) == -signal.SIGKILL and at.tree()["core/1.log"] == b"onetwo"
    assert at.memory.faults == 2


@trial
def test_the_nth_call_fails_once(at):
    at.memory.arm_failure(errno.ENOSPC, ("write", "sync"), 2)
    code = "try:\n  put('a', b'one')\nexcept OSError as problem:\n  os._exit(problem.errno)"
    assert at.run(code) == errno.ENOSPC and at.tree() == {"a": b"one"}
    assert at.run(code) == 0 and at.memory.faults == 1


def symbols(path, imported):
    words = subprocess.run(["nm", "-D", path], capture_output=True, text=True, check=True).stdout.splitlines()
    chosen = [line.split() for line in words if (" U " in line) == imported]
    return {parts[-1].split("@")[0] for parts in chosen if parts}


def libraries_of(program):
    lines = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return [match for match in re.findall(r"=> (\S+)", lines) if re.search(r"librocksdb|libstdc\+\+|libcaf", match)]


def test_every_call_that_changes_the_disk_is_watched(_):
    watched, program = symbols(SHIM, False), os.path.join(PROGRAMS, "penstockd")
    for each in (program, *libraries_of(program)):
        missed = {name for name in symbols(each, True) if CHANGES.match(name)} - watched - HARMLESS
        assert not missed, "%s calls %s" % (each, sorted(missed))


if __name__ == "__main__":
    TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]
    sys.exit(run_tests(None, TESTS))
