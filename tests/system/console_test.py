#!/usr/bin/python3
"""The console as a person has it: in a real terminal, against a real site, by keys and by the mouse."""
import contextlib
import os
import pty
import signal
import subprocess
import sys
import tempfile
import time

from harness import run_tests, running_site
from terminal import Terminal

USAGE = 2
AS_A_SHELL_LEAVES_IT = "0 0 1"
PASTED = "1000001\nC104420\n"
GREY_PATIENT = "1000001"  # others have images in colour, which have no window
PASSPHRASE = "correct horse battery staple"


@contextlib.contextmanager
def open_console(site, *flags, columns=120, rows=30, **environment):
    """A terminal in which the console runs and is connected."""
    environment["PENSTOCK_CONFIG"] = site.facts["users"]["amy"]["config"]
    terminal = Terminal(environment, columns, rows)
    try:
        terminal.run(" ".join([os.path.join(site.facts["bin"], "penstock"), "console", *flags]))
        terminal.wait_for("● live")
        yield terminal
    finally:
        terminal.close()


def expect_restored(terminal):
    terminal.wait_for("ready$")
    assert terminal.modes() == AS_A_SHELL_LEAVES_IT, terminal.modes()
    terminal.run("stty -a | grep -c ' echo '")
    terminal.wait_for("1")


def test_needs_a_terminal_and_says_so(site):
    done = site.program("penstock", "console")
    assert done.returncode == USAGE and "needs a terminal" in done.stderr, done.stderr


def test_does_not_wait_for_a_terminal_that_says_nothing(site):
    ours, theirs = pty.openpty()
    with subprocess.Popen([os.path.join(site.facts["bin"], "penstock"), "console"], stdin=theirs, stdout=theirs,
                          stderr=subprocess.PIPE, text=True,
                          env={**os.environ, "PENSTOCK_CONFIG": site.facts["users"]["amy"]["config"]}) as console:
        _, problem = console.communicate(timeout=20)
    os.close(ours)
    os.close(theirs)
    assert console.returncode == USAGE and "does not say what it can do" in problem, problem


def test_shows_requests_as_they_change(site):
    with open_console(site) as terminal:
        terminal.wait_for("Nothing was requested yet")
        asked = site.program("penstock", "request", "--mrns", "-", stdin=PASTED)
        assert asked.returncode == 0, asked.stderr
        terminal.wait_for("completed")
        terminal.wait_without("processing", 60)
        terminal.wait_without("scheduled", 60)
        terminal.press("Enter")
        terminal.wait_for("StudyInstanceUID")
        terminal.press("Escape")
        terminal.wait_without("StudyInstanceUID")


def test_writes_little_and_nothing_when_idle(site):
    with open_console(site) as terminal:
        terminal.wait_for("completed")
        time.sleep(1.5)
        before = terminal.bytes_written()
        time.sleep(1.5)
        assert terminal.bytes_written() == before
        terminal.press("Down")
        moved = terminal.bytes_written() - before
        assert 0 < moved < 1500, moved
        terminal.press("Right")
        heading = terminal.bytes_written() - before - moved
        assert 0 < heading < 500, heading


def test_filters_and_deletes_by_keys(site):
    with open_console(site) as terminal:
        terminal.press("3")
        terminal.wait_for("Quota")
        terminal.press("m")
        terminal.wait_for("Show only these patients")
        terminal.paste("C104420\n")
        terminal.wait_for("C104420")
        terminal.press("C-s")
        terminal.wait_for("1 of 1 numbers are in the repository")
        terminal.press("Space")
        terminal.wait_for("1 chosen")
        terminal.press("DC")
        terminal.wait_for("1 study of 1 patient")
        terminal.press("Enter")
        terminal.wait_without("1 study of 1 patient")
        terminal.press("DC", "Tab", "Enter")
        terminal.wait_for("1 deleted")


def test_finds_patients_and_asks_for_their_studies_by_keys(site):
    with open_console(site) as terminal:
        terminal.press("1")
        terminal.wait_for("Paste MRNs here")
        terminal.paste("name,MRN\nx,1000001\ny,C104420\nz,0000123\nw,99*\n")
        terminal.wait_for("5 lines")
        terminal.wait_for("[x] City Hospital / Radiology")
        terminal.press("C-s")
        terminal.wait_for("4 lines, 2 PACS: 3 found, 1 invalid")
        terminal.press("*", "t")
        terminal.wait_for("3 patients at 2 PACS.")
        terminal.wait_for("1 chosen row without a patient left out.")
        terminal.press("C-s")
        terminal.wait_for("3 lines, 2 PACS: 3 found")
        terminal.wait_for("cached")
        terminal.press("*", "m")
        terminal.wait_for("they are not asked for again")
        terminal.press("Right", "C-s")
        terminal.wait_for("asked for; 5 shows how they fare")
        terminal.press("f")
        terminal.wait_for("[ ] cached                4", 60)
        terminal.press("5")
        terminal.wait_for("[5 Requests]")


def test_works_by_the_mouse(site):
    with open_console(site) as terminal:
        terminal.click_on("3 Repository")
        terminal.wait_for("[3 Repository]")
        terminal.wait_for("1000001")
        terminal.click(1, 3)
        terminal.wait_for("1 chosen")
        terminal.click(5, 2)
        terminal.wait_for("Accession ▲")


def fill_in_passphrase(terminal, times):
    for _ in range(times):
        terminal.type(PASSPHRASE)
        terminal.press("Enter")


def has_plaintext(folder):
    """Whether any file in it is a DICOM file that anybody can read."""
    for base, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(base, name), "rb") as file:
                if file.read(132)[128:] == b"DICM":
                    return True
    return False


def test_takes_a_study_home_and_shows_it_by_keys(site):
    with tempfile.TemporaryDirectory() as folder, open_console(site, PENSTOCK_DOWNLOADS=folder) as terminal:
        terminal.press("3")
        terminal.wait_for("1000001")
        terminal.press("/")
        terminal.type(GREY_PATIENT)
        terminal.press("Enter", "d")
        terminal.wait_for("Download 1 study")
        terminal.press("Tab", "Tab")
        fill_in_passphrase(terminal, 2)
        terminal.wait_for("on their way")
        terminal.press("4")
        terminal.wait_for("\u2713")
        assert not has_plaintext(folder), os.listdir(folder)
        terminal.press("Enter")
        terminal.wait_for("image's own")
        terminal.wait_for("\u2580")
        terminal.press("w")
        terminal.wait_for("full range")
        terminal.press("a")
        terminal.wait_for("(0002,0010)")
        terminal.press("D")
        terminal.wait_for("deleted from this disk")
        terminal.press("y")
        terminal.wait_for("No downloads here yet")
        assert not os.listdir(folder), os.listdir(folder)


def test_does_the_whole_job_by_the_mouse(site):
    """Find, request, watch, download sealed, view, delete; what cannot be clicked is pasted."""
    with tempfile.TemporaryDirectory() as folder, open_console(site, PENSTOCK_DOWNLOADS=folder) as terminal:
        terminal.click_on("1 Patients")
        terminal.wait_for("[1 Patients]")
        terminal.click_on("n Find patients")
        terminal.wait_for("[x] General Hospital")
        terminal.paste("7700421\n")
        terminal.wait_for("1 line")
        terminal.click_on("[ Find patients ]")
        terminal.wait_for("1 line, 2 PACS: 1 found")
        terminal.click_on("t Find studies")
        terminal.wait_for("1 patient at 1 PACS")
        terminal.click_on("[ Find studies ]")
        terminal.wait_for("[2 Studies]")
        terminal.wait_for("1 line, 1 PACS: 1 found")
        terminal.click_on("m Request")
        terminal.wait_for("Priority")
        terminal.click_on("[ Request 1 study ]")
        terminal.wait_for("1 study asked for")
        terminal.click_on("5 Requests")
        terminal.wait_for("[5 Requests]")
        terminal.wait_without("scheduled", 60)
        terminal.wait_without("processing", 60)
        terminal.click_on("3 Repository")
        terminal.wait_for("7700421")
        terminal.click_on("7700421")
        terminal.click_on("d download")
        terminal.wait_for("Download 1 study")
        terminal.click_on("Passphrase  ")
        terminal.paste(PASSPHRASE)
        terminal.click_on("Once more")
        terminal.paste(PASSPHRASE)
        terminal.click_on("[ Download ]")
        terminal.wait_for("on their way")
        terminal.click_on("4 Viewer")
        terminal.wait_for("\u2713")
        terminal.click_on("alz-brain-2")
        terminal.wait_for("\u2580")
        assert not has_plaintext(folder), os.listdir(folder)
        terminal.click_on("w window")
        terminal.wait_for("full range")
        terminal.click_on(": commands")
        terminal.wait_for("Commands")
        terminal.paste("delete the download")
        terminal.wait_for("Delete the download from this disk")
        terminal.click_on("Delete the download")
        terminal.wait_for("deleted from this disk")
        terminal.click_on("[ Delete ")
        terminal.wait_for("No downloads here yet")
        assert not os.listdir(folder), os.listdir(folder)


def test_asks_for_the_passphrase_of_a_sealed_download_and_knows_a_wrong_one(site):
    with tempfile.TemporaryDirectory() as folder:
        secret = os.path.join(folder, "secret")
        with open(os.open(secret, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as file:
            file.write(PASSPHRASE)
        done = site.program("penstock", "download", "--to", os.path.join(folder, "one"), "--mrn", "1000001",
                            "--passphrase-file", secret)
        assert done.returncode == 0, done.stderr
        with open_console(site, PENSTOCK_DOWNLOADS=folder) as terminal:
            terminal.press("4")
            terminal.wait_for("one  sealed")
            terminal.press("Enter")
            terminal.wait_for("Open a sealed download")
            terminal.type("not this one")
            assert "not this one" not in terminal.screen()
            terminal.press("Enter")
            terminal.wait_for("does not open the download")
            fill_in_passphrase(terminal, 1)
            terminal.wait_for("image's own")


def test_asks_before_it_leaves_a_download_that_can_be_resumed(site):
    with tempfile.TemporaryDirectory() as folder, open_console(site, PENSTOCK_DOWNLOADS=folder) as terminal:
        terminal.press("3")
        terminal.wait_for("1000001")
        os.kill(site.server_pid, signal.SIGSTOP)
        try:
            terminal.press("d")
            terminal.wait_for("Download 1 study")
            terminal.press("Tab", "Tab")
            fill_in_passphrase(terminal, 2)
            terminal.wait_for("1 transfer under way")
            terminal.press("q")
            terminal.wait_for("Leave the console")
            terminal.press("y")
            expect_restored(terminal)
        finally:
            os.kill(site.server_pid, signal.SIGCONT)


def test_is_told_that_a_window_is_too_small(site):
    with open_console(site) as terminal:
        terminal.resize(60, 15)
        terminal.wait_for("60x15, it needs 80x24.")
        terminal.resize(100, 30)
        terminal.wait_for("5 Requests")


def test_uses_no_colour_without_one(site):
    with open_console(site, NO_COLOR="1") as terminal:
        assert b"\x1b[0;38" not in terminal.written() and b";48;" not in terminal.written()


def test_restores_the_terminal_after_every_exit(site):
    with open_console(site) as terminal:
        assert terminal.modes() == "1 1 0", terminal.modes()
        terminal.press("q")
        expect_restored(terminal)
    for number in (signal.SIGTERM, signal.SIGSEGV):
        with open_console(site) as terminal:
            os.kill(terminal.program_pid("penstock"), number)
            expect_restored(terminal)


def test_goes_to_the_shell_and_comes_back(site):
    with open_console(site) as terminal:
        terminal.press("C-z")
        terminal.wait_for("ready$")
        assert terminal.modes() == AS_A_SHELL_LEAVES_IT, terminal.modes()
        terminal.run("fg")
        terminal.wait_for("● live")
        terminal.press("?")
        terminal.wait_for("Keys of this place")


def test_says_that_the_server_is_away_and_finds_it_again(site):
    with open_console(site) as terminal:
        site.kill_server()
        terminal.wait_for("✗ as of")
        site.start_server()
        terminal.wait_for("● live", 40)
        terminal.wait_for("completed")


if __name__ == "__main__":
    with running_site() as running:
        code = run_tests(running, [value for name, value in list(globals().items()) if name.startswith("test_")])
    sys.exit(code)
