"""A lone server and its one PACS: penstock-pacs in the place of the General Hospital's. What tests ask of both."""
import contextlib
import os
import uuid

from harness import eventually, requests_of
from lone_server import PROJECT, LoneServer, programs
from pacs_tools import Pacs

from tools.site.people import GENERAL

TIMEOUT_S = 60
ENDED = ("completed", "incomplete", "failed", "cancelled")


class OnePacs:
    """Requests are those of a project's member: amy of alz-brain unless it is said whose."""

    def __init__(self, server, pacs):
        self.server, self.pacs = server, pacs

    def find(self, command, args, project=PROJECT, user="amy"):
        with self.server.connect(user) as control:
            return control.find(command, {"pacs": [GENERAL], **args}, project)

    def submit(self, uid, project=PROJECT, user="amy", **more):
        """The id of the request, which must be accepted."""
        with self.server.connect(user) as control:
            args = {"items": [{"pacs": GENERAL, "StudyInstanceUID": uid}], **more}
            row, = control.ask("requests.submit", args, project, op=uuid.uuid4().hex)["rows"]
        assert row["outcome"] == "accepted", row
        return row["request"]

    def request(self, number, project=PROJECT, user="amy"):
        with self.server.connect(user) as control:
            return requests_of(control, project)[number]

    def until(self, number, condition, *whose):
        def now():
            return self.request(number, *whose)
        return eventually(lambda: condition(now()) and now(), TIMEOUT_S, now)

    def ends(self, number, *whose):
        return self.until(number, lambda one: one["state"] in ENDED, *whose)

    def completes(self, number, instances, *whose):
        end = self.ends(number, *whose)
        assert end["state"] == "completed" and end["counts"]["received"] == instances, end
        return end

    def tell(self, command, number):
        """The row of the answer about that request."""
        with self.server.connect() as amy:
            row, = amy.ask(command, {"requests": [number]}, PROJECT, op=uuid.uuid4().hex)["rows"]
        return row

    def asked(self, uid, command="C-MOVE"):
        """Level and number of instances of each retrieval of that study that the PACS saw."""
        return [(line["level"], line["instances"]) for line in self.pacs.log("request", command + "-RQ")
                if line["study_uids"] == [uid]]


@contextlib.contextmanager
def one_pacs(script, added="", **changed):
    """`script`: a function of the port that takes what the PACS sends. In the rules of the PACS a line is `added`, and
    keys are `changed`."""
    with LoneServer() as server:
        with Pacs(programs(), os.path.join(server.folder, "pacs"), script(server.ports["dicom"])) as pacs:
            server.rule_general(port="%d\n%s" % (pacs.port, added), **changed)
            server.start()
            yield OnePacs(server, pacs)
