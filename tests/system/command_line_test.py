#!/usr/bin/python3
"""The researcher's program `penstock` from key to picture: what it prints, exit codes, what it leaves on the disk."""
import json
import os
import re
import sys
import tempfile

from harness import run_tests, running_site

OK, FAILED, USAGE, NOT_EVERYTHING, VERIFICATION, UNREACHABLE, NOT_FOUND = range(7)
PASTED = "MRN\n1000001\nC104420\n123\n1000001\n7700422\n9999999\nMRN*STAR\n"
OUTCOMES = ["found", "found", "found", "duplicate", "not_permitted", "not_found", "invalid"]


def run(site, *arguments, code=OK, **more):
    """Runs penstock and expects an exit code; what it printed."""
    done = site.program("penstock", *arguments, **more)
    assert done.returncode == code, "%s: exit code %d\n%s%s" % (arguments, done.returncode, done.stdout, done.stderr)
    return done.stdout


def run_json(site, *arguments, **more):
    return json.loads(run(site, *arguments, "--json", **more))


def test_says_who_one_is(site):
    assert "amy" in run(site, "whoami")
    assert run_json(site, "whoami")["user"] == "amy"


def test_every_command_explains_itself(site):
    words = re.findall(r"^  ([a-z]+) ", run(site, "--help"), re.MULTILINE)
    assert {"patients", "studies", "request", "watch", "cache", "download", "open"} <= set(words), words
    for word in words:
        assert len(run(site, word, "--help")) > 60, word


def test_finds_patients_of_a_pasted_list(site):
    found = run_json(site, "patients", "find", "--mrns", "-", stdin=PASTED, code=NOT_EVERYTHING)
    assert [row["outcome"] for row in found["rows"]] == OUTCOMES, found["rows"]
    shown = run(site, "patients", "find", "--mrns", "-", stdin=PASTED, code=NOT_EVERYTHING)
    assert "Doe" in shown and "MRN*STAR" in shown, shown


def test_requests_studies_and_watches_them_complete(site):
    shown = run(site, "request", "--mrns", "-", "--watch", stdin=PASTED, code=NOT_EVERYTHING, timeout_s=180)
    assert "completed" in shown, shown
    requests = run_json(site, "requests", "list")["requests"]
    assert requests and {request["state"] for request in requests} == {"completed"}, requests


def test_lists_the_repository_and_the_quota(site):
    items = run_json(site, "cache", "list")["items"]
    assert items and all(item["bytes"] > 0 for item in items), items
    shown = run(site, "cache", "list")
    for mrn in {item["PatientID"] for item in items}:
        assert mrn in shown, shown
    assert run_json(site, "cache", "usage")["studies"] == len(items)


def files_below(folder):
    return [os.path.join(base, name) for base, _, names in os.walk(folder) for name in names]


def sealed_download(site, folder):
    """A fresh sealed download of everything the project has: (folder, key file)."""
    key, target = os.path.join(folder, "download.key"), os.path.join(folder, "images")
    run(site, "key", "new", key)
    run(site, "download", "--to", target, "--all", "--key-file", key)
    return target, key


def test_a_sealed_download_leaves_no_plaintext_and_opens(site):
    with tempfile.TemporaryDirectory() as folder:
        target, key = sealed_download(site, folder)
        names = [os.path.relpath(path, target) for path in files_below(target)]
        sealed = [name for name in names if name not in ("penstock-download.json", "index.sealed")]
        assert sealed and all(re.fullmatch(r"\d{4}/\d{4}/\d{6}\.sealed", name) for name in sealed), names
        # Shorter words would turn up in random bytes now and then.
        secrets = [word.encode() for patient, study, _ in site.studies()
                   for word in (study["StudyInstanceUID"], patient["PatientName"], "\0\0\0\0DICM")]
        for path in files_below(target):
            with open(path, "rb") as file:
                content = file.read()
            assert not [secret for secret in secrets if len(secret) > 6 and secret in content], path
        verified = run_json(site, "open", "verify", target, "--key-file", key)
        assert verified["verified"] == len(sealed) and not verified["faults"], verified
        assert "Patient" in run(site, "open", "list", target, "--key-file", key)
        assert len(run(site, "open", "view", target, "--key-file", key, "--width", "40").splitlines()) > 10


def test_a_changed_file_and_a_wrong_key_are_told(site):
    with tempfile.TemporaryDirectory() as folder:
        target, key = sealed_download(site, folder)
        victim = sorted(path for path in files_below(target) if path.endswith(".sealed") and "index" not in path)[0]
        with open(victim, "r+b") as file:
            file.seek(200)
            byte = file.read(1)
            file.seek(200)
            file.write(bytes([byte[0] ^ 1]))
        run(site, "open", "verify", target, "--key-file", key, code=VERIFICATION)
        other = os.path.join(folder, "other.key")
        run(site, "key", "new", other)
        run(site, "open", "list", target, "--key-file", other, code=VERIFICATION)


def test_a_stranger_is_told_not_found(site):
    for project in ("alz-brain", "no-such-project"):
        run(site, "--project", project, "cache", "list", user="raj", code=NOT_FOUND)


def test_wrong_usage_and_an_unreachable_server_have_their_codes(site):
    run(site, "frobnicate", code=USAGE)
    run(site, "patients", "find", code=USAGE)
    run(site, "--server", "tcp://127.0.0.1:1", "whoami", code=UNREACHABLE)


if __name__ == "__main__":
    with running_site() as running:
        code = run_tests(running, [value for name, value in list(globals().items()) if name.startswith("test_")])
    sys.exit(code)
