"""The tour of tools/demo: a researcher's job on a running site, every command shown with what it says."""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, ROOT)

from tools.site.processes import SiteError  # noqa: E402
from tools.site.running import Site, build_programs  # noqa: E402

# What somebody pastes from a spreadsheet: it dropped leading zeros and repeats a line; one patient is outside the
# cohort, one is in the cohort but unknown to every PACS, one is no record number at all.
PASTED = """\
MRN
1000001
123
1000011
2004512
12300
2004513
CQ55012
C315149
C104420
1000001
7700422
9999999
MRN*STAR
"""
COMMAND_TIMEOUT_S = 600
FINE = (0, 3)  # 3: it worked, but some lines are not what was hoped for
NOT_FOUND = (6,)


def title(number, text):
    print("\n%s\n %s. %s\n%s" % ("=" * 100, number, text, "=" * 100), flush=True)


def explain(text):
    print("\n  # " + text, flush=True)


class Tour:
    """Runs commands as users of a site and shows them."""

    def __init__(self, site, folder):
        self._site, self._folder = site, folder
        self.unexpected = []

    def path(self, name):
        return os.path.join(self._folder, name)

    def run(self, *arguments, user="amy", codes=FINE):
        """Shows and runs `penstock ARGUMENTS` as `user`; an exit code out of `codes` is remembered as a fault."""
        shown = " ".join(argument.replace(self._folder, ".") for argument in arguments)
        print("\n%s$ penstock %s" % (user, shown), flush=True)
        config = self._site.description["users"][user]["config"]
        code = subprocess.run([os.path.join(self._site.description["bin"], "penstock"), *arguments], check=False,
                              cwd=self._folder, timeout=COMMAND_TIMEOUT_S, stdin=subprocess.DEVNULL,
                              env={**os.environ, "PENSTOCK_CONFIG": config}).returncode
        if code not in codes:
            self.unexpected.append("penstock %s: exit code %d" % (shown, code))

    def shell(self, command):
        print("\namy$ " + command, flush=True)
        subprocess.run(["bash", "-c", command], check=False, cwd=self._folder, timeout=COMMAND_TIMEOUT_S)


def find(tour):
    title(1, "Who am I, and what do the archives know of my patients? One reasoned outcome a line")
    tour.run("whoami")
    tour.run("pacs", "list")
    with open(tour.path("list.csv"), "w", encoding="utf-8") as file:
        file.write(PASTED)
    tour.shell("cat list.csv")
    tour.run("patients", "find", "--mrns", "list.csv")
    tour.run("studies", "find", "--mrns", "list.csv")


def request(tour):
    title(2, "Ask for all of them and watch: scheduled (and why) -> processing -> completed")
    explain("The contract: General Hospital 1 retrieval at a time and 12 starts a minute, City Hospital 2 and 20.")
    tour.run("governor", "status")
    tour.run("request", "--mrns", "list.csv", "--watch")
    tour.run("requests", "list", "--limit", "30")


def repository(tour):
    title(3, "The repository: what the project has, and how full its quota is")
    tour.run("cache", "list")
    tour.run("cache", "usage")


def download(tour):
    title(4, "A sealed download: no name, no UID, no plaintext on the disk")
    tour.run("key", "new", "amy-download.key")
    tour.run("download", "--to", "images", "--mrn", "1000001", "--mrn", "2004512", "--key-file", "amy-download.key")
    tour.shell("find images -type f | sort | head -n 12; echo ...; find images -type f | wc -l; du -sh images")
    explain("Does anything in there say who the patients are, or look like DICOM?")
    tour.shell("grep -rlaE 'DICM|Doe\\^|Buc\\^|1000001|2004512' images | wc -l")
    tour.run("open", "list", "images", "--key-file", "amy-download.key")
    tour.run("open", "verify", "images", "--key-file", "amy-download.key")
    tour.run("key", "show", "images")
    explain("Drawn straight from the sealed file, decrypted in memory only:")
    tour.run("open", "view", "images", "--key-file", "amy-download.key", "--select", "30", "--width", "72")


def stranger(tour):
    title(5, "Raj is no member of the project: for him it does not exist")
    tour.run("--project", "alz-brain", "cache", "list", user="raj", codes=NOT_FOUND)
    tour.run("--project", "no-such-project", "cache", "list", user="raj", codes=NOT_FOUND)


def next_steps(site, stays):
    title(6, "What to try next")
    if stays:
        amy = site.description["users"]["amy"]["config"]
        print("  export PENSTOCK_CONFIG=%s PATH=%s:$PATH" % (amy, site.description["bin"]))
        print("  penstock --help;  penstock watch;  curl %s/metrics" % site.description["http"])
        print("  Kill the server in the middle of a request and start it again:")
        print("  kill -9 %d" % site.children["penstockd"].pid)
        print("  penstockd --config %s" % site.path("penstockd.toml"))
        print("  Ctrl-C stops the site.")
    else:
        print("  tools/demo --stay        the same, and the site stays for you to play with")
        print("  tools/sandbox DIR        a site of your own; DIR/site.json says where everything is")
        print("  tools/test               everything that is checked")
        print("  messages/WIRE.md         the protocol, to write a client of your own")


def tour_site(site, folder, stays):
    tour = Tour(site, folder)
    for part in (find, request, repository, download, stranger):
        part(tour)
    next_steps(site, stays)
    for fault in tour.unexpected:
        print("demo: not as expected: " + fault)
    return 1 if tour.unexpected else 0


def main():
    parser = argparse.ArgumentParser(prog="tools/demo", description=__doc__)
    parser.add_argument("--stay", action="store_true", help="the site goes on after the tour, until Ctrl-C")
    parser.add_argument("--bin", metavar="DIR", help="programs to use (default: the release build)")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)

    def say(text):
        print("demo: " + text, flush=True)

    folder = tempfile.mkdtemp(prefix="penstock-demo-")
    site = Site(os.path.join(folder, "site"), options.bin or build_programs(ROOT, say), say)
    try:
        site.start("full", os.path.join(ROOT, ".cache"))
        code = tour_site(site, folder, options.stay)
        if options.stay:
            signal.pause()
    except (SiteError, OSError, subprocess.SubprocessError) as fault:
        say(str(fault))
        code = 1
    except KeyboardInterrupt:
        code = 0 if options.stay else 130
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        say("stopping the site")
        site.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
