#!/usr/bin/python3
"""What was promised survives: the server is killed, a PACS goes away, and everything requested still completes once."""
import collections
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid

from harness import eventually, find_everything, requests_of, run_tests, running_site, submit

PROJECT = "alz-brain"
JOB_TIMEOUT_S = 180
READY_WITHIN_S = 5
WAITS_FOR_PACS = re.compile("does not answer")
ENDED = ("completed", "incomplete", "failed", "cancelled")


def standing(control):
    """How the requests stand, for whoever waited in vain."""
    return [(request["pacs"], request["state"], request["reason"], request["error"])
            for request in requests_of(control, PROJECT).values() if request["state"] != "completed"]


def wait_for_all(site):
    with site.connect("amy") as control:
        def ended():
            requests = requests_of(control, PROJECT)
            return all(request["state"] in ENDED for request in requests.values()) and requests
        return eventually(ended, JOB_TIMEOUT_S, lambda: "every request has ended, not %s" % standing(control))


def cached_studies(control):
    return control.all_pages("cache.list", {"level": "study", "filter": {}}, "items", PROJECT)


def delete_everything(site):
    with site.connect("amy") as control:
        uids = sorted({item["StudyInstanceUID"] for item in cached_studies(control)})
        if uids:
            control.ask("cache.delete", {"studies": uids}, PROJECT, op=uuid.uuid4().hex)


def moves_by_study(site):
    """StudyInstanceUID -> how often dcmqrscp was asked to move it, in its own words."""
    with open(site.folder + "/log/gh-rad.log", encoding="utf-8", errors="replace") as log:
        parts = log.read().split("Received Move SCP")[1:]
    uids = (re.search(r"\(0020,000d\) UI \[([0-9.]+)\]", part) for part in parts)
    return collections.Counter(uid.group(1) for uid in uids if uid)


def instances_in_cache(site):
    counted = collections.Counter()
    with site.connect("amy") as control:
        for uid in {item["StudyInstanceUID"] for item in cached_studies(control)}:
            items = control.all_pages("cache.list", {"level": "instance", "StudyInstanceUID": uid}, "items", PROJECT)
            counted.update(item["SOPInstanceUID"] for item in items)
    return counted


def instances_expected(site, items):
    wanted = {(item["pacs"], item["StudyInstanceUID"]) for item in items}
    return collections.Counter(instance["SOPInstanceUID"] for _, study, pacs in site.studies()
                               if (pacs, study["StudyInstanceUID"]) in wanted
                               for series in study["series"] for instance in series["instances"])


def kill_in_the_middle(site, received):
    """Kills the server as soon as so many studies have completed and another is under way; starts it again."""
    with site.connect("amy") as control:
        def in_the_middle():
            states = [request["state"] for request in requests_of(control, PROJECT).values()]
            return states.count("completed") >= received and "processing" in states
        eventually(in_the_middle, JOB_TIMEOUT_S, "a retrieval under way")
        site.kill_server()
    seconds = site.start_server()
    assert seconds < READY_WITHIN_S, "ready only after %.1f s" % seconds


def test_everything_requested_completes_once_across_a_kill(site):
    with site.connect("amy") as control:
        items = find_everything(site, control, PROJECT)
        rows = submit(control, items, PROJECT)
        assert [row["outcome"] for row in rows] == ["accepted"] * len(items), rows
    kill_in_the_middle(site, received=1)
    requests = wait_for_all(site)
    assert {request["state"] for request in requests.values()} == {"completed"}, requests
    assert set(requests) == {row["request"] for row in rows}
    assert instances_in_cache(site) == instances_expected(site, items)


def test_each_request_completed_in_exactly_one_event(site):
    completed, numbers = collections.Counter(), []
    with site.connect("amy") as control:
        control.subscribe("p/%s/requests" % PROJECT, first=1)
        while (event := control.next_event(2)) is not None:
            numbers.append(event[2])
            if event[3]["state"] == "completed":
                completed[event[3]["request"]] += 1
    assert numbers == list(range(1, len(numbers) + 1)), numbers
    assert completed and set(completed.values()) == {1}, completed


def test_no_study_was_fetched_again_but_the_one_that_was_cut(site):
    again = [uid for uid, count in moves_by_study(site).items() if count > 1]
    assert len(again) <= 1, again


def test_the_same_operation_after_a_kill_gives_the_first_answer(site):
    with site.connect("amy") as control:
        items = find_everything(site, control, PROJECT)[:2]
        op = uuid.uuid4().hex
        first = submit(control, items, PROJECT, op)
        site.kill_server()
    site.start_server()
    with site.connect("amy") as control:
        assert submit(control, items, PROJECT, op) == first


def test_three_kills_lose_and_repeat_nothing(site):
    delete_everything(site)
    with site.connect("amy") as control:
        items = find_everything(site, control, PROJECT)
        before = set(requests_of(control, PROJECT))
        submit(control, items, PROJECT)
    for received in (0, 1, 2):
        with site.connect("amy") as control:
            requests = requests_of(control, PROJECT)
            done = {key for key, request in requests.items() if request["state"] == "completed"} & before
        kill_in_the_middle(site, len(done) + received)
    requests = wait_for_all(site)
    fresh = {key: request["state"] for key, request in requests.items() if key not in before}
    assert len(fresh) == len(items) and set(fresh.values()) == {"completed"}, fresh
    assert instances_in_cache(site) == instances_expected(site, items)


def test_a_pacs_that_is_down_is_named_and_comes_back(site):
    delete_everything(site)
    with site.connect("amy") as control:
        items = [item for item in find_everything(site, control, PROJECT) if item["pacs"] == "gh-rad"][:2]
        archive = archive_pid(site)
        os.kill(archive, signal.SIGTERM)
        eventually(lambda: not os.path.exists("/proc/%d" % archive), 10, "dcmqrscp is gone")
        rows = control.find("patients.find", {"pacs": ["gh-rad"], "mrns": ["7700421"]}, PROJECT)["rows"]
        assert [row["outcome"] for row in rows] in (["found"], ["unavailable"]), rows
        submitted = submit(control, items, PROJECT)
        eventually(lambda: reason_of(control, submitted[0]["request"]), 30,
                   lambda: "a reason that names the PACS, not %s" % standing(control))
        start_archive(site)
        requests = wait_for_all(site)
    assert {requests[row["request"]]["state"] for row in submitted} == {"completed"}, requests


def archive_pid(site):
    with open(site.folder + "/site.json", encoding="utf-8") as file:
        return json.load(file)["pids"]["gh-rad"]


def reason_of(control, request):
    entry = requests_of(control, PROJECT)[request]
    return entry["state"] == "scheduled" and WAITS_FOR_PACS.search(entry["reason"])


def start_archive(site):
    """dcmqrscp again, as the sandbox had started it; the sandbox ends it with the rest."""
    folder = site.folder + "/gh-rad"
    command = ["dcmqrscp", "--disable-host-lookup", "-lc", folder + "/dcmqrscp-log.cfg", "-c", folder + "/dcmqrscp.cfg"]
    with open(site.folder + "/log/gh-rad.log", "ab") as log:
        subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def test_an_orderly_stop_is_quick_and_the_next_start_goes_on(site):
    with site.connect("amy") as control:
        before = {key: request["state"] for key, request in requests_of(control, PROJECT).items()}
    began = time.monotonic()
    os.kill(site.server_pid, signal.SIGTERM)
    eventually(lambda: not site.is_healthy(), 30, "the server has stopped")
    site.stop_servers()
    assert time.monotonic() - began < 25, "stopped after %.1f s" % (time.monotonic() - began)
    site.start_server()
    with site.connect("amy") as control:
        assert {key: request["state"] for key, request in requests_of(control, PROJECT).items()} == before


if __name__ == "__main__":
    with running_site() as running:
        code = run_tests(running, [value for name, value in list(globals().items()) if name.startswith("test_")])
    sys.exit(code)
