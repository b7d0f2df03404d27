#!/usr/bin/python3
"""Nothing that the client writes holds plaintext, unless it is told to export: every write of it is traced and searched
for what is in the images. And whoever is a holder of a key opens them, in the program and in Python."""
import contextlib
import glob
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

import pydicom

from harness import ROOT, eventually, find_everything, requests_of, run_tests, running_site, submit

sys.path.insert(0, os.path.join(ROOT, "tools", "python"))
from sealed_download import PenstockError, SealBroken, SealedDownload  # noqa: E402

PROJECT = "alz-brain"
OK, FAILED, USAGE, NOT_EVERYTHING, VERIFICATION = range(5)
ENDED = ("completed", "incomplete", "failed", "cancelled")
STUDIES = 3
PASSPHRASES = ("correct horse battery staple", "an old ferry sinks near Lisbon")
# What makes files, names them, or puts bytes into them; and what tells descriptors of files from pipes and sockets.
WRITES = ("write", "pwrite64", "writev", "pwritev", "pwritev2")
NAMES = ("open", "openat", "creat", "rename", "renameat", "renameat2", "mkdir", "mkdirat", "symlink", "symlinkat",
         "link", "linkat", "mknod", "mknodat", "truncate")
NEVER = ("sendfile", "copy_file_range", "splice", "tee", "vmsplice", "io_uring_setup", "io_submit", "process_vm_writev")
KINDS = ("pipe", "pipe2", "socket", "socketpair", "eventfd2", "epoll_create1", "timerfd_create", "memfd_create", "mmap")
LITERAL = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
LEAST_CANARY, PIXEL_CANARY, LEAST_DISTINCT = 7, 24, 12


# -------------------------------------------------------------------------------------------------------- the canaries

def canaries_of(part10):
    """Bytes that stand in this image and should stand nowhere else: names, identifiers, dates, UIDs, pixels."""
    data = pydicom.dcmread(part10)
    words = [str(data.get(keyword, "")) for keyword in (
        "PatientName", "PatientID", "PatientBirthDate", "StudyDate", "AccessionNumber", "StudyInstanceUID",
        "SeriesInstanceUID", "SOPInstanceUID", "StudyDescription", "SeriesDescription")]
    found = {word.encode() for word in words if len(word) >= LEAST_CANARY}
    pixels = bytes(data.get("PixelData", b""))
    for begin in range(0, len(pixels) - PIXEL_CANARY, max(PIXEL_CANARY, len(pixels) // 64)):
        piece = pixels[begin:begin + PIXEL_CANARY]
        if len(set(piece)) >= LEAST_DISTINCT:
            found.add(piece)
    return found


def finder(canaries):
    """A pattern for any of them."""
    return re.compile(b"|".join(re.escape(word) for word in sorted(canaries, key=len, reverse=True)))


# ------------------------------------------------------------------------------------------------------------ the trace

class Trace:
    """`paths`: every name that was given to a file. `content`: every byte that was written to a file, by descriptor."""

    def __init__(self, text):
        self.paths, self.content, self.forbidden = [], [], []
        not_files = {0, 1, 2}  # what people see
        for line in text.splitlines():
            call = re.match(r"(?:\[pid +\d+\] |\d+ +)?(\w+)\((.*)", line)
            if not call:
                continue
            name, rest = call.groups()
            if name in NEVER and not rest.startswith("-1"):
                self.forbidden.append(line[:200])
            elif name in KINDS:
                self._note_kind(name, rest, not_files)
            elif name in NAMES:
                self.paths += self._literals(rest)
                opened = re.search(r"\) += (\d+)", rest)
                if name in ("open", "openat", "creat") and opened:
                    device = self._literals(rest)[:1] in ([b"/dev/tty"], [b"/dev/null"])
                    (not_files.add if device else not_files.discard)(int(opened.group(1)))
            elif name in WRITES and int(re.match(r"\d+", rest).group()) not in not_files:
                self.content += self._literals(rest)

    def _note_kind(self, name, rest, not_files):
        if name == "mmap":
            if "MAP_SHARED" in rest and "PROT_WRITE" in rest and "MAP_ANONYMOUS" not in rest:
                self.forbidden.append("mmap(" + rest[:200])
            return
        pair = re.match(r".*?\[(\d+), (\d+)\]", rest) if name in ("pipe", "pipe2", "socketpair") else None
        one = re.search(r"\) += (\d+)", rest)
        not_files.update(map(int, pair.groups()) if pair else [int(one.group(1))] if one else [])

    @staticmethod
    def _literals(text):
        found = []
        for literal, cut in LITERAL.findall(text):
            assert not cut, "strace has cut a string"
            found.append(bytes.fromhex(literal.replace("\\x", "")))
        return found

    def search(self, pattern):
        """The first canary that was written."""
        for piece in self.paths + self.content:
            hit = pattern.search(piece)
            if hit:
                return hit.group()
        joined = b"".join(self.content)  # one may lie across two writes
        hit = pattern.search(joined)
        return hit.group() if hit else None


class Client:
    """The program in a home of its own, traced."""

    def __init__(self, site, folder, user="amy"):
        self.site, self.home, self.user = site, os.path.join(folder, "home"), user
        os.makedirs(os.path.join(self.home, "tmp"), exist_ok=True)

    def run(self, *arguments, code=OK, inject=None):
        """(trace, what it said). `inject`: a fault, as strace spells it ("fsync:signal=SIGKILL:when=1"); any end is
        right then."""
        log = os.path.join(self.home, "..", "trace")
        calls = ",".join("?" + name for name in WRITES + NAMES + NEVER + KINDS)
        command = ["strace", "-f", "-qq", "-o", log]
        if inject:
            command += ["-e", "trace=" + inject.split(":")[0], "-e", "inject=" + inject]
        else:
            command += ["-xx", "-s", "8388608", "-e", "trace=" + calls, "-e", "signal=none"]
        env = {**os.environ, "HOME": self.home, "TMPDIR": os.path.join(self.home, "tmp"),
               "PENSTOCK_CONFIG": self.site.facts["users"][self.user]["config"]}
        program = os.path.join(self.site.facts["bin"], "penstock")
        done = subprocess.run([*command, program, *arguments], env=env, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=300, check=False, start_new_session=True)
        if not inject:
            assert done.returncode == code, (arguments, done.returncode, done.stdout, done.stderr)
        with open(log, encoding="ascii") as file:
            trace = Trace("" if inject else file.read())
        os.unlink(log)
        return trace, done.stdout.decode()


def search_disk(folder, pattern):
    """(path, canary) of the first file below the folder that holds one, or is called so."""
    for base, directories, names in os.walk(folder):
        for name in directories + names:
            hit = pattern.search(name.encode())
            if hit:
                return os.path.join(base, name), hit.group()
        for name in names:
            with open(os.path.join(base, name), "rb") as file:
                hit = pattern.search(file.read())
            if hit:
                return os.path.join(base, name), hit.group()
    return None


# ------------------------------------------------------------------------------------------------------------- the site

def fill_repository(site):
    with site.connect("amy") as control:
        submit(control, find_everything(site, control, PROJECT)[:STUDIES], PROJECT)
        eventually(lambda: all(one["state"] in ENDED for one in requests_of(control, PROJECT).values()), 120,
                   "the repository is filled")


def put(path, text):
    with open(path, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        file.write(text)


@contextlib.contextmanager
def downloaded(site):
    """(client, folder of a sealed download, key file, pattern of its canaries)."""
    with tempfile.TemporaryDirectory() as folder:
        client = Client(site, folder)
        key, target, plain = (os.path.join(client.home, name) for name in ("own.key", "images", "plain"))
        client.run("key", "new", key)
        trace, _ = client.run("download", "--to", target, "--all", "--key-file", key)
        exported, said = client.run("open", "export", target, "--plain", plain, "--yes", "--key-file", key)
        assert "The server has noted it." in said, said
        canaries = set()
        for path in files_below(plain):
            canaries |= canaries_of(path)
        assert len(canaries) > 50, len(canaries)
        pattern = finder(canaries)
        assert exported.search(pattern) and search_disk(plain, pattern), "the trace or the search cannot find anything"
        assert not exported.forbidden, exported.forbidden
        shutil.rmtree(plain)
        yield client, target, key, pattern, trace


def files_below(folder):
    return sorted(os.path.join(base, name) for base, _, names in os.walk(folder) for name in names)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def viewer():
    """(port, folder where it puts what comes)."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        with subprocess.Popen(["storescp", "-q", "+xa", "+B", "-od", folder, str(port)]) as receiver:
            eventually(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, 10, "a viewer")
            try:
                yield port, folder
            finally:
                receiver.terminate()


# ------------------------------------------------------------------------------------------------------------ the tests

def test_no_write_of_the_client_holds_plaintext(site):
    with downloaded(site) as (client, target, key, pattern, trace):
        traces = {"download": trace}
        for words in (("list", target, "--images"), ("attributes", target, "1"), ("attributes", target, "1", "--json"),
                      ("view", target), ("verify", target)):
            traces[words[0]], said = client.run("open", *words, "--key-file", key)
            assert said
        with viewer() as (port, received):
            traces["send"], said = client.run("open", "send", target, "VIEWER@127.0.0.1:%d" % port, "--key-file", key)
            images = [path for path in files_below(target) if re.search(r"\d\.sealed$", path)]
            assert "%d images sent" % len(images) in said and "0 refused" in said, said
            eventually(lambda: len(os.listdir(received)) == len(images), 20, "all images are with the viewer")
            assert search_disk(received, pattern)
        put(os.path.join(client.home, "pass"), PASSPHRASES[0])
        traces["key add"], _ = client.run("key", "add", target, "--passphrase-file", os.path.join(client.home, "pass"),
                                          "--with-key-file", key)
        for name, each in traces.items():
            assert each.search(pattern) is None, (name, each.search(pattern))
            assert not each.forbidden, (name, each.forbidden)
            if name in ("download", "key add"):
                assert each.content, "nothing was seen of %s" % name
        assert search_disk(client.home, pattern) is None


def test_a_killed_download_leaves_no_plaintext(site):
    with downloaded(site) as (client, target, key, pattern, _):
        for kill in ("pwrite64:signal=SIGKILL:when=7", "fsync:signal=SIGKILL:when=3", "rename:signal=SIGKILL:when=3"):
            shutil.rmtree(target)
            client.run("download", "--to", target, "--all", "--key-file", key, inject=kill)
            assert search_disk(client.home, pattern) is None, kill
        client.run("download", "--to", target, "--all", "--key-file", key)
        client.run("open", "verify", target, "--key-file", key)


def test_a_passphrase_is_the_old_or_the_new_whenever_the_change_is_killed(site):
    with downloaded(site) as (client, target, key, _, _):
        files = [os.path.join(client.home, name) for name in ("old", "new")]
        for path, passphrase in zip(files, PASSPHRASES):
            put(path, passphrase)
        client.run("key", "add", target, "--passphrase-file", files[0], "--with-key-file", key)
        ended = []
        for kill in ("ftruncate", "pwrite64", "fsync", "rename", "fsync:when=2"):
            call, _, when = kill.partition(":")
            client.run("key", "passphrase", target, "--passphrase-file", files[0], "--new-passphrase-file", files[1],
                       inject="%s:signal=SIGKILL:%s" % (call, when or "when=1"))
            works = [opens(site, target, path) for path in files]
            assert works.count(True) == 1, (kill, works)
            ended.append(works[1])
            if works[1]:
                files.reverse()
        assert ended[0] is False and ended[-1] is True, ended
        client.run("open", "verify", target, "--key-file", key)


def opens(site, target, passphrase_file):
    done = site.program("penstock", "open", "list", target, "--passphrase-file", passphrase_file)
    assert done.returncode in (OK, VERIFICATION), done
    return done.returncode == OK


def test_python_opens_for_each_holder(site):
    with downloaded(site) as (client, target, key, _, _):
        put(os.path.join(client.home, "pass"), PASSPHRASES[0])
        client.run("key", "add", target, "--passphrase-file", os.path.join(client.home, "pass"), "--with-key-file", key)
        raj = site.facts["users"]["raj"]
        client.run("key", "add", target, "--for", raj["public"], "--label", "raj", "--with-key-file", key)
        with open(raj["config"], encoding="utf-8") as file:
            own_key = json.load(file)["key_file"]
        images = len(list(SealedDownload(target, key).datasets()))
        assert images and len(list(SealedDownload(target, passphrase=PASSPHRASES[0]).datasets())) == images
        assert len(list(SealedDownload(target, own_key).datasets())) == images
        done = site.program("penstock", "open", "verify", target, "--json", user="raj")
        assert done.returncode == OK and json.loads(done.stdout)["verified"] == images, done
        for wrong, kind in (({"passphrase": PASSPHRASES[1]}, SealBroken), ({}, PenstockError)):
            try:
                SealedDownload(target, **wrong)
                raise AssertionError("opened with %s" % wrong)
            except kind:
                pass


def test_layouts_and_a_dicomdir(site):
    with downloaded(site) as (client, target, key, _, _):
        names = {}
        for layout in ("readable", "spl", "media"):
            plain = os.path.join(client.home, layout)
            more = ("--dicomdir",) if layout == "media" else ()
            client.run("open", "export", target, "--plain", plain, "--yes", "--layout", layout, "--key-file", key,
                       *more)
            names[layout] = [os.path.relpath(path, plain) for path in files_below(plain)]
        data = pydicom.dcmread(os.path.join(client.home, "readable", names["readable"][0]))
        first = names["readable"][0].split("/")
        assert first[0] == data.PatientID and first[1].startswith(data.StudyDate + "_" + data.Modality), first
        assert all(re.fullmatch(r"\w+\.MOD/[\w.-]+\.STA/\w+\.DAY/[\d.]+\.UID/-?\d+(_\d+)?\.SER/\d{6}\.dcm", name)
                   for name in names["spl"]), names["spl"]
        assert "DICOMDIR" in names["media"]
        directory = pydicom.dcmread(os.path.join(client.home, "media", "DICOMDIR"))
        entries = [record for record in directory.DirectoryRecordSequence if "ReferencedFileID" in record]
        assert len(entries) == len(names["media"]) - 1, len(entries)
        plain = os.path.join(client.home, "unsealed")
        client.run("download", "--to", plain, "--all", "--plain", "--layout", "spl")
        assert [os.path.relpath(path, plain) for path in files_below(plain)] == names["spl"]
        assert not glob.glob(os.path.join(plain, "MR"))


if __name__ == "__main__":
    with running_site() as running:
        fill_repository(running)
        code = run_tests(running, [value for name, value in list(globals().items()) if name.startswith("test_")])
    sys.exit(code)
