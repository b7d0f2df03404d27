#!/usr/bin/python3
"""The researcher's program `penstock` from key to picture: what it prints, exit codes, what it leaves on the disk."""
import csv
import io
import json
import os
import re
import sys
import tempfile

from harness import run_tests, running_site

OK, FAILED, USAGE, NOT_EVERYTHING, VERIFICATION, UNREACHABLE, NOT_FOUND, INTERRUPTED = range(8)
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


def test_lists_come_in_every_format_chosen_sorted_and_cut_to_columns(site):
    items = run_json(site, "cache", "list")["items"]
    lines = run(site, "cache", "list", "--jsonl", "--sort", "mrn,study-date:desc").splitlines()
    assert sorted(json.loads(line)["StudyInstanceUID"] for line in lines) == sorted(
        item["StudyInstanceUID"] for item in items)
    assert [json.loads(line)["PatientID"] for line in lines] == sorted(item["PatientID"] for item in items)
    rows = list(csv.DictReader(io.StringIO(run(site, "cache", "list", "--output", "csv"))))
    assert {row["PatientID"] for row in rows} == {item["PatientID"] for item in items}
    chosen = run(site, "cache", "list", "--output", "csv", "--columns", "mrn,size", "--where", "mrn=1000001")
    assert chosen.splitlines()[0] == "PatientID,bytes" and set(chosen.split()[1:]) and "C104420" not in chosen, chosen
    assert "General Hospital" in run(site, "cache", "list", "--where", "institution=General Hospital")
    assert not run_json(site, "requests", "list", "--where", "state=failed")["requests"]
    assert run_json(site, "requests", "list", "--where", "submitted=2020..", "--where", "mrn~c10*")["requests"]
    found = run_json(site, "studies", "find", "1000001", "--where", "description~*", "--sort", "study-date")["studies"]
    assert [study["StudyDate"] for study in found] == sorted(study["StudyDate"] for study in found)
    assert run(site, "pacs", "list", "--output", "csv").startswith("id,institution,"), "csv of the PACS"


def test_a_wrong_column_is_answered_with_those_there_are(site):
    done = site.program("penstock", "requests", "list", "--where", "modalty=MR")
    assert done.returncode == USAGE and "modality" in done.stderr and "submitted" in done.stderr, done.stderr
    run(site, "whoami", "--output", "csv", code=USAGE)


def test_a_table_of_a_hospital_is_read_and_every_outcome_can_be_kept(site):
    with tempfile.TemporaryDirectory() as folder:
        table, outcomes = os.path.join(folder, "cohort.csv"), os.path.join(folder, "outcomes.csv")
        with open(table, "w", encoding="utf-16") as file:
            file.write("Name;Patient ID;Note\r\n\"Doe; Jane\";1000001;\"two\r\nlines\"\r\n"
                       "Nobody;9999999;\r\n;1000001;\r\n")
        run(site, "studies", "find", "--mrns", table, "--outcomes", outcomes, code=NOT_EVERYTHING)
        with open(outcomes, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [row["outcome"] for row in rows] == ["found", "not_found", "duplicate"], rows
        assert os.stat(outcomes).st_mode & 0o77 == 0
        done = site.program("penstock", "studies", "find", "--mrns", table, "--column", "Nummer")
        assert done.returncode == USAGE and "'Patient ID'" in done.stderr, done.stderr
    done = site.program("penstock", "studies", "find", "--mrns", "7700421")
    assert done.returncode == USAGE and "there is no file '7700421'" in done.stderr, done.stderr
    run_json(site, "studies", "find", "1000001, 0000000\n", code=NOT_EVERYTHING)


def test_facets_are_counted_or_said_to_be_unknown(site):
    done = site.program("penstock", "cache", "facets", "modality")
    assert done.returncode == OK and "MR" in done.stdout or "does not count facets yet" in done.stderr, done


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
