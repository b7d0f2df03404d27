#!/usr/bin/python3
"""The Python client (tools/python) on a real site: from record numbers to pydicom, across kills, cuts, wrong keys."""
import concurrent.futures
import contextlib
import fcntl
import hashlib
import itertools
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import uuid
from pathlib import Path
from unittest import mock

import zmq

from cut_line import CutLine
from harness import ROOT, eventually, requests_of, run_tests, running_site
from large_study import add_large_study

sys.path.insert(0, os.path.join(ROOT, "tools", "python"))

import penstock_client  # noqa: E402
from penstock_client import (Event, Penstock, PenstockError, PenstockTimeout, SealBroken, SealedDownload,  # noqa: E402
                             make_key_file)

PROJECT = "alz-brain"
JOB_TIMEOUT_S = 180
MIB = 1 << 20
SETTLE_S = 0.5  # until what was on a line is through
# Good at either hospital; stripped of its zeros by a spreadsheet; again; outside; in the cohort but unknown; malformed.
PASTED = ("1000001", "C104420", "123", "1000001", "7700422", "9999999", "MRN*STAR")
OUTCOMES = ["found", "found", "found", "duplicate", "not_permitted", "not_found", "invalid"]


def client(site, user="amy", **more):
    return Penstock.from_config(site.facts["users"][user]["config"], **more)


def all_mrns(site):
    return sorted({patient["mrns"][pacs]["mrn"] for patient, _, pacs in site.studies()})


def expected_studies(site):
    """(pacs, StudyInstanceUID) -> study of the manifest, of everything the project may take."""
    with open(site.facts["rules"].replace("governance.toml", "cohorts/%s.csv" % PROJECT), encoding="utf-8") as file:
        cohort = {tuple(line.split(",")[:2]) for line in file.read().splitlines()[2:]}
    return {(pacs, study["StudyInstanceUID"]): study for patient, study, pacs in site.studies()
            if (patient["mrns"][pacs]["issuer"], patient["mrns"][pacs]["mrn"]) in cohort}


def fails_with(kind, code, call, *arguments, **more):
    """Calls and expects this kind of error; the error, which holds no secret and says what to do."""
    try:
        answer = call(*arguments, **more)
    except PenstockError as error:
        assert type(error) is kind and error.code == code, "expected %s, not %r" % (code, error)
        assert error.message and error.what_next and error.what_next in str(error), repr(error)
        said = traceback.format_exc() + repr(error) + repr(error.details)
        assert not [secret for secret in SECRETS if secret in said], said
        return error
    raise AssertionError("expected %s, not %r" % (code, answer))


SECRETS = set()  # of all users of the site, and of download keys


def restart(site):
    site.kill_server()
    site.start_server()


@contextlib.contextmanager
def home():
    """A place for a download, and for its key file."""
    with tempfile.TemporaryDirectory() as folder:
        yield os.path.join(folder, "images"), os.path.join(folder, "own.key")


def files_below(folder):
    return sorted(os.path.join(base, name) for base, _, names in os.walk(folder) for name in names)


# ------------------------------------------------------------------------------------------- who, what, finding, asking

def test_knows_user_projects_and_pacs(site):
    for user in site.facts["users"].values():
        SECRETS.add(user["secret"])
    with client(site) as penstock:
        assert {project["id"] for project in penstock.projects()} == {PROJECT, "old-study"}
        assert {pacs["id"] for pacs in penstock.pacs()} == set(site.facts["pacs"])
        assert penstock.project == PROJECT
        assert not [secret for secret in SECRETS if secret in repr(penstock) + str(vars(penstock).keys())]


def test_settings_are_those_of_the_program(site):
    keys = site.facts["users"]["raj"]
    own = {"PENSTOCK_SERVER": site.facts["control"], "PENSTOCK_SERVER_KEY": site.facts["server_key"],
           "PENSTOCK_KEY": keys["config"].replace(".json", ".key"), "PENSTOCK_PROJECT": "knee-mri"}
    amy = site.facts["users"]["amy"]["config"].replace(".json", ".key")
    with mock.patch.dict(os.environ, own, PENSTOCK_CONFIG=site.facts["users"]["amy"]["config"]):
        with Penstock.from_config() as penstock:  # the environment goes before the file
            assert penstock.project == "knee-mri" and penstock.ask("hello", {"protocol": 1})["user"] == "raj"
        with Penstock.from_config(key_file=amy) as penstock:  # and what is named before both
            assert penstock.ask("hello", {"protocol": 1})["user"] == "amy"
        os.environ["PENSTOCK_CONFIG"] = "/nowhere/config.json"
        fails_with(PenstockError, "bad_configuration", Penstock.from_config)
    fails_with(PenstockError, "bad_configuration", client, site, porject=PROJECT)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "key")
        copy.write_text(Path(amy).read_text())
        copy.chmod(0o644)
        fails_with(PenstockError, "not_permitted", client, site, key_file=copy)
        copy.chmod(0o600)
        copy.write_text(copy.read_text().replace(site.facts["users"]["amy"]["public"], keys["public"]))
        fails_with(PenstockError, "bad_configuration", client, site, key_file=copy)


def test_the_example_runs_to_its_end(site):
    environment = {**os.environ, "PENSTOCK_SITE": os.path.join(site.folder, "site.json"), "TMPDIR": site.folder}
    done = subprocess.run([os.path.join(ROOT, "tools", "python", "example.py")], env=environment, capture_output=True,
                          text=True, timeout=JOB_TIMEOUT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"7700422 +not_permitted", done.stdout), done.stdout
    assert re.search(r"^ *\d+  request \d+ +processing ", done.stdout, re.M), done.stdout
    images = int(re.search(r"^(\d+) images in ", done.stdout, re.M).group(1))
    assert len(re.findall(r"^(CT|MR) .* \d+ x \d+$", done.stdout, re.M)) == images > 10, done.stdout


def test_finds_and_gives_every_line_an_outcome(site):
    with client(site) as penstock:
        search = penstock.find_patients(PROJECT, PASTED)
        assert {patient["PatientID"] for patient in search} == {"1000001", "C104420", "0000123"}
        assert [row["input"] for row in search.rows] == list(PASTED)
        assert [row["outcome"] for row in search.rows] == OUTCOMES, search.rows
        found = {(study["pacs"], study["StudyInstanceUID"]) for study in penstock.find_studies(PROJECT, all_mrns(site))}
        assert found == set(expected_studies(site))
        pacs, uid, accession = next((pacs, uid, study["pacs"][pacs]["AccessionNumber"]) for (pacs, uid), study in
                                    expected_studies(site).items() if study["pacs"][pacs]["AccessionNumber"])
        one, = penstock.find_studies(PROJECT, accessions=[accession], pacs=[pacs])
        assert one["StudyInstanceUID"] == uid, one
        none = penstock.find_studies(PROJECT, all_mrns(site), study_date="19000101")
        assert not list(none) and "not_found" in {row["outcome"] for row in none.rows}, none.rows


def test_takes_a_search_and_a_listing_in_many_parts(site):
    short = mock.patch.multiple(penstock_client, SEARCH_WAIT_S=0, PAGE_ITEMS=1)
    with short, client(site) as penstock, mock.patch.object(penstock, "ask", wraps=penstock.ask) as ask:
        search = penstock.find_studies(PROJECT, all_mrns(site))
        assert {(study["pacs"], study["StudyInstanceUID"]) for study in search} == set(expected_studies(site))
        rows = penstock.request(PROJECT, penstock.holdings(PROJECT))
        assert [(row["item"], row["outcome"]) for row in rows] == [(0, "already_cached"), (1, "already_cached")]
        asked = [call.args[0] for call in ask.call_args_list]
        assert [row["input"] for row in search.rows] == all_mrns(site) and "search.more" in asked, asked
        assert asked.count("cache.list") == asked.count("requests.submit") == 2, asked
        fails_with(PenstockTimeout, "timed_out", list, penstock.find_studies(PROJECT, all_mrns(site), timeout_s=-1))


def test_a_lost_answer_is_asked_for_again_and_nothing_is_done_twice(site):
    line = CutLine(("127.0.0.1", int(site.facts["control"].rsplit(":", 1)[1])))
    with client(site, server="tcp://127.0.0.1:%d" % line.port) as penstock, site.connect("amy") as control:
        studies = [study for study in penstock.find_studies(PROJECT, all_mrns(site)) if study["cached"] == "no"][:2]
        before, rows, op = set(requests_of(control, PROJECT)), [], uuid.uuid4().hex
        line.hold_after(0)
        asking = threading.Thread(target=lambda: rows.extend(penstock.request(PROJECT, studies, op=op)))
        asking.start()
        new = eventually(lambda: set(requests_of(control, PROJECT)) - before, 20, "the server has taken them")
        assert asking.is_alive() and line.held.wait(10), "the answer came through"
        line.cut()
        line.release()
        asking.join(30)
        assert [row["outcome"] for row in rows] == ["accepted"] * 2 and {row["request"] for row in rows} == new, rows
        assert penstock.request(PROJECT, studies, op=op) == rows
        assert set(requests_of(control, PROJECT)) - before == new and line.connections == 2
        done = penstock.wait(PROJECT, new, timeout_s=JOB_TIMEOUT_S)
        assert {request["state"] for request in done.values()} == {"completed"} and set(done) == new, done


# --------------------------------------------------------------------------------------------------------------- events

def test_events_go_on_across_a_kill_without_loss_or_repetition(site):
    with client(site) as penstock:
        stream, seen, killer, server = penstock.events(PROJECT, timeout_s=JOB_TIMEOUT_S), [], None, site.server_pid
        rows = penstock.request(PROJECT, penstock.find_studies(PROJECT, all_mrns(site)))
        waiting = {row["request"] for row in rows if row["outcome"] == "accepted"}
        assert len(waiting) > 3, rows
        for event in stream:
            seen.append(event)
            if not killer and event.body["state"] == "processing":
                killer = threading.Thread(target=restart, args=(site,))
                killer.start()
            waiting -= {event.body["request"]} if event.body["state"] in penstock_client.ENDED else set()
            if not waiting:
                break
        stream.close()
        killer.join()
        assert site.server_pid != server, "the server was not killed"
        first, last = seen[0].seq, seen[-1].seq
        assert [event.seq for event in seen] == list(range(first, last + 1)) and not any(event.gap for event in seen)
        assert {event.topic for event in seen} == {"p/%s/requests" % PROJECT}
        again = list(penstock.events(PROJECT, after=0, timeout_s=2))
        assert [event.seq for event in again] == list(range(1, len(again) + 1))
        assert again[first - 1:last] == seen
        some = list(penstock.events(PROJECT, after={"p/%s/requests" % PROJECT: last - 2}, timeout_s=2))
        assert some == again[last - 2:] and len(some) >= 2
        done = penstock.wait(PROJECT, [row["request"] for row in rows if row["request"]], timeout_s=5)
        assert {request["state"] for request in done.values()} == {"completed"}, done


def test_a_stream_says_when_it_cannot_know_what_it_missed(site):
    with client(site) as penstock:
        stream = penstock.events(PROJECT, ["cache", "progress", "requests"], after={"p/%s/requests" % PROJECT: 0},
                                 timeout_s=3)
        first = next(stream)
        assert first.seq == 1 and first.topic.endswith("/requests"), first
        rest = list(itertools.islice(stream, 10))
        restart(site)
        more = list(stream)
        gaps = [event.topic.rsplit("/", 1)[1] for event in more if event.gap]
        assert sorted(gaps) == ["cache", "progress"], gaps
        numbers = [event.seq for event in (first, *rest, *more) if event.topic.endswith("/requests")]
        assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) > 11, numbers
    following = {"p/x/progress": 0, "p/x/requests": 5}

    def told(kind, topic, *numbers):
        frames = [kind, topic.encode(), *(number.to_bytes(8, "big") for number in numbers), b'{"a": 1}']
        return penstock_client._events_in(frames, following)
    assert told(b"GAP", "p/x/progress", 7, 12) == [Event("p/x/progress", 7, {"to": 12}, True)]
    assert told(b"EV", "p/x/progress", 3) == [Event("p/x/progress", 3, {"a": 1})]
    assert told(b"EV", "p/x/requests", 4) == []
    assert told(b"EV", "p/x/requests", 5) == [Event("p/x/requests", 5, {"a": 1})]
    assert told(b"EV", "p/x/requests", 8) == [Event("p/x/requests", 6, {"to": 8}, True),
                                              Event("p/x/requests", 8, {"a": 1})]


def test_a_stream_renews_what_the_server_forgot(site):
    """A user's longest silent session makes room for the seventeenth; it gets no word of it."""
    with mock.patch.object(penstock_client, "RENEWAL_S", 1), client(site) as penstock, contextlib.ExitStack() as others:
        stream = penstock.events(PROJECT, timeout_s=20)
        for _ in range(16):
            others.enter_context(site.connect("amy")).ask("hello", {"client": "python_client_test", "protocol": 1})
        nowhere = {"pacs": "gh-rad", "StudyInstanceUID": "2.25.%d" % uuid.uuid4().int}
        timer = threading.Timer(3, lambda: penstock.request(PROJECT, [nowhere]))
        timer.start()
        assert next(stream).body["state"] == "scheduled"
        timer.join()


# ------------------------------------------------------------------------------------------------------------ downloads

def truth_of(site):
    """(SOPInstanceUID, PatientID) -> copy, of everything the project may take."""
    return {(instance["SOPInstanceUID"], study["pacs"][pacs]["PatientID"]): instance["copies"][pacs]
            for (pacs, _), study in expected_studies(site).items() for series in study["series"]
            for instance in series["instances"]}


def data_set_digest(part10):
    return hashlib.sha256(part10[144 + int.from_bytes(part10[140:144], "little"):]).hexdigest()


def test_a_sealed_download_opens_in_memory_to_what_the_archives_hold(site):
    left = truth_of(site)
    with client(site) as penstock, home() as (target, key):
        steps = []
        sealed = penstock.download(PROJECT, penstock.holdings(PROJECT), target, key=key,
                                   progress=lambda now, whole: steps.append((now, whole)))
        assert steps == sorted(steps) and steps[-1][0] == steps[-1][1] > 5 * MIB, steps[-1:]
        names = sorted(each["path"] for each in sealed.instances)
        assert [os.path.join(target, name) for name in names] == [path for path in files_below(target) if path.endswith(
            ".sealed") and not path.endswith("index.sealed")] and len(names) == len(left)
        for each, dataset in zip(sealed.instances, sealed.datasets()):
            truth = left.pop((dataset.SOPInstanceUID, dataset.PatientID))
            digest = data_set_digest(sealed.open(each["path"]).getvalue())
            assert not truth["sent_as_stored"] or digest == truth["dataset_sha256"], each
            assert dataset.SeriesNumber == int(each["SeriesNumber"]), each
        assert not left and not sealed.missing, left
        assert {each.Modality for each in sealed.datasets(Modality="CT")} == {"CT"}
        # Shorter words would turn up in random bytes now and then.
        words = [word.encode() for patient, study, _ in site.studies()
                 for word in (study["StudyInstanceUID"], patient["PatientName"], "\0\0\0\0DICM") if len(word) > 6]
        assert not [(path, word) for path in files_below(target) for word in words if word in Path(path).read_bytes()]
        done = site.program("penstock", "open", "verify", target, "--key-file", key, "--json")
        assert done.returncode == 0 and json.loads(done.stdout)["verified"] == len(names), done
        again = penstock.download(PROJECT, penstock.holdings(PROJECT), target, key=key)
        assert again.instances == sealed.instances
        fails_with(PenstockError, "conflict", penstock.download, PROJECT, names[:1], target, key=key)


def test_opens_what_the_program_has_downloaded(site):
    with home() as (target, key):
        assert site.program("penstock", "key", "new", key).returncode == 0
        assert site.program("penstock", "download", "--to", target, "--all", "--key-file", key).returncode == 0
        sealed = SealedDownload(target, key)
        assert len(list(sealed.datasets())) == len(truth_of(site))
        assert [each["path"] for each in sealed.instances] == [
            os.path.relpath(path, target) for path in files_below(target) if re.search(r"\d\.sealed$", path)]


def test_ordinary_files_when_told_so(site):
    digests = {each["dataset_sha256"] for each in truth_of(site).values() if each["sent_as_stored"]}
    with client(site) as penstock, home() as (target, _):
        fails_with(PenstockError, "bad_configuration", penstock.download, PROJECT, ["1.2.3"], target)
        paths = penstock.download(PROJECT, penstock.holdings(PROJECT), target, sealed=False)
        assert sorted(paths) == files_below(target) and len(paths) == len(truth_of(site))
        assert digests <= {data_set_digest(Path(path).read_bytes()) for path in paths}
        fails_with(PenstockError, "conflict", penstock.download, PROJECT, ["1.2.3"], target, sealed=False)


def test_a_download_of_large_images_goes_on_whatever_breaks(site):
    with tempfile.TemporaryDirectory() as folder:
        site.large_study = add_large_study(site, folder)
    line = put_line_before_data_socket(site)
    with client(site) as penstock:
        study, = (each for each in penstock.find_studies(PROJECT, all_mrns(site))
                  if each["StudyInstanceUID"] == site.large_study)
        row, = penstock.request(PROJECT, [study])
        assert penstock.wait(PROJECT, [row["request"]], timeout_s=60)[row["request"]]["state"] == "completed"
        for break_it in (interrupted, cut_often, server_killed):
            with home() as (target, key):
                sealed = break_it(site, line, lambda **more: penstock.download(
                    PROJECT, [site.large_study], target, key=key, **more), target)
                line.release()
                sizes = [len(sealed.open(each["path"]).getvalue()) for each in sealed.instances]
                assert len(sizes) == 2 and min(sizes) > 5 * MIB, sizes
                done = site.program("penstock", "open", "verify", target, "--key-file", key)
                assert done.returncode == 0, done
                assert not list(Path(target).rglob("*.part"))


def put_line_before_data_socket(site):
    """Clients reach the data socket through a line that can be cut."""
    settings = Path(site.facts["settings"]).read_text(encoding="utf-8")
    line = CutLine(("127.0.0.1", int(re.search(r'data_endpoint = "tcp://127.0.0.1:(\d+)"', settings).group(1))))
    public = 'data_endpoint_public = "tcp://127.0.0.1:%d"\n' % line.port
    Path(site.facts["settings"]).write_text(settings.replace("http_endpoint", public + "http_endpoint", 1))
    restart(site)
    return line


def interrupted(site, line, download, target):
    """Ctrl-C in the second image; what lies there is then damaged, and lengthened by half a segment."""
    def stop(now, _):
        if now > 10.5 * MIB:
            raise KeyboardInterrupt
    try:
        raise AssertionError("not interrupted: %s" % download(progress=stop))
    except KeyboardInterrupt:
        part, = Path(target).rglob("*.part")
    data = bytearray(part.read_bytes())
    assert 4 * MIB < len(data) < 5 * MIB, len(data)
    data[4 * MIB] ^= 1
    part.write_bytes(data + bytes(1000))
    time.sleep(SETTLE_S)
    before = line.passed
    sealed = download()
    assert line.passed - before < 3 * MIB, "the part was not used: %d" % (line.passed - before)
    return sealed


def cut_often(site, line, download, target):
    before = line.connections
    line.cut_every(3 * MIB)
    sealed = download()
    assert line.connections - before >= 4
    return sealed


def server_killed(site, line, download, target):
    def kill():
        assert line.held.wait(30)
        site.kill_server()
        line.cut()
        line.release()
        site.start_server()
    server, killer = site.server_pid, threading.Thread(target=kill)
    line.hold_after(5 * MIB)
    killer.start()
    sealed = download()
    killer.join()
    assert site.server_pid != server
    return sealed


def test_two_programs_do_not_work_in_one_directory(site):
    with client(site) as penstock, home() as (target, key):
        os.mkdir(target)
        lock = os.open(target, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        fails_with(PenstockError, "conflict", penstock.download, PROJECT, [site.large_study], target, key=key)
        os.close(lock)
        penstock.download(PROJECT, [site.large_study], target, key=key)


def test_whatever_is_not_as_it_was_sealed_is_refused(site):
    segment = 262144
    with client(site) as penstock, home() as (target, key):
        sealed = penstock.download(PROJECT, [site.large_study], target, key=key)
        SECRETS.add(Path(key).read_text().split()[2])
        names = [each["path"] for each in sealed.instances]
        path, other, index = (Path(target, name) for name in (*names, "index.sealed"))
        good, whole_index = path.read_bytes(), index.read_bytes()
        parts = [good[at:at + segment] for at in range(0, len(good), segment)]
        flips = [good[:at] + bytes([good[at] ^ 1]) + good[at + 1:]
                 for at in (0, 5, 20, 24, 1000, segment + 5, len(good) // 2, len(good) - 1)]
        cuts = [good[:size] for size in (0, 10, 40, segment, len(good) - 1, len(good) - len(parts[-1]))]
        moved = [b"".join([parts[0], parts[2], parts[1], *parts[3:]]), b"".join(parts[1:]), b"".join(parts[:1] + parts),
                 good + b"x", good + parts[-1], other.read_bytes()]
        for changed in flips + cuts + moved:
            path.write_bytes(changed)
            error = fails_with(SealBroken, "authentication_failed", sealed.open, names[0])
            assert names[0] in error.message
            fails_with(SealBroken, "authentication_failed", list, sealed.datasets())
        path.write_bytes(good)
        assert len(list(sealed.datasets())) == 2
        fails_with(PenstockError, "not_found", sealed.open, "0001/0001/000009.sealed")
        index.write_bytes(whole_index[:-1] + bytes([whole_index[-1] ^ 1]))
        fails_with(SealBroken, "authentication_failed", SealedDownload, target, key)
        index.write_bytes(whole_index)
        make_key_file(key + ".other")
        fails_with(SealBroken, "authentication_failed", SealedDownload, target, key + ".other")
        os.chmod(key, 0o644)
        fails_with(PenstockError, "not_permitted", SealedDownload, target, key)
        os.chmod(key, 0o600)
        assert len(SealedDownload(target, key).instances) == 2
        fails_with(PenstockError, "not_found", SealedDownload, os.path.dirname(target), key)


# --------------------------------------------------------------------------------------------------------------- errors

def test_a_stranger_is_told_not_found(site):
    with client(site, "raj") as penstock, home() as (target, key):
        for project in (PROJECT, "no-such-project"):
            fails_with(PenstockError, "not_found", list, penstock.holdings(project))
            fails_with(PenstockError, "not_found", list, penstock.requests(project))
            fails_with(PenstockError, "not_found", list, penstock.find_patients(project, ["1000001"]))
            fails_with(PenstockError, "not_found", penstock.request, project, [
                {"pacs": "gh-rad", "StudyInstanceUID": "1.2.3"}])
            fails_with(PenstockError, "not_found", penstock.download, project, ["1.2.3"], target, key=key)
            fails_with(PenstockError, "not_found", list, penstock.events(project))
    with client(site) as penstock:
        fails_with(PenstockError, "project_expired", list, penstock.find_patients("old-study", ["1000001"]))


def test_threads_may_share_a_client(site):
    with client(site) as penstock:
        held = {each["StudyInstanceUID"] for each in penstock.holdings(PROJECT)}
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            seen = pool.map(lambda _: {each["StudyInstanceUID"] for each in penstock.holdings(PROJECT)}, range(20))
            assert list(seen) == [held] * 20


def test_nothing_waits_for_ever_and_errors_say_what_to_do(site):
    def timed(limit_s, *arguments, **more):
        began = time.monotonic()
        error = fails_with(*arguments, **more)
        assert time.monotonic() - began < limit_s, time.monotonic() - began
        return error
    with client(site, timeout_s=2) as penstock:
        error = timed(3, PenstockTimeout, "timed_out", penstock.wait, PROJECT, ["999999"], timeout_s=1, interval_s=0.2)
        assert "1 of 1" in error.message, error
        assert list(penstock.events(PROJECT, timeout_s=0.5)) == []
        stream = penstock.events(PROJECT, outage_s=1)
        site.kill_server()
        try:
            error = timed(4, PenstockTimeout, "timed_out", penstock.projects)
            assert "nothing answers at tcp://" in str(error) and "is the server running" in str(error), error
            studies = [{"pacs": "gh-rad", "StudyInstanceUID": "1.2.3"}]
            error = timed(4, PenstockTimeout, "timed_out", penstock.request, PROJECT, studies, op="x")
            assert error.details["op"] == "x", error.details
            timed(4, PenstockTimeout, "timed_out", penstock.events, PROJECT)
            timed(4, PenstockTimeout, "timed_out", next, stream)
        finally:
            site.start_server()
        assert penstock.projects()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        with client(site, timeout_s=1, server="tcp://127.0.0.1:%d" % silent.getsockname()[1]) as penstock:
            timed(3, PenstockTimeout, "timed_out", penstock.projects)
    public, secret = (key.decode() for key in zmq.curve_keypair())
    SECRETS.add(secret)
    with client(site, timeout_s=2, server_key=public) as penstock:
        assert "server key" in str(timed(4, PenstockTimeout, "timed_out", penstock.projects))
    with tempfile.NamedTemporaryFile("w", encoding="ascii") as unknown:
        unknown.write("public %s\nsecret %s\n" % (public, secret))
        unknown.flush()
        with client(site, key_file=unknown.name) as penstock:
            assert "penstock keygen" in str(timed(4, PenstockError, "not_permitted", penstock.projects))


if __name__ == "__main__":
    with running_site() as running:
        code = run_tests(running, [value for name, value in list(globals().items()) if name.startswith("test_")])
    sys.exit(code)
