"""The two real PACS of a site: dcmqrscp (General Hospital) and Orthanc (City Hospital)."""
import glob
import hashlib
import http.client
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.request

from tools.site.people import CITY, GENERAL
from tools.site.processes import Child, SiteError, free_ports, listens

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
START_TIMEOUT_S = 30
UPLOAD_THREADS = 4
MAX_PDU_BYTES = 131072
# dcmqrscp clamps larger values: studies in the archive, size of one.
ARCHIVE_ROOM = "(500, 1024mb)"

DCMQRSCP_CONFIG = """\
NetworkTCPPort  = {port}
MaxPDUSize      = {pdu}
MaxAssociations = 32

HostTable BEGIN
penstock = ({destination_ae}, 127.0.0.1, {destination_port})
HostTable END

VendorTable BEGIN
VendorTable END

AETable BEGIN
{ae_title} . RW {room} ANY
AETable END
"""


# Every request with its instant: evidence of what was asked when, apart from the server's own word.
DCMQRSCP_LOG_CONFIG = """\
log4cplus.rootLogger = INFO, lines
log4cplus.appender.lines = log4cplus::ConsoleAppender
log4cplus.appender.lines.ImmediateFlush = true
log4cplus.appender.lines.layout = log4cplus::PatternLayout
log4cplus.appender.lines.layout.ConversionPattern = %d{%Y-%m-%d %H:%M:%S.%q} %i %m%n
"""


def start_dcmqrscp(folder, log, ae_title, port, destination):
    """Serves the archive in `folder` (images and index.dat); `destination` = (AE title, port) that it may move to."""
    config = os.path.join(folder, "dcmqrscp.cfg")
    with open(config, "w") as file:
        file.write(DCMQRSCP_CONFIG.format(port=port, pdu=MAX_PDU_BYTES, ae_title=ae_title, room=ARCHIVE_ROOM,
                                          destination_ae=destination[0], destination_port=destination[1]))
    log_config = os.path.join(folder, "dcmqrscp-log.cfg")
    with open(log_config, "w") as file:
        file.write(DCMQRSCP_LOG_CONFIG)
    child = Child(GENERAL, ["dcmqrscp", "--disable-host-lookup", "-lc", log_config, "-c", config], log, cwd=folder)
    child.wait_until(lambda: listens(port), START_TIMEOUT_S)
    return child


def start_orthanc(folder, log, ae_title, port, http_port, destination, **more):
    """Serves the storage in `folder`; moves only to `destination`, answers queries of that AE title only. `more` is
    added to its settings."""
    config = os.path.join(folder, "orthanc.json")
    with open(config, "w") as file:
        json.dump({"Name": ae_title, "StorageDirectory": folder, "IndexDirectory": folder, "Plugins": [],
                   "HttpPort": http_port, "DicomPort": port, "DicomAet": ae_title, "DicomCheckCalledAet": True,
                   "RemoteAccessAllowed": False, "AuthenticationEnabled": False, "HttpThreadsCount": 8,
                   "DicomModalities": {"penstock": [destination[0], "127.0.0.1", destination[1]]},
                   "DicomAlwaysAllowEcho": True, "DicomAlwaysAllowFind": False, "DicomAlwaysAllowGet": False,
                   "DicomAlwaysAllowMove": False, "DicomAlwaysAllowStore": True, "MaximumPduLength": MAX_PDU_BYTES,
                   "DicomScuTimeout": 30, "DefaultEncoding": "Utf8", "SyncStorageArea": False, "KeepAlive": True,
                   "TcpNoDelay": True, "HttpCompressionEnabled": False, "JobsHistorySize": 1000, **more}, file,
                  indent=1)
    child = Child(CITY, [orthanc_program(), config], log, cwd=folder)
    child.wait_until(lambda: _orthanc_is_up(http_port), START_TIMEOUT_S)
    return child


def orthanc_program():
    return shutil.which("Orthanc") or "/usr/sbin/Orthanc"


def _orthanc_is_up(http_port):
    try:
        return urllib.request.urlopen("http://127.0.0.1:%d/system" % http_port, timeout=2).status == 200
    except OSError:
        return False


def fill_dcmqrscp(folder, images):
    """Makes `folder` an archive of `images`; file names in its index are relative, so the folder can be copied."""
    os.makedirs(folder)
    names = []
    for path in images:
        names.append("-".join(path.split(os.sep)[-2:]))
        link_or_copy(path, os.path.join(folder, names[-1]))
    subprocess.run(["dcmqridx", "--quiet", "."] + names, cwd=folder, check=True)


def fill_orthanc(folder, images):
    """Makes `folder` a storage of `images` by running Orthanc on it for a while."""
    os.makedirs(folder)
    port, http_port = free_ports(2)
    child = start_orthanc(folder, os.path.join(folder, "fill.log"), "FILL", port, http_port, ("NOBODY", 1))
    try:
        _upload(http_port, images)
    finally:
        child.stop(START_TIMEOUT_S)
    os.unlink(os.path.join(folder, "fill.log"))


def _upload(http_port, images):
    waiting, faults = queue.Queue(), []
    for path in images:
        waiting.put(path)

    def work():
        connection = http.client.HTTPConnection("127.0.0.1", http_port, timeout=30)
        while not faults:
            try:
                path = waiting.get_nowait()
            except queue.Empty:
                return
            with open(path, "rb") as file:
                connection.request("POST", "/instances", file.read())
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                faults.append("%s: %d %s" % (path, answer.status, text[:200]))

    workers = [threading.Thread(target=work) for _ in range(UPLOAD_THREADS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if faults or not waiting.empty():
        raise SiteError("Orthanc refused the corpus: " + "; ".join(faults[:3]))


def link_or_copy(source, target):
    """A hard link where the file system has them: nobody changes these files in place."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy(source, target)


def prepared_archives(scale, cache, say):
    """A folder with corpus/, gh-rad/ and ch-rad/ ready to be copied; made once for every version of the recipe."""
    pictures = os.path.join(cache, "images")
    prepared = os.path.join(cache, "site-%s-%s" % (scale, _recipe_digest(pictures)))
    if os.path.isdir(prepared):
        return prepared
    os.makedirs(cache, exist_ok=True)
    part = tempfile.mkdtemp(prefix="making-", dir=cache)
    try:
        say("making the corpus (%s), once" % scale)
        corpus = os.path.join(part, "corpus")
        subprocess.run([sys.executable, os.path.join(ROOT, "tools", "corpus.py"), "--out", corpus, "--scale", scale,
                        "--cache", pictures], check=True, stdout=subprocess.DEVNULL)
        say("filling dcmqrscp and Orthanc, once")
        for pacs, fill in ((GENERAL, fill_dcmqrscp), (CITY, fill_orthanc)):
            fill(os.path.join(part, pacs), sorted(glob.glob(os.path.join(corpus, pacs, "*", "*.dcm"))))
        os.rename(part, prepared)
        _forget_older(cache, scale, prepared)
    except OSError:
        if not os.path.isdir(prepared):  # somebody else may have made it meanwhile
            raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return prepared


def _forget_older(cache, scale, keep):
    for other in glob.glob(os.path.join(cache, "site-%s-*" % scale)):
        if other != keep:
            shutil.rmtree(other, ignore_errors=True)


def _recipe_digest(pictures):
    digest = hashlib.sha256()
    for name in ("tools/corpus.py", "tools/site/images.py", "tools/site/people.py", "tools/site/archives.py"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    for program in ("dcmqridx", orthanc_program()):
        digest.update(subprocess.run([program, "--version"], capture_output=True, check=True).stdout.splitlines()[0])
    digest.update(repr(sorted(os.listdir(pictures)) if os.path.isdir(pictures) else []).encode())
    return digest.hexdigest()[:16]


def copy_archives(prepared, folder):
    """Gives a site its own archives: images by link, indexes by copy."""
    for part in ("corpus", GENERAL, CITY):
        for base, _, names in os.walk(os.path.join(prepared, part)):
            target = os.path.join(folder, os.path.relpath(base, prepared))
            os.makedirs(target, exist_ok=True)
            for name in names:
                changes = name.startswith(("index", "orthanc", "dcmqrscp"))
                (shutil.copy if changes else link_or_copy)(os.path.join(base, name), os.path.join(target, name))
