#!/usr/bin/python3
"""`penstock pull` does the whole job in one command, and goes on with it after Ctrl-C, a kill and a new server."""
import contextlib
import json
import os
import signal
import sys
import tempfile

from harness import eventually, run_tests, running_site

OK, FAILED, USAGE, NOT_EVERYTHING, VERIFICATION, UNREACHABLE, NOT_FOUND, INTERRUPTED = range(8)
RECORD = "penstock-pull.json"


def run(site, *arguments, code=OK, **more):
    done = site.program("penstock", *arguments, **more)
    assert done.returncode == code, "%s: exit code %d\n%s%s" % (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout + done.stderr


@contextlib.contextmanager
def home(site):
    """A folder to pull into, and a key file."""
    with tempfile.TemporaryDirectory() as folder:
        key = os.path.join(folder, "download.key")
        run(site, "key", "new", key)
        yield os.path.join(folder, "images"), key


def mrns_of(site, pacs, first, last):
    """MRNs at one PACS of some of the patients that the project may ask for."""
    found = []
    for patient, _, where in site.studies():
        mrn = patient["mrns"][pacs]["mrn"] if where == pacs else None
        if mrn and mrn not in found and mrn not in ("MRN*STAR",):
            found.append(mrn)
    return found[first:last]


def check_home(site, target, key):
    """Every batch is whole and verifies; the record names no patient and no study."""
    batches = sorted(name for name in os.listdir(target) if name != RECORD)
    assert batches, os.listdir(target)
    for name in batches:
        run(site, "open", "verify", os.path.join(target, name), "--key-file", key)
    with open(os.path.join(target, RECORD), encoding="utf-8") as file:
        record = file.read()
    for patient, study, _ in site.studies():
        for word in (study["StudyInstanceUID"], patient["PatientName"],
                     *(known["mrn"] for known in patient["mrns"].values())):
            assert len(word) < 6 or word not in record, word
    return json.loads(record)


def test_it_asks_first_and_refuses_to_guess_without_a_terminal(site):
    with home(site) as (target, key):
        said = run(site, "pull", "C104420", "--to", target, "--key-file", key, code=USAGE, start_new_session=True)
        assert "--yes" in said and "studies to fetch" in said.replace("study", "studies"), said
        assert "ch-rad" in said and "of the quota are free" in said and not os.path.exists(target), said


def test_one_command_brings_everything_home(site):
    with home(site) as (target, key):
        said = run(site, "pull", "C104420", "9999999", "--to", target, "--key-file", key, "--yes",
                   code=NOT_EVERYTHING)
        assert "1 found" in said and "1 not_found" in said and "read back and verified" in said, said
        record = check_home(site, target, key)
        assert record["done"] and record["lines"] == {"found": 1, "not_found": 1}, record
        assert "holds a pull already" in run(site, "pull", "C104420", "--to", target, "--key-file", key, "--yes",
                                             code=FAILED)
        run(site, "pull", "--resume", target, "--key-file", key, code=NOT_EVERYTHING)


def test_studies_that_are_here_already_come_home_too(site):
    with home(site) as (target, key):
        done = site.program("penstock", "pull", "C104420", "--to", target, "--key-file", key, "--yes", "--json")
        assert done.returncode == OK, done.stderr
        end = json.loads(done.stdout)
        assert end["complete"] and end["asked"] == {"already_cached": 1} and end["images"] > 0, end
        check_home(site, target, key)


def started_pull(site, target, key, mrns):
    """A pull that has asked for its studies and has none of them home."""
    client = site.start_program("penstock", "pull", *mrns, "--to", target, "--key-file", key, "--yes")
    record = os.path.join(target, RECORD)

    def asked():
        assert client.poll() is None, client.communicate()
        if not os.path.exists(record):
            return False
        with open(record, encoding="utf-8") as file:
            return json.load(file)["requests"]
    eventually(asked, 30, "requests in " + RECORD)
    return client


def test_ctrl_c_detaches_and_resume_goes_on(site):
    with home(site) as (target, key):
        site_mrns = mrns_of(site, "gh-rad", 0, 3)
        client = started_pull(site, target, key, site_mrns)
        client.send_signal(signal.SIGINT)
        out, err = client.communicate(timeout=30)
        assert client.returncode in (INTERRUPTED, OK), (client.returncode, out, err)
        assert client.returncode == OK or "penstock pull --resume " + target in out, (out, err)
        run(site, "pull", "--resume", target, "--key-file", key, timeout_s=180)
        check_home(site, target, key)


def test_a_killed_pull_and_a_new_server_lose_nothing(site):
    with home(site) as (target, key):
        client = started_pull(site, target, key, mrns_of(site, "ch-rad", 1, 5))
        client.kill()
        client.communicate()
        site.kill_server()
        run(site, "pull", "--resume", target, "--key-file", key, code=UNREACHABLE)
        site.start_server()
        run(site, "pull", "--resume", target, "--key-file", key, timeout_s=180)
        check_home(site, target, key)


def test_a_kill_before_the_answer_was_noted_costs_nothing(site):
    with home(site) as (target, key):
        run(site, "pull", "C104420", "--to", target, "--key-file", key, "--yes")
        path = os.path.join(target, RECORD)
        with open(path, encoding="utf-8") as file:
            record = json.load(file)
        record["submitted"][0]["answered"] = False
        record.update(requests=[], done=False)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(record, file)
        run(site, "pull", "--resume", target, "--key-file", key)


if __name__ == "__main__":
    with running_site() as running:
        code = run_tests(running, [value for name, value in list(globals().items()) if name.startswith("test_")])
    sys.exit(code)
