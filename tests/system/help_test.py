#!/usr/bin/python3
"""What helps people at the command line: `penstock doctor` in broken set-ups, completion in a shell, manual pages."""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile

import zmq

from harness import ROOT, run_tests, running_site

OK, FAILED, USAGE, NOT_EVERYTHING, VERIFICATION, UNREACHABLE = range(6)
SHELL_TIMEOUT_S = 60


def settings_of(site, user="amy"):
    with open(site.facts["users"][user]["config"], encoding="utf-8") as file:
        return json.load(file)


def doctor(site, code, change=None, environment=None, arguments=()):
    """What the doctor says of amy's set-up after a change: {subject: check}."""
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_of(site)
        for name, value in (change or {}).items():
            settings[name] = value(folder, settings) if callable(value) else value
        path = os.path.join(folder, "config.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(settings, file)
        command = [os.path.join(site.facts["bin"], "penstock"), "doctor", "--json", "--timeout", "2", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False,
                              env={**os.environ, "PENSTOCK_CONFIG": path, **(environment or {})})
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    checks = {check["subject"]: check for check in json.loads(done.stdout)["checks"]}
    for check in checks.values():
        assert check["verdict"] == "ok" or check["advice"], check
    return checks


def copied_key(mode, text=None):
    def copy(folder, settings):
        path = os.path.join(folder, "key")
        with open(settings["key_file"], encoding="utf-8") as file:
            content = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text or content)
        os.chmod(path, mode)
        return path
    return copy


def bad(checks, subject, *words):
    assert checks[subject]["verdict"] == "bad", checks
    said = checks[subject]["text"] + checks[subject]["advice"]
    for word in words:
        assert word in said, "no '%s' in: %s" % (word, said)


def test_the_doctor_finds_a_good_set_up_in_order(site):
    checks = doctor(site, NOT_EVERYTHING)  # amy has a project that has expired
    assert checks["clock"]["text"] == "agrees with the server's", checks
    troubled = {name for name, check in checks.items() if check["verdict"] != "ok"}
    assert troubled - {"disk"} == {"project old-study"}, checks


def test_the_doctor_says_that_no_server_answers(site):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        checks = doctor(site, UNREACHABLE, {"server": "tcp://127.0.0.1:%d" % unused.getsockname()[1]})
    bad(checks, "server", "nothing answers", "firewall")


def test_the_doctor_sees_a_wrong_server_key(site):
    bad(doctor(site, UNREACHABLE, {"server_key": zmq.curve_keypair()[0].decode()}), "server", "server_key")


def test_the_doctor_sees_a_key_that_the_server_does_not_know(site):
    stranger = "public %s\nsecret %s\n" % tuple(part.decode() for part in zmq.curve_keypair())
    bad(doctor(site, FAILED, {"key_file": copied_key(0o600, stranger)}), "server", "does not know this key")


def test_the_doctor_sees_an_open_a_missing_and_a_broken_key_file(site):
    bad(doctor(site, FAILED, {"key_file": copied_key(0o644)}), "key", "chmod 600")
    bad(doctor(site, FAILED, {"key_file": "/nowhere/key"}), "key", "penstock keygen")
    bad(doctor(site, FAILED, {"key_file": copied_key(0o600, "nonsense\n")}), "key", "copy that you kept")


def test_the_doctor_sees_settings_that_are_missing_or_wrong(site):
    bad(doctor(site, FAILED, {"server": "nowhere"}), "settings", "tcp://host:port")
    bad(doctor(site, FAILED, environment={"PENSTOCK_CONFIG": "/nowhere.json"}), "settings", "PENSTOCK_CONFIG")


def test_the_doctor_sees_a_project_of_others_and_a_place_without_room(site):
    bad(doctor(site, FAILED, {"project": "knee-mri"}), "project knee-mri", "no member")
    bad(doctor(site, FAILED, arguments=("--to", "/proc")), "disk", "--to")


def shell_environment(site, config=None):
    return {**os.environ, "PATH": site.facts["bin"] + ":" + os.environ["PATH"],
            "PENSTOCK_CONFIG": config or site.facts["users"]["amy"]["config"]}


def completed(site, line, config=None):
    """What bash offers for a command line."""
    script = """source <(penstock completion bash)
COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _penstock; printf '%%s\\n' "${COMPREPLY[@]}"
""" % line
    done = subprocess.run(["bash", "--norc", "-c", script], capture_output=True, text=True, timeout=SHELL_TIMEOUT_S,
                          check=True, env=shell_environment(site, config))
    assert not done.stderr, done.stderr
    return done.stdout.split()


def test_bash_completes_commands_options_files_and_ids_of_the_server(site):
    assert completed(site, "penstock req") == ["request", "requests"]
    assert "--where" in completed(site, "penstock cache list --")
    assert completed(site, "penstock --project ''") == ["alz-brain", "old-study"]
    assert completed(site, "penstock pacs echo ''") == ["ch-rad", "gh-rad"]
    assert completed(site, "penstock studies find --mrns /etc/host") == subprocess.run(
        ["bash", "-c", "compgen -f /etc/host"], capture_output=True, text=True, check=True).stdout.split()
    site.program("penstock", "request", "C104420")
    assert completed(site, "penstock requests show ''") == ["1"]
    assert completed(site, "penstock --project old-study requests cancel ''") == []


def test_completion_is_silent_and_quick_without_a_server(site):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as config:
        json.dump({**settings_of(site), "server": "tcp://127.0.0.1:1"}, config)
        config.flush()
        assert completed(site, "penstock requests show ''", config.name) == []


def test_zsh_and_fish_take_their_scripts(site):
    for shell in ("zsh", "fish"):
        script = site.program("penstock", "completion", shell).stdout
        assert "__complete" in script
        if shutil.which(shell):
            subprocess.run([shell, "-n"], input=script, text=True, check=True, timeout=SHELL_TIMEOUT_S)
    if shutil.which("fish"):
        script = "penstock completion fish | source; complete -C 'penstock req'"
        done = subprocess.run(["fish", "--no-config", "-c", script], capture_output=True, text=True, check=True,
                              timeout=SHELL_TIMEOUT_S, env=shell_environment(site))
        assert done.stdout.split() == ["request", "requests"], done


def pages(site, folder):
    """The three manual pages, as they are installed."""
    made = {"penstock.1": site.program("penstock", "__manual").stdout}
    made["penstock-governance.5"] = subprocess.run(
        [os.path.join(ROOT, "tools", "manual", "governance_page.py"), os.path.join(ROOT, "conf", "governance.toml")],
        capture_output=True, text=True, check=True).stdout
    with open(os.path.join(ROOT, "tools", "manual", "penstockd.8"), encoding="utf-8") as file:
        made["penstockd.8"] = file.read()
    for name, text in made.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    return made


def test_the_manual_pages_are_sound(site):
    with tempfile.TemporaryDirectory() as folder:
        for name in pages(site, folder):
            done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", os.path.join(folder, name)],
                                  capture_output=True, text=True, check=False, timeout=SHELL_TIMEOUT_S,
                                  env={**os.environ, "MANWIDTH": "100", "LC_ALL": "C.UTF-8", "MANPAGER": "cat"})
            assert done.returncode == 0 and not done.stderr, (name, done.stderr)
            if shutil.which("mandoc"):
                linted = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", os.path.join(folder, name)],
                                        capture_output=True, text=True, check=False, timeout=SHELL_TIMEOUT_S)
                assert linted.returncode == 0, (name, linted.stdout)
            for section in ("NAME", "SEE ALSO"):
                assert section in done.stdout, (name, section)


def test_the_server_page_has_every_option(site):
    with tempfile.TemporaryDirectory() as folder:
        page = pages(site, folder)["penstockd.8"].replace("\\-", "-")
    for words in ([], ["restore"], ["backups"]):
        for word in site.program("penstockd", *words, "--help").stdout.split():
            name = word.split(",")[-1].split("=")[0]
            assert not name.startswith("--") or name == "--help" or name in page, name


if __name__ == "__main__":
    with running_site() as running:
        code = run_tests(running, [value for name, value in list(globals().items()) if name.startswith("test_")])
    sys.exit(code)
