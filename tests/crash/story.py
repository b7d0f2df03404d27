"""One site from its first start to its end: what happens to it, and what must be true then."""
import errno
import itertools
import random
import time
import uuid

from crash_site import GENERAL, PROJECT, STUDIES, USER, CrashSite  # first: it knows where the others lie
from clients import CLIENTS, Gate, History, Listener, Operation, Researcher
from disk import AFTER, BEFORE
from oracle import Journal, Oracle, Violation, check_contract, moves_of
from protocol import NoAnswer, Refused

# Where the server dies: what it was doing, and about how often it does that in a second of work.
POINTS = [("write", "core-wal", 60), ("sync", "core-wal", 60), ("write", "core-manifest", 10),
          ("sync", "core-manifest", 4), ("rename", "core-current", 2), ("sync", "core-current", 2),
          ("rename", "core-other", 2), ("unlink", "core-manifest", 2), ("unlink", "core-wal", 2),
          ("open", "core-wal", 2), ("sync", "core-table", 3), ("write", "fence", 3), ("sync", "fence", 3),
          ("rename", "fence", 3), ("open", "incoming-pack", 6), ("sync", "incoming-pack", 4),
          ("rename", "settled-pack", 4), ("unlink", "settled-pack", 3), ("write", "catalogue-wal", 4),
          ("sync", "catalogue-wal", 4), ("sync", "catalogue-other", 8), ("rename", "catalogue-other", 4),
          ("sync", "directory", 30), ("mkdir", "directory", 20), ("send", "child", 40)]
KILLS_OF_A_SITE = 50
SHORTEST_LIFE_S, LONGEST_LIFE_S, LONG_LIFE_S = 0.05, 0.9, 2.6
FIRST_LIFE_S, POINT_WITHIN_S = 4.5, 1.3
LIVENESS_S = 60
JOURNAL_FAILED = 5
RECOVERY_REQUESTS, RECOVERED_WITHIN_S = 100_000, 5
FAILING, FETCHED_WITHIN_S = ("write", "sync", "open"), 6


def how_it_took_it(code):
    return "it went on" if code is None else "ended with %d" % code


class Story:
    """One site from its first start to its end; its choices follow from its seed."""

    def __init__(self, run, seed):
        self.run, self.seed, self.dice = run, seed, random.Random(seed)
        self.limits = {"concurrent": self.dice.randint(1, 4), "per_minute": self.dice.choice((12, 60, 600))}
        self.gate, self.history = Gate(), History()
        self.oracle = Oracle(self.history, run.held)
        self.happened, self.clients = [], []

    def tell(self):
        """Plays until the site had its share of crashes; then everything has to end well."""
        with CrashSite(self.run.options.bin, self.limits, self.dice.randint(1, 1 << 30)) as self.site:
            self._start_clients()
            try:
                self._start()
                for _ in range(KILLS_OF_A_SITE):
                    self._crash()
                    if self.run.is_over():
                        break
                self._end_well()
            except AssertionError:
                self.keep_evidence()
                raise
            finally:
                self.gate.end()
                for client in self.clients:
                    client.join(20)

    def _start_clients(self):
        self.clients = [Researcher(number, self.site, self.gate, self.history, self.run.held, self.seed)
                        for number in range(CLIENTS)] + [Listener(self.site, self.gate, self.history, self.seed)]
        for client in self.clients:
            client.start()

    def _start(self):
        self.site.launch()
        seconds = self.site.wait_until_ready()
        if seconds is None:
            return False
        self.run.starts.append(seconds)
        self.gate.raise_()
        return True

    def _crash(self):
        mode = self.run.options.mode
        kind = self.dice.choice(("kill", "kill", "power", "point", "point", "error")) if mode == "mixed" else mode
        getattr(self, "_" + kind)()
        self.site.memory.disarm()
        self.run.count(kind)
        self._check()
        check_contract(moves_of(self.site.pacs.log()), self.limits)
        if not self._start():
            raise Violation("17 liveness: the server does not start: %s" % self.site.said()[-1500:])

    def _live(self):
        """One of four lives is long enough for retrievals: the governor starts none in its first second. The first one
        is, since what was forgotten when the site was made is lost at the first power cut."""
        if not self.happened:
            time.sleep(FIRST_LIFE_S)
            return
        long_one = self.dice.random() < 0.25
        time.sleep(self.dice.uniform(LONGEST_LIFE_S, LONG_LIFE_S) if long_one
                   else self.dice.uniform(SHORTEST_LIFE_S, LONGEST_LIFE_S))

    def _note(self, text):
        self.happened.append(text)
        if self.run.options.verbose:
            print("   %6.1f s  %s" % (time.monotonic() - self.run.began, text), flush=True)

    def _kill(self):
        self._live()
        self.gate.lower()
        self.site.kill()
        self._note("kill")

    def _power(self):
        self._live()
        self._lose_power()

    def _lose_power(self):
        everything, tear = self.dice.random() < 0.6 or not self.happened, self.dice.random() < 0.3
        self.gate.lower()
        self.site.kill_all()
        self.site.disk.follow()
        lost = self.site.disk.unsynced()
        # A torn end may look like damage, after which the governor assumes the worst for a minute and more.
        self.site.cut_power(None if everything else self.dice, tear and self.limits["per_minute"] > 60)
        self._note("power cut, %s: %d bytes and %d entries were not synced" %
                   ("all gone" if everything else "a part gone", *lost))

    def _point(self):
        """Half of the points are armed before a start, where much of what is seldom done is done."""
        call, of, often = self.dice.choice(POINTS)
        when, nth = self.dice.choice((BEFORE, AFTER)), self.dice.randint(1, often)
        if self.dice.random() < 0.5:
            self.gate.lower()
            self.site.kill()
        self.site.memory.arm_point(when, call, of, nth)
        if self.site.process.poll() is not None:
            self._start()
        self._wait_for_end(POINT_WITHIN_S)
        reached = self.site.process.poll() is not None
        self.gate.lower()
        self.site.kill()
        self._note("%s %s %s %d%s" % ("before" if when == BEFORE else "after", call, of, nth,
                                     "" if reached else ", not reached"))
        if self.dice.random() < 0.5:
            self._lose_power()

    def _wait_for_end(self, seconds):
        end = time.monotonic() + seconds
        while self.site.process.poll() is None and time.monotonic() < end:
            time.sleep(0.01)

    def _error(self):
        error = self.dice.choice((errno.EIO, errno.ENOSPC))
        calls = self.dice.choice((("write",), ("sync",), ("open",), ("write", "sync", "open", "rename", "unlink")))
        nth = self.dice.randint(1, 60)
        self.site.memory.arm_failure(error, calls, nth)
        self._live()
        self._wait_for_end(0.5)
        code = self.site.process.poll()
        self.gate.lower()
        if code is None:
            self.site.kill()
        elif code not in (JOURNAL_FAILED, 1, 3):
            raise Violation("17 liveness: %s on %s %d ended the server with %s: %s" %
                            (errno.errorcode[error], calls, nth, code, self.site.said()[-1500:]))
        self.site.kill()
        self._note("%s on %s %d, %s: %s" % (errno.errorcode[error], "/".join(calls), nth, self.site.memory.failed(),
                                           how_it_took_it(code)))

    def _check(self):
        journal = Journal(self.site.read_journal())
        self.oracle.check(journal, moves_of(self.site.pacs.log()), self.site.state,
                          "power" in self.happened[-1])
        self.run.checked_entries += len(journal.entries)
        return journal

    # ----------------------------------------------------------------------------------------------------- the end

    def _end_well(self):
        """Faults are off and limits are wide: what may complete completes in bounded time, and then all is tidy."""
        moves = moves_of(self.site.pacs.log())
        check_contract(moves, self.limits)
        self.gate.end()
        for client in self.clients:
            client.join(30)
        self._note("the end begins")
        self.site.stop_pacs_faults()
        self.limits = {"concurrent": 6, "per_minute": 6000}
        digest = self.site.set_limits(self.limits)
        with self.site.connect("ada") as ada:
            ada.ask("governance.reload", {}, op="hurry-" + uuid.uuid4().hex)
            in_force = ada.ask("governance.show")["sha256"]
            if in_force != digest:
                raise Violation("15 rules: %s is in force, not %s" % (in_force, digest))
        with self.site.connect(USER) as control:
            self._wait_until_all_completed(control)
            usage = control.ask("cache.usage", {}, PROJECT)
        self._note("power cut, after a stop")
        self.site.process.terminate()
        code = self.site.process.wait(60)
        if code != 0:
            raise Violation("17 liveness: the server stopped with %s" % code)
        self.site.disk.follow()
        self.site.cut_power(None)
        journal = self._check()
        self.oracle.check_end(journal, usage, self.site.state)
        self.run.moves += len(moves)
        self.run.answers += self.history.answers
        self.run.repeated += self.history.repeated
        self.run.downloads += self.history.downloads

    def _wait_until_all_completed(self, control):
        end, again = time.monotonic() + LIVENESS_S, 0
        while True:
            listed = control.all_pages("requests.list", {"filter": {}}, "requests", PROJECT)
            left = [each for each in listed if each["state"] in ("scheduled", "processing")]
            if not left:
                return
            if time.monotonic() > end:
                raise Violation("17 liveness: after %d s %s" % (LIVENESS_S, [
                    (each["id"], each["state"], each["reason"], each["error"]) for each in left[:5]]))
            if time.monotonic() > again:
                again = time.monotonic() + 2
                self._hurry(control, left)
            time.sleep(0.1)

    def _hurry(self, control, left):
        """Whoever waits for the next rung of a ladder is made eligible by hand."""
        ids = [each["id"] for each in left if "again" in each["reason"] or "retry" in each["reason"]]
        for command in ("requests.cancel", "requests.retry") if ids else ():
            operation = Operation("hurry-%s" % uuid.uuid4().hex, command, {"requests": ids})
            self.history.invoke(operation)
            self.history.acknowledge(operation, control.ask(command, operation.args, PROJECT, op=operation.name))

    def fail_every_call(self):
        """One study is asked for and fetched while the first call to the disk fails, then the second, and so on."""
        self.limits = {"concurrent": 4, "per_minute": 600}
        with CrashSite(self.run.options.bin, self.limits, 1) as self.site:
            self.site.stop_pacs_faults()
            studies = itertools.cycle(sorted(STUDIES))
            for nth in itertools.count(1):
                error = (errno.EIO, errno.ENOSPC)[nth % 2]
                if not self._start():
                    raise Violation("17 liveness: the server does not start: %s" % self.site.said()[-1500:])
                self.site.memory.arm_failure(error, FAILING, nth)
                code = self._fetch_one(next(studies))
                passed = self.site.memory.failures_passed()
                self.site.memory.disarm()
                self.site.kill()
                self._note("call %d, %s: %s" % (nth, self.site.memory.failed(), how_it_took_it(code)))
                self.run.count("error")
                self._check()
                if passed < nth:
                    break
            self._start()
            self._end_well()

    def _fetch_one(self, study):
        """Until it is there, failed or waits for another try, or the server has ended; its exit code then."""
        operation = Operation("every-%s" % uuid.uuid4().hex, "requests.submit",
                              {"items": [{"pacs": GENERAL, "StudyInstanceUID": study}]})
        self.history.invoke(operation)
        end = time.monotonic() + FETCHED_WITHIN_S
        with self.site.connect(USER) as control:
            try:
                self.history.acknowledge(operation, control.ask(operation.command, operation.args, PROJECT,
                                                                op=operation.name, timeout_s=1))
                while time.monotonic() < end and self.site.process.poll() is None:
                    listed = control.ask("requests.list", {"filter": {}}, PROJECT, timeout_s=1)["requests"]
                    mine = [each for each in listed if each["StudyInstanceUID"] == study]
                    if mine and all(each["state"] not in ("scheduled", "processing") or each["attempts"] > 0
                                    for each in mine):
                        break
                    time.sleep(0.05)
            except (NoAnswer, Refused):
                self._wait_for_end(1)
        code = self.site.process.poll()
        if code not in (None, JOURNAL_FAILED, 1):
            raise Violation("17 liveness: a failing call ended the server with %s: %s" %
                            (code, self.site.said()[-1500:]))
        return code

    def list_points(self):
        """What a server does in a few seconds of work and at a start, by name."""
        with CrashSite(self.run.options.bin, {"concurrent": 4, "per_minute": 600}, 1) as self.site:
            self._start_clients()
            for _ in range(2):
                self._start()
                time.sleep(LONG_LIFE_S)
                self.gate.lower()
                self.site.kill()
            self.gate.end()
            for (call, of), count in sorted(self.site.memory.made().items()):
                mark = "*" if any((call, of) == each[:2] for each in POINTS) else " "
                print(" %s before|after %-9s %-16s %6d" % (mark, call, of, count))
            print(" * = mode point dies there")

    def recover_from_many(self):
        """As many queued requests as anybody will have; then a kill."""
        with CrashSite(self.run.options.bin, self.limits, 1) as self.site:
            self._start()
            with self.site.connect(USER) as control:
                for _ in range(RECOVERY_REQUESTS // 1000):
                    self.site.submit(control, 1000, 60)
            self.site.kill_all()
            self.site.cut_power(None)
            self.site.launch()
            seconds = self.site.wait_until_ready()
            with self.site.connect(USER) as control:
                began = time.monotonic()
                self.site.submit(control, 1, 60)
                acts = seconds + time.monotonic() - began
                began = time.monotonic()
                total = control.ask("requests.list", {"filter": {}, "limit": 1}, PROJECT, timeout_s=60)["total"] - 1
                listed = time.monotonic() - began
            print("   %d requests: ready after %.2f s, a change is answered after %.2f s; a listing of all takes %.2f s"
                  % (total, seconds, acts, listed))
            self.run.count("recovery")
            if total != RECOVERY_REQUESTS or acts > RECOVERED_WITHIN_S:
                raise Violation("16 recovery: %d requests, %.2f s" % (total, acts))

    def keep_evidence(self):
        """What happened, for whoever looks into it."""
        print("   what happened: %s" % "; ".join(self.happened[-12:]))
        print("   the last words of the server:\n%s" % "\n".join(self.site.said().splitlines()[-12:]))
