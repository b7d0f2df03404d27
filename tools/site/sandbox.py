"""Starts a complete Penstock site on the loopback interface and stops it on SIGTERM or Ctrl-C.

  tools/sandbox DIR [--scale small|full] [--again] [--bin DIR]

Two real PACS with a corpus of invented patients, penstockd, four users and three projects; all state lies under DIR.
DIR/site.json is there while the site is ready and says where everything is: endpoints, keys, PACS, corpus, process ids.
A penstockd that was killed is started again by hand with `penstockd --config DIR/penstockd.toml`. Stopping leaves DIR.
"""
import argparse
import os
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, ROOT)

from tools.site.processes import SiteError  # noqa: E402
from tools.site.running import Site, build_programs  # noqa: E402

WATCH_INTERVAL_S = 0.5
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def say(text):
    print("sandbox: " + text, flush=True)


def tell_how_to_use(site):
    amy = site.description["users"]["amy"]["config"]
    say("try:  export PENSTOCK_CONFIG=%s PATH=%s:$PATH" % (amy, site.description["bin"]))
    say("      penstock whoami        (amy, raj, ada and uma have a .json there)")
    say("stop: Ctrl-C or kill %d;  logs: %s" % (os.getpid(), site.path("log")))


def watch(site):
    """Reports children that end, until a signal."""
    while True:
        time.sleep(WATCH_INTERVAL_S)
        for name, code in site.ended().items():
            say("%s ended with code %s (log: %s)" % (name, code, site.path("log", name + ".log")))
            if name == "penstockd":
                say("start it again with: %s --config %s" % (os.path.join(site.description["bin"], "penstockd"),
                                                             site.path("penstockd.toml")))


def run(site, options):
    """Starts the site and waits; the exit code."""
    try:
        if options.again:
            site.start_again()
        else:
            site.start(options.scale, os.path.join(ROOT, ".cache"))
        tell_how_to_use(site)
        watch(site)
    except (SiteError, OSError) as fault:
        say(str(fault))
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        say("stopping")
        site.stop()


def main():
    parser = argparse.ArgumentParser(prog="tools/sandbox", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", metavar="DIR", help="an empty or new folder for all state")
    parser.add_argument("--scale", choices=("small", "full"), default="full", help="size of the corpus (default: full)")
    parser.add_argument("--again", action="store_true", help="DIR holds a site that was stopped: go on with its state")
    parser.add_argument("--bin", metavar="DIR", help="programs to use (default: the release build, made when missing)")
    options = parser.parse_args()
    for number in STOP_SIGNALS:
        signal.signal(number, signal.default_int_handler)
    try:
        programs = options.bin or build_programs(ROOT, say)
    except (KeyboardInterrupt, subprocess.CalledProcessError):
        return 1
    return run(Site(options.folder, programs, say), options)


if __name__ == "__main__":
    sys.exit(main())
