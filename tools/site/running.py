"""A complete site: archives, rules, keys and the server, from start to stop."""
import fcntl
import json
import os
import subprocess
import time
import urllib.request

from tools.site import archives, contract
from tools.site.people import CITY, GENERAL
from tools.site.processes import Child, SiteError, free_ports, stop_strays

SERVER_START_TIMEOUT_S = 30
SERVER_STOP_TIMEOUT_S = 25
ARCHIVE_STOP_TIMEOUT_S = 10
SERVER_PORTS = ("control", "data", "http", "dicom")
READY, STOPPED = "site.json", "site.stopped.json"
PROGRAMS = ("penstockd", "penstock-dimse", "penstock")
OURS = PROGRAMS + ("dcmqrscp", "Orthanc")


class Site:
    """All that tools/sandbox starts. Everything lies under `folder`; `say` is told what happens."""

    def __init__(self, folder, programs, say):
        self.folder, self._programs, self._say = os.path.abspath(folder), os.path.abspath(programs), say
        self.children = {}
        self.description = None
        self._lock = None  # held while this object may touch the folder

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def start(self, scale, cache):
        """Returns when everything answers and site.json is there."""
        self._take_folder()
        if os.path.exists(self.path("penstockd.toml")):
            raise SiteError("%s holds a site already; name an empty folder, or add --again" % self.folder)
        began = time.monotonic()
        prepared = archives.prepared_archives(scale, cache, self._say)
        for name in ("log", "state"):
            os.makedirs(self.path(name))
        archives.copy_archives(prepared, self.folder)
        names = SERVER_PORTS + ("orthanc_http", GENERAL, CITY)
        ports, keys = dict(zip(names, free_ports(len(names)))), contract.make_keys()
        contract.write_keys(self.path("keys"), keys, "tcp://127.0.0.1:%d" % ports["control"])
        contract.write_rules(self.folder, keys, ports, scale)
        contract.write_settings(self.folder, {name: ports[name] for name in SERVER_PORTS})
        self.description = self._describe(ports, keys)
        self._publish(STOPPED)
        self._run(ports)
        self._say("ready after %.1f s" % (time.monotonic() - began))

    def start_again(self):
        """The same for a folder whose site was stopped: its state, keys, rules and ports."""
        self._take_folder()
        if os.path.exists(self.path(READY)):
            os.rename(self.path(READY), self.path(STOPPED))
        if not os.path.exists(self.path(STOPPED)):
            raise SiteError("%s holds no site; leave out --again to make one" % self.folder)
        with open(self.path(STOPPED), encoding="utf-8") as file:
            self.description = {**json.load(file), "bin": self._programs}
        stop_strays(self.folder, OURS)
        pacs = self.description["pacs"]
        self._run({"dicom": self.description["dicom"]["port"], "http": port_of(self.description["http"]),
                   "orthanc_http": port_of(pacs[CITY]["http"]), **{name: pacs[name]["port"] for name in pacs}})
        self._say("ready")

    def _take_folder(self):
        os.makedirs(self.folder, exist_ok=True)
        lock = open(self.path("sandbox.lock"), "w", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            raise SiteError("a site runs on %s already" % self.folder) from None
        self._lock = lock

    def _run(self, ports):
        self._start_archives(ports)
        self._start_server(ports["http"])
        self.description["pids"] = {name: child.pid for name, child in self.children.items()}
        self._publish(READY)
        os.unlink(self.path(STOPPED))

    def _publish(self, name):
        part = self.path(name + ".part")
        with open(part, "w", encoding="utf-8") as file:
            json.dump(self.description, file, indent=1)
        os.rename(part, self.path(name))

    def _start_archives(self, ports):
        destination = contract.AE_TITLE, ports["dicom"]
        self._say("starting dcmqrscp as General Hospital, Orthanc as City Hospital")
        self.children[GENERAL] = archives.start_dcmqrscp(self.path(GENERAL), self.path("log", "gh-rad.log"),
                                                         contract.PACS[GENERAL].ae_title, ports[GENERAL], destination)
        self.children[CITY] = archives.start_orthanc(self.path(CITY), self.path("log", "ch-rad.log"),
                                                     contract.PACS[CITY].ae_title, ports[CITY], ports["orthanc_http"],
                                                     destination)

    def _start_server(self, http_port):
        self._say("starting penstockd")
        command = [os.path.join(self._programs, "penstockd"), "--config", self.path("penstockd.toml")]
        server = Child("penstockd", command, self.path("log", "penstockd.log"))
        self.children["penstockd"] = server
        server.wait_until(lambda: is_healthy(http_port), SERVER_START_TIMEOUT_S)

    def _describe(self, ports, keys):
        loopback = "127.0.0.1"
        pacs = {pacs_id: {"ae_title": entry.ae_title, "host": loopback, "port": ports[pacs_id], "kind": entry.kind}
                for pacs_id, entry in contract.PACS.items()}
        pacs[CITY]["http"] = "http://%s:%d" % (loopback, ports["orthanc_http"])
        return {"control": "tcp://%s:%d" % (loopback, ports["control"]), "server_key": keys["server"][0],
                "http": "http://%s:%d" % (loopback, ports["http"]),
                "dicom": {"ae_title": contract.AE_TITLE, "host": loopback, "port": ports["dicom"]},
                "users": {name: {"public": keys[name][0], "secret": keys[name][1],
                                 "config": self.path("keys", name + ".json")} for name in contract.USERS},
                "projects": {name: {"members": list(project.members)} for name, project in contract.PROJECTS.items()},
                "pacs": pacs, "corpus": self.path("corpus", "manifest.json"), "rules": self.path("governance.toml"),
                "settings": self.path("penstockd.toml"), "state": self.path("state"),
                "pids": {}, "bin": self._programs}

    def ended(self):
        """Names and exit codes of children that ended since the last call."""
        gone = {name: child.exit_code() for name, child in self.children.items() if child.exit_code() is not None}
        for name in gone:
            del self.children[name]
        return gone

    def stop(self):
        """Server first, so that it sees its PACS go last; then whatever else was started on this folder."""
        if not self._lock:
            return
        for name in ("penstockd", GENERAL, CITY):
            child = self.children.pop(name, None)
            if child:
                child.stop(SERVER_STOP_TIMEOUT_S if name == "penstockd" else ARCHIVE_STOP_TIMEOUT_S)
        stop_strays(self.folder, OURS)
        if os.path.exists(self.path(READY)):
            os.rename(self.path(READY), self.path(STOPPED))
        self._lock.close()
        self._lock = None


def port_of(address):
    return int(address.rsplit(":", 1)[1])


def is_healthy(http_port):
    try:
        return urllib.request.urlopen("http://127.0.0.1:%d/healthz" % http_port, timeout=2).status == 200
    except OSError:
        return False


def build_programs(root, say):
    """The folder of the release programs, built when they are not there."""
    programs = os.path.join(root, ".build", "release", "bin")
    if not os.path.exists(os.path.join(programs, "penstockd")):
        say("building Penstock (some minutes, once)")
        subprocess.run(["cmake", "--preset", "release"], cwd=root, check=True, stdout=subprocess.DEVNULL)
        subprocess.run(["ninja", "-C", os.path.dirname(programs)] + list(PROGRAMS), check=True)
    return programs
