#!/usr/bin/python3
"""`penstock watch` misses no event, whatever happens to the server, and its exit code tells how it ended."""
import json
import sys
import time

from harness import run_tests, running_site, submit

OK, FAILED, USAGE, NOT_EVERYTHING = range(4)
PROJECT = "alz-brain"


def items_of(site, pacs, count, skip=0):
    cohort = site.program("penstock", "studies", "find", "--jsonl", "--pacs", pacs,
                          *sorted({patient["mrns"][where]["mrn"] for patient, _, where in site.studies()
                                   if where == pacs}))
    studies = [json.loads(line) for line in cohort.stdout.splitlines()]
    assert len(studies) >= skip + count, cohort.stderr
    return [{"pacs": pacs, "StudyInstanceUID": study["StudyInstanceUID"]} for study in studies[skip:skip + count]]


def switch(site, verb):
    """Pauses or resumes the General Hospital's PACS."""
    done = site.program("penstock", "governor", verb, "gh-rad", "--reason", "a test", user="ada")
    assert done.returncode == OK, done.stderr


def ended(client, code):
    out, err = client.communicate(timeout=150)
    assert client.returncode == code, (client.returncode, out[-2000:], err)
    return [json.loads(line) for line in out.splitlines()]


def test_no_event_is_lost_when_the_server_is_killed_in_the_middle(site):
    switch(site, "pause")
    with site.connect("amy") as amy:
        ids = [row["request"] for row in submit(amy, items_of(site, "gh-rad", 4), PROJECT)]
    client = site.start_program("penstock", "watch", *ids, "--jsonl", "--from", "1")
    time.sleep(1)
    site.kill_server()
    time.sleep(2)
    site.start_server()
    switch(site, "resume")
    lines = ended(client, OK)
    assert lines[-1]["done"] and "4 completed" in lines[-1]["summary"], lines[-1]
    kinds = [line.get("kind") for line in lines]
    assert kinds.count("disconnected") == 1 and kinds.count("connected") == 1, kinds
    seen = [line["seq"] for line in lines if "seq" in line]
    assert seen == list(range(1, len(seen) + 1)), seen
    for request in ids:
        states = [line["state"] for line in lines if line.get("request") == request and "seq" in line]
        assert states[0] == "scheduled" and states[-1] == "completed", (request, states)


def test_the_exit_code_tells_that_not_all_are_complete(site):
    with site.connect("amy") as amy:
        missing = {"pacs": "gh-rad", "StudyInstanceUID": "2.25.1234567890"}
        ids = [row["request"] for row in submit(amy, [missing], PROJECT)]
        client = site.start_program("penstock", "watch", *ids)
        out, err = client.communicate(timeout=120)
    assert client.returncode == NOT_EVERYTHING, (client.returncode, out, err)


if __name__ == "__main__":
    with running_site() as running:
        code = run_tests(running, [value for name, value in list(globals().items()) if name.startswith("test_")])
    sys.exit(code)
