#!/usr/bin/python3
"""penstock-dimse against a real archive (dcmqrscp), real senders and hostile ones. This script plays its parent.

usage: dimse_child_test.py PROGRAM_DIRECTORY
"""
import os
import pathlib
import signal
import socket
import struct
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from dimse_parent import *  # noqa: E402,F403




TESTS = []


def test(function):
    TESTS.append(function)
    return function


def silent_listener():
    listener = socket.create_server(("127.0.0.1", 0))
    return listener, listener.getsockname()[1]


# ---- outbound ----

@test
def echo_is_answered_and_the_child_ends(site):
    child = site.run({"kind": "echo_job", "peer": site.archive.peer()})
    done = child.hear_until("echo_done")
    assert done["outcome"] == "answered" and done["dimse_status"] == 0, done
    assert done["elapsed_ms"] < 2000, done
    assert child.wait() == 0


@test
def echo_says_how_it_failed(site):
    listener, port = silent_listener()
    listener.close()
    cases = [({"port": port}, "unreachable"), ({"called_ae": "NOBODY"}, "rejected")]
    for change, outcome in cases:
        child = site.run({"kind": "echo_job", "peer": site.archive.peer(**change)})
        done = child.hear_until("echo_done")
        assert done["outcome"] == outcome, done
        assert child.wait() == 1


@test
def a_silent_peer_is_given_up_in_time(site):
    listener, port = silent_listener()
    start = time.monotonic()
    child = site.run({"kind": "echo_job", "peer": site.archive.peer(port=port, association_timeout_ms=700)})
    done = child.hear_until("echo_done")
    assert done["outcome"] == "timed_out", done
    assert 0.5 < time.monotonic() - start < 4
    assert child.wait() == 1
    listener.close()


@test
def finds_studies_series_and_instances_over_one_association(site):
    queries = [
        {"level": "STUDY", "keys": {"PatientID": "0012345"},
         "return_keys": ["StudyInstanceUID", "PatientName", "00080050", "ModalitiesInStudy"]},
        {"level": "SERIES", "keys": {"StudyInstanceUID": site.study}, "return_keys": ["SeriesInstanceUID"]},
        {"level": "IMAGE", "keys": {"StudyInstanceUID": site.study, "SeriesInstanceUID": site.series[1]},
         "return_keys": ["SOPInstanceUID"]},
        {"level": "STUDY", "keys": {"PatientID": "NOBODY"}, "return_keys": ["StudyInstanceUID"]},
    ]
    child = site.run({"kind": "find_job", "peer": site.archive.peer(), "queries": queries})
    ended = child.hear_until("find_ended")
    assert ended["outcome"] == "answered" and ended["queries"] == 4, ended
    rows = {n: [m["attributes"] for m in child.log if m["kind"] == "find_row" and m["query"] == n] for n in range(4)}
    assert {row["StudyInstanceUID"] for row in rows[0]} == {site.study, site.other_study}, rows[0]
    names = {row["StudyInstanceUID"]: row["PatientName"] for row in rows[0]}
    assert names[site.study] == "Yamada^Tarou=山田^太郎", names
    assert all(row["AccessionNumber"] == "A7" for row in rows[0]), rows[0]
    assert {row["SeriesInstanceUID"] for row in rows[1]} == set(site.series)
    assert len(rows[2]) == 20 and {row["SOPInstanceUID"] for row in rows[2]} <= set(site.files)
    assert rows[3] == []
    done = [m for m in child.log if m["kind"] == "find_done"]
    assert [d["rows"] for d in done] == [2, 2, 20, 0] and not any(d["truncated"] for d in done), done
    assert child.wait() == 0


@test
def more_rows_than_wanted_are_cut_and_the_next_query_still_runs(site):
    keys = {"StudyInstanceUID": site.study, "SeriesInstanceUID": site.series[0]}
    query = {"level": "IMAGE", "keys": keys, "return_keys": ["SOPInstanceUID"]}
    child = site.run({"kind": "find_job", "peer": site.archive.peer(), "queries": [{**query, "max_rows": 3}, query]})
    ended = child.hear_until("find_ended")
    assert ended["outcome"] == "answered" and ended["queries"] == 2, ended
    first, second = [m for m in child.log if m["kind"] == "find_done"]
    assert first["rows"] == 3 and first["truncated"], first
    assert second["rows"] == 20 and not second["truncated"], second


@test
def wildcards_and_lists_never_leave(site):
    for value in ("00*", "1?", "a\\b"):
        queries = [{"level": "STUDY", "keys": {"PatientID": value}, "return_keys": ["StudyInstanceUID"]}]
        child = site.run({"kind": "find_job", "peer": site.archive.peer(), "queries": queries})
        assert child.hear() is None and child.wait() == 2


def move_job(site, **changes):
    return {"kind": "move_job", "peer": site.archive.peer(), "move_destination": "PENSTOCK", "study_uid": site.study,
            "wait_for_go": False, **changes}


def settle(receiver, count):
    """Waits until `count` instances were reported."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        arrived = [i for message in receiver.of_kind("stored") for i in message["instances"]]
        if len(arrived) >= count:
            return arrived
        time.sleep(0.02)
    raise AssertionError(f"only {len(arrived)} of {count} arrived")


@test
def moves_a_study_into_a_pack_byte_for_byte(site):
    child = site.run(move_job(site, wait_for_go=True))
    child.hear_until("ready")
    time.sleep(0.2)
    assert not site.receiver.children, "sent before go"
    now = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    child.tell({"kind": "go", "send_before_boottime_ns": now + 1_000_000_000})
    sent = child.hear_until("move_sent")
    assert now <= sent["boottime_ns"] < now + 1_000_000_000
    done = child.hear_until("move_done")
    assert done["outcome"] == "answered" and done["dimse_status"] == 0 and done["completed"] == 40, done
    assert child.wait() == 0
    settle(site.receiver, 40)
    assert set(site.receiver.finish()) == {0}
    packs = site.receiver.packs[site.study]
    found = {uid: data for path in packs for uid, data in read_pack(path).items()}
    assert set(found) == set(site.files)
    for uid, path in site.files.items():
        # The archive adds nothing before the pixels of what pydicom wrote but may drop nothing of them either.
        assert found[uid].endswith(path.read_bytes()[-64 * 64 * 2:]), uid
    closed = site.receiver.of_kind("study_closed")
    assert sum(c["records"] for c in closed) == 40 and not any(c["problem"] for c in closed), closed
    assert sum(c["bytes"] for c in closed) == sum(p.stat().st_size for p in packs)


@test
def moves_only_the_instances_that_are_asked_for(site):
    receiver = site.receiver
    receiver.messages.clear()
    wanted = [uid for uid, path in site.files.items()
              if pydicom.dcmread(path, stop_before_pixels=True).SeriesInstanceUID == site.series[0]][:3]
    child = site.run(move_job(site, series_uids=[site.series[0]], instance_uids=wanted))
    done = child.hear_until("move_done")
    assert done["outcome"] == "answered" and done["completed"] == 3, done
    assert {i["sop_instance_uid"] for i in settle(receiver, 3)} == set(wanted)
    receiver.finish()


@test
def a_move_past_its_deadline_is_not_sent(site):
    receiver = site.receiver
    before = len(receiver.children)
    child = site.run(move_job(site, wait_for_go=True))
    child.hear_until("ready")
    child.tell({"kind": "go", "send_before_boottime_ns": time.clock_gettime_ns(time.CLOCK_BOOTTIME) - 1})
    done = child.hear_until("move_done")
    assert done["too_late"] and not done["sent"], done
    assert child.wait() == 1 and len(receiver.children) == before


@test
def a_cancelled_move_ends_early(site):
    receiver = site.receiver
    receiver.messages.clear()
    receiver.hold_decisions.clear()  # the first object waits, so the move is certainly under way
    child = site.run(move_job(site))
    child.hear_until("move_sent")
    while not receiver.of_kind("may_store"):
        time.sleep(0.01)
    child.tell({"kind": "cancel"})
    time.sleep(0.3)
    receiver.hold_decisions.set()
    done = child.hear_until("move_done")
    assert done["cancelled"] and done["sent"] and done["completed"] < 40, done
    assert done["dimse_status"] == 0xFE00, done
    child.wait()
    receiver.finish()


@test
def a_move_that_stays_idle_is_given_up(site):
    receiver = site.receiver
    receiver.messages.clear()
    receiver.hold_decisions.clear()
    start = time.monotonic()
    child = site.run(move_job(site, idle_timeout_ms=600))
    child.hear_until("move_sent")
    for _ in range(4):
        time.sleep(0.3)
        child.tell({"kind": "still_arriving", "instances": 1})
    child.channel.settimeout(0.05)
    receiver_release = threading.Timer(1.5, receiver.hold_decisions.set)
    receiver_release.start()
    done = child.hear_until("move_done")
    assert done["outcome"] == "timed_out" and done["sent"], done
    assert time.monotonic() - start > 1.7, "still_arriving did not keep it"
    child.wait()
    receiver_release.join()
    receiver.finish()


@test
def an_unknown_destination_is_told_with_its_status(site):
    child = site.run(move_job(site, move_destination="NOWHERE"))
    done = child.hear_until("move_done")
    assert done["outcome"] == "answered" and done["dimse_status"] == 0xA801, done


# ---- inbound ----

@test
def objects_of_another_patient_are_refused_while_good_ones_go_on(site):
    study, series = generate_uid(), generate_uid()
    receiver = site.receive({study: "0012345"})
    folder = site.directory / "mixed"
    folder.mkdir()
    good = [save(instance(study, series, number=n), folder) for n in range(3)]
    wrong = save(instance(study, series, patient="9999999"), folder)
    unasked = save(instance(generate_uid(), series), folder)
    subprocess.run(["storescu", "-nh", "-aec", "PENSTOCK", "127.0.0.1", str(receiver.port),
                    *map(str, [good[0], wrong, good[1], unasked, good[2]])], stderr=subprocess.DEVNULL, check=False)
    assert receiver.finish() == [0]
    found = read_pack(receiver.packs[study][0])
    assert set(found) == {path.stem for path in good}
    for path in good:
        assert found[path.stem] == dataset_bytes(path)
    refused = {m["dimse_status"]: m["reason"] for m in receiver.of_kind("refused")}
    assert set(refused) == {0xC101, 0x0124}, refused
    ended = receiver.of_kind("association_ended")[0]
    assert ended["stored"] == 3 and ended["refused"] == 2 and ended["outcome"] == "answered", ended
    assert len(receiver.of_kind("may_store")) == 2
    receiver.close()


@test
def a_nesting_bomb_costs_one_object(site):
    study, series = generate_uid(), generate_uid()
    receiver = site.receive({study: "P1"})
    sender = Sender(receiver.port)
    bombs = [raw_dataset(study, series, "1.2.3.1", "P1", before_identity=nested(0x00081140, 10000)),
             raw_dataset(study, series, "1.2.3.2", "P1", after_identity=nested(0x00409096, 10000))]
    assert sender.store("1.2.3.1", bombs[0]) == 0xC000
    assert sender.store("1.2.3.2", bombs[1]) == 0
    assert sender.store("1.2.3.3", raw_dataset(study, series, "1.2.3.3", "P1")) == 0
    sender.release()
    assert receiver.finish() == [0]
    assert set(read_pack(receiver.packs[study][0])) == {"1.2.3.2", "1.2.3.3"}
    receiver.close()


@test
def objects_of_classes_and_transfer_syntaxes_that_came_after_us_are_kept_as_they_are(site):
    study, series = generate_uid(), generate_uid()
    receiver = site.receive({study: "P1"})
    high_throughput_jpeg_2000, private_class = "1.2.840.10008.1.2.4.201", "1.2.840.113619.4.30"
    for number, (sop_class, syntax) in enumerate(((MR, high_throughput_jpeg_2000), (private_class, EXPLICIT),
                                                  (private_class, high_throughput_jpeg_2000))):
        sop = "1.2.3.%d" % number
        sender = Sender(receiver.port, sop_class=sop_class, transfer_syntax=syntax)
        assert sender.answer[0] == 2, "the association was not accepted"
        assert sender.store(sop, raw_dataset(study, series, sop, "P1", sop_class=sop_class)) == 0
        sender.release()
    assert receiver.finish() == [0, 0, 0]
    kept = [one for pack in receiver.packs[study] for one in read_pack(pack)]
    assert kept == ["1.2.3.0", "1.2.3.1", "1.2.3.2"], kept
    receiver.close()


@test
def what_is_no_object_to_store_is_not_negotiated(site):
    receiver = site.receive({})
    study_root_find, storage_commitment = "1.2.840.10008.5.1.4.1.2.2.1", "1.2.840.10008.1.20.1"
    for sop_class, syntax in ((study_root_find, EXPLICIT), (storage_commitment, EXPLICIT), ("1.2.", EXPLICIT),
                              (MR, "not a uid")):
        assert Sender(receiver.port, sop_class=sop_class, transfer_syntax=syntax).answer[0] == 3, (sop_class, syntax)
    receiver.finish()
    receiver.close()


@test
def objects_that_contradict_their_command_are_refused(site):
    study, series = generate_uid(), generate_uid()
    receiver = site.receive({study: "P1"})
    sender = Sender(receiver.port)
    assert sender.store("1.2.3.9", raw_dataset(study, series, "1.2.3.8", "P1")) == 0xA900
    assert sender.store("1.2.3.9", raw_dataset("../../evil", series, "1.2.3.9", "P1")) == 0xC000
    assert sender.store("1.2.3.9", b"\x08\x00") == 0xC000
    assert sender.store("1.2.3.9", raw_dataset(study, series, "1.2.3.9", "P1")) == 0
    sender.release()
    assert receiver.finish() == [0]
    receiver.close()


@test
def an_object_over_the_limit_is_refused_and_leaves_no_trace(site):
    study, series = generate_uid(), generate_uid()
    receiver = site.receive({study: "P1"}, job={"max_instance_bytes": 3_000_000})
    sender = Sender(receiver.port)
    filler = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 4_000_000) + bytes(4_000_000)
    assert sender.store("1.2.3.1", raw_dataset(study, series, "1.2.3.1", "P1", after_identity=filler)) == 0xA700
    assert sender.store("1.2.3.2", raw_dataset(study, series, "1.2.3.2", "P1")) == 0
    sender.release()
    receiver.finish()
    assert set(read_pack(receiver.packs[study][0])) == {"1.2.3.2"}
    receiver.close()


@test
def a_peer_that_goes_within_an_object_leaves_only_whole_records(site):
    study, series = generate_uid(), generate_uid()
    receiver = site.receive({study: "P1"})
    sender = Sender(receiver.port)
    assert sender.store("1.2.3.1", raw_dataset(study, series, "1.2.3.1", "P1")) == 0
    sender.store_command("1.2.3.2")
    sender.send(0, raw_dataset(study, series, "1.2.3.2", "P1", after_identity=bytes(50_000)))
    sender.socket.close()
    assert receiver.finish() == [1]
    assert set(read_pack(receiver.packs[study][0])) == {"1.2.3.1"}
    assert receiver.of_kind("association_ended")[0]["outcome"] == "aborted"
    receiver.close()


@test
def slow_and_silent_peers_are_cut(site):
    limits = {"handshake_timeout_ms": 600, "association_idle_ms": 600, "instance_idle_ms": 500,
              "instance_total_ms": 900}
    study = generate_uid()
    receiver = site.receive({study: "P1"}, job=limits)
    silent = socket.create_connection(("127.0.0.1", receiver.port))
    drip = socket.create_connection(("127.0.0.1", receiver.port))
    idle = Sender(receiver.port)
    slow = Sender(receiver.port)
    slow.store_command("1.2.3.1")
    request = Sender.request("SENDER", "PENSTOCK")
    start = time.monotonic()
    try:
        for byte in range(40):
            drip.send(request[byte:byte + 1])
            slow.send(0, b"\x08\x00\x05\x00CS\x02\x00" if byte == 0 else b"")
            time.sleep(0.1)
    except OSError:
        pass
    receiver.finish()
    assert time.monotonic() - start < 8
    outcomes = [m["outcome"] for m in receiver.of_kind("association_ended")]
    assert len(outcomes) == 4 and outcomes.count("timed_out") >= 3, receiver.of_kind("association_ended")
    for connection in (silent, drip, idle.socket, slow.socket):
        connection.close()
    receiver.close()


@test
def only_admitted_callers_of_our_title_associate(site):
    receiver = site.receive({})
    assert Sender(receiver.port, called="OTHER").answer[0] == 3
    receiver.admit = False
    assert Sender(receiver.port).answer[0] == 3
    receiver.finish()
    assert [m["outcome"] for m in receiver.of_kind("association_ended")] == ["rejected", "rejected"]
    receiver.close()


@test
def a_closed_study_is_let_go_and_asked_for_again(site):
    study, series = generate_uid(), generate_uid()
    receiver = site.receive({study: "P1"})
    sender = Sender(receiver.port)
    assert sender.store("1.2.3.1", raw_dataset(study, series, "1.2.3.1", "P1")) == 0
    receiver.children[0].tell({"kind": "close_study", "study_uid": study})
    while not receiver.of_kind("study_closed"):
        time.sleep(0.01)
    closed = receiver.of_kind("study_closed")[0]
    assert closed["records"] == 1 and closed["bytes"] == receiver.packs[study][0].stat().st_size, closed
    assert sender.store("1.2.3.2", raw_dataset(study, series, "1.2.3.2", "P1")) == 0
    sender.release()
    receiver.finish()
    assert [set(read_pack(path)) for path in receiver.packs[study]] == [{"1.2.3.1"}, {"1.2.3.2"}]
    receiver.close()


@test
def more_studies_than_are_kept_open_make_room(site):
    studies = {generate_uid(): "P1" for _ in range(20)}
    receiver = site.receive(studies)
    sender = Sender(receiver.port)
    for number, study in enumerate(studies):
        sop = f"1.2.3.{number}"
        assert sender.store(sop, raw_dataset(study, "1.2.4", sop, "P1")) == 0
    sender.release()
    assert receiver.finish() == [0]
    assert len(receiver.of_kind("study_closed")) == 20
    assert all(len(read_pack(paths[0])) == 1 for paths in receiver.packs.values())
    receiver.close()


@test
def the_child_is_locked_in_and_dies_with_its_channel(site):
    receiver = site.receive({})
    sender = Sender(receiver.port)
    child = receiver.children[0]
    status = pathlib.Path(f"/proc/{child.pid}/status").read_text()
    assert "Seccomp:\t2" in status and "NoNewPrivs:\t1" in status, status
    limits = pathlib.Path(f"/proc/{child.pid}/limits").read_text()
    assert "Max core file size        0" in limits, limits
    child.channel.shutdown(socket.SHUT_RDWR)
    assert child.wait(3) == 1
    sender.socket.close()
    receiver.close()


def main():
    program = str(pathlib.Path(sys.argv[1]) / "penstock-dimse")
    chosen = sys.argv[2:]
    failures, passed = 0, 0
    with tempfile.TemporaryDirectory() as directory:
        site = Site(program, directory)
        for case in TESTS:
            if chosen and case.__name__ not in chosen:
                continue
            start = time.monotonic()
            try:
                case(site)
                passed += 1
                print(f"ok      {case.__name__} ({time.monotonic() - start:.2f} s)", flush=True)
            except Exception:
                failures += 1
                print(f"FAILED  {case.__name__}\n{traceback.format_exc()}", flush=True)
        site.close()
    print(f"{passed} passed, {failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
