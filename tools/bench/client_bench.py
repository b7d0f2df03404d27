#!/usr/bin/python3
"""How fast the client verifies what it has, and how fast a sealed download comes home.

  tools/bench/client_bench.py [--bin DIR] [--megabytes N] [--rounds N] [--quick]

Starts a small site (as tools/sandbox does), gives Orthanc studies of so many megabytes and has the researcher's project
fetch them. Then, in turns, so that all meet the same machine:

  verify    `penstock open verify` of the sealed folder, against `openssl speed` of AES-128-GCM on one core
  download  `penstock download` (sealed, written to the disk, read by nobody before), against Orthanc's REST archive of
            the same studies, and against curl of a plain file of the same size from a local HTTPS server (openssl
            s_server), each written to the same disk

Prints each round and the median of the ratios.
"""
import argparse
import contextlib
import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [ROOT, os.path.join(ROOT, "tests", "system")]

import numpy  # noqa: E402
import pydicom  # noqa: E402

from harness import eventually, requests_of, running_site, submit  # noqa: E402

PROJECT, PACS, MIB = "alz-brain", "ch-rad", 1 << 20
ENDED = ("completed", "incomplete", "failed", "cancelled")
CT_STORAGE = "1.2.840.10008.5.1.4.1.1.2"
ROWS = 512
IMAGE_BYTES = 2 * ROWS * ROWS
STUDIES = 4
SPEED_SECONDS = 2
TIMEOUT_S = 900


# ------------------------------------------------------------------------------------------------------------- the data

def ct_images(site, megabytes):
    """Part 10 files of CT images of 512 KiB, in a few studies of one patient that the project may have."""
    patient = next(each for each in site.manifest["patients"] if PACS in each["mrns"])
    identity, noise = patient["mrns"][PACS], numpy.random.default_rng(1)
    series = [(pydicom.uid.generate_uid(), pydicom.uid.generate_uid()) for _ in range(STUDIES)]
    for number in range(megabytes * MIB // IMAGE_BYTES):
        study, uid = series[number % STUDIES][0], pydicom.uid.generate_uid()
        meta = pydicom.dataset.FileMetaDataset()
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = CT_STORAGE, uid
        meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
        image = pydicom.dataset.FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
        image.PatientID, image.IssuerOfPatientID, image.PatientName = identity["mrn"], identity["issuer"], "Bench^Mark"
        image.StudyInstanceUID, image.SeriesInstanceUID = study, series[number % STUDIES][1]
        image.SOPClassUID, image.SOPInstanceUID, image.Modality = CT_STORAGE, uid, "CT"
        image.StudyDate, image.AccessionNumber, image.StudyID = "20200202", "BENCH%d" % (number % STUDIES), "1"
        image.SeriesNumber, image.InstanceNumber = 1, number
        image.Rows = image.Columns = ROWS
        image.SamplesPerPixel, image.PhotometricInterpretation, image.PixelRepresentation = 1, "MONOCHROME2", 0
        image.BitsAllocated, image.BitsStored, image.HighBit = 16, 12, 11
        # 12 bits of noise: neither side can make it smaller.
        image.PixelData = noise.integers(0, 4096, ROWS * ROWS, dtype=numpy.uint16).tobytes()
        image.is_little_endian, image.is_implicit_VR = True, False
        yield study, image


def orthanc_url(site):
    """Where Orthanc answers over REST."""
    return site.facts["pacs"][PACS]["http"]


def fill(site, megabytes, folder):
    """The UIDs of the studies, which are with Orthanc and in the project's repository then."""
    studies = set()
    for study, image in ct_images(site, megabytes):
        path = os.path.join(folder, "image.dcm")
        image.save_as(path, write_like_original=False)
        with open(path, "rb") as file:
            urllib.request.urlopen(urllib.request.Request(orthanc_url(site) + "/instances", file.read())).close()
        studies.add(study)
    os.unlink(path)
    with site.connect("amy") as control:
        submit(control, [{"pacs": PACS, "StudyInstanceUID": uid} for uid in sorted(studies)], PROJECT)
        eventually(lambda: all(one["state"] in ENDED for one in requests_of(control, PROJECT).values()), TIMEOUT_S,
                   "the repository is filled")
        states = {one["state"] for one in requests_of(control, PROJECT).values()}
    if states != {"completed"}:
        raise RuntimeError("the studies were not fetched: %s" % states)
    return sorted(studies)


# --------------------------------------------------------------------------------------------------------- the measures

def seconds_of(work):
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def bytes_below(folder):
    return sum(os.path.getsize(os.path.join(base, name)) for base, _, names in os.walk(folder) for name in names)


def openssl_gcm():
    """MB/s of AES-128-GCM on blocks of 256 KiB, which is a segment; by the clock on the wall, as ours is taken."""
    done = subprocess.run(["openssl", "speed", "-elapsed", "-seconds", str(SPEED_SECONDS), "-bytes", "262144",
                           "-evp", "aes-128-gcm"], capture_output=True, text=True, check=True)
    return float(re.findall(r"([\d.]+)k\s*$", done.stdout.strip())[0]) / 1000


def run_penstock(site, *arguments):
    done = site.program("penstock", *arguments, timeout_s=TIMEOUT_S)
    if done.returncode:
        raise RuntimeError("penstock %s: %s%s" % (arguments[0], done.stdout, done.stderr))


def fetch_archive(site, studies, path):
    """Orthanc's ZIP of the same studies, as its web page offers it; synced, as our client's files are."""
    wish = json.dumps({"Level": "Study", "Query": {}, "Expand": True}).encode()
    with urllib.request.urlopen(urllib.request.Request(orthanc_url(site) + "/tools/find", wish)) as answer:
        ids = [one["ID"] for one in json.load(answer) if one["MainDicomTags"]["StudyInstanceUID"] in studies]
    wish = json.dumps({"Resources": ids, "Synchronous": True})
    subprocess.run(["curl", "-sSf", "-o", path, "-d", wish, orthanc_url(site) + "/tools/create-archive"], check=True)
    subprocess.run(["sync", path], check=True)


@contextlib.contextmanager
def https_server(folder):
    """The port of a TLS server that serves the files of the folder."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-keyout", "key.pem", "-out", "certificate.pem"], cwd=folder, check=True, capture_output=True)
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    with subprocess.Popen(["openssl", "s_server", "-quiet", "-accept", str(port), "-key", "key.pem", "-cert",
                           "certificate.pem", "-WWW"], cwd=folder, stdout=subprocess.DEVNULL) as server:
        try:
            time.sleep(0.5)
            yield port
        finally:
            server.kill()


def fetch_https(port, path):
    subprocess.run(["curl", "-sSfk", "-o", path, "https://127.0.0.1:%d/plain.bin" % port], check=True)
    subprocess.run(["sync", path], check=True)


def measure(site, studies, folder, port, rounds):
    """A dict of MB/s for each round."""
    key, home = os.path.join(folder, "bench.key"), os.path.join(folder, "images")
    other = os.path.join(folder, "other")
    run_penstock(site, "key", "new", key)
    which = [word for uid in studies for word in ("--study", uid)]
    found = []
    for _ in range(rounds):
        shutil.rmtree(home, ignore_errors=True)
        speed = {}
        taken = seconds_of(lambda: run_penstock(site, "download", "--to", home, "--key-file", key, *which))
        speed["download"] = bytes_below(home) / taken / 1e6
        taken = seconds_of(lambda: fetch_archive(site, studies, other))
        speed["archive"] = os.path.getsize(other) / taken / 1e6
        taken = seconds_of(lambda: fetch_https(port, other))
        speed["https"] = os.path.getsize(other) / taken / 1e6
        os.unlink(other)
        taken = seconds_of(lambda: run_penstock(site, "open", "verify", home, "--key-file", key))
        speed["verify"] = bytes_below(home) / taken / 1e6
        speed["gcm"] = openssl_gcm()
        found.append(speed)
    return found


def report(found):
    print("   MB/s | download | Orthanc's archive | curl, HTTPS | open verify | openssl AES-128-GCM")
    for one in found:
        print("        | %8.0f | %17.0f | %11.0f | %11.0f | %8.0f" %
              (one["download"], one["archive"], one["https"], one["verify"], one["gcm"]))
    def ratio(ours, theirs):
        return statistics.median(one[ours] / one[theirs] for one in found)
    print("sealed download against Orthanc's archive: %.2f x" % ratio("download", "archive"))
    print("sealed download against curl of a plain file over HTTPS: %.2f x" % ratio("download", "https"))
    print("open verify against openssl's AES-128-GCM: %.2f x" % ratio("verify", "gcm"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", default=os.path.join(ROOT, ".build", "release", "bin"))
    parser.add_argument("--megabytes", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="40 MB, once")
    options = parser.parse_args()
    sys.argv = [sys.argv[0], options.bin]  # where running_site looks
    megabytes, rounds = (40, 1) if options.quick else (options.megabytes, options.rounds)
    with running_site() as site, tempfile.TemporaryDirectory() as folder:
        studies = fill(site, megabytes, folder)
        with open(os.path.join(folder, "plain.bin"), "wb") as file:
            for _ in range(megabytes):
                file.write(os.urandom(MIB))
        with https_server(folder) as port:
            report(measure(site, studies, folder, port, rounds))


if __name__ == "__main__":
    main()
