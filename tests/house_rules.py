#!/usr/bin/python3
"""Reads the tree and fails where a rule of the house is broken. Every file under every rule is one test.

  tests/house_rules.py [--no-headers]     the last line is "N passed, N failed"

Rules: includes point down the table below, libraries stay in their places, no include cycles, sizes of files, lines and
functions, every folder has a README, every header compiles alone: it comes first in a source file of the build, or is
compiled here (remembered under .build/ by content).
"""
import concurrent.futures
import hashlib
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCE_LINES, HEADER_LINES, FUNCTION_LINES, LINE_COLUMNS, README_LINES = 500, 250, 60, 120, 80
CODE_FOLDERS = ("messages", "conf", "storage", "actors", "gateways", "tools", "tests")
README_FOLDERS = ("", *CODE_FOLDERS)
TEXT_ENDINGS = (".cpp", ".hpp", ".py", ".cmake", ".sh", "CMakeLists.txt")

# Who may include what of ours: a prefix of the include, by the first folder of the includer.
FLOORS = {"messages": ("messages/",), "conf": ("conf/", "messages/"),
          "storage": ("storage/", "messages/", "conf/settings.hpp"),
          "actors": ("actors/", "messages/", "conf/", "storage/"),
          "gateways": ("gateways/", "messages/", "conf/", "storage/"),
          "tools": ("tools/", "messages/", "conf/", "storage/", "actors/", "gateways/"),
          "tests": ("",)}

# Who may include a library: pattern of the header, patterns of the only files that may.
LIBRARIES = (
    (r"toml\+\+/", (r"conf/.*\.cpp",)),
    (r"rocksdb/", (r"storage/.*\.cpp", r"tests/storage/")),
    (r"botan/", (r"storage/.*\.cpp", r"tests/storage/")),
    (r"zmq(_addon)?\.h", (r"gateways/", r"tools/(client|bench|penstockd)/", r"tests/(gateways|client|support)/")),
    (r"termpaintx?\.h", (r"tools/console/terminal_screen\.cpp",)),
    (r"httplib\.h", (r"gateways/", r"tests/(gateways|support)/")),
    (r"dcmtk/dcm(net|tls)/", (r"tools/dimse/",)),
    (r"dcmtk/", (r"tools/", r"tests/(dimse|client|storage)/")),
    (r"CLI/", (r"tools/",)),
    (r"openssl/", (r"conf/tls_files\.cpp", r"tools/dimse/tls_", r"tests/conf/")),
    (r"caf/(type_id|typed_actor|fwd|error|sec|message|atom|result)\.hpp",
     (r"messages/", r"actors/", r"gateways/", r"tools/", r"tests/")),
    (r"caf/", (r"actors/", r"gateways/actor_port", r"tools/(penstockd|bench)/",
               r"tests/(actors|gateways|support|messages)/")),
    (r"thread$|sys/socket\.h", (r"(?!actors/).*", r"actors/hosting\.")),
)
# Actors never wait by sleeping; the one that may outlives its own scheduler.
SLEEP, SLEEPERS = re.compile(r"this_thread::sleep|\b(?:usleep|nanosleep)\b"), (r"(?!actors/).*", r"actors/hosting\.")
HEADER_FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror",
                "-DCAF_ENABLE_TYPE_ID_CHECKS", "-DBOOST_TEST_DYN_LINK", "-DPENSTOCK_SOURCE_DIR=\"\"",
                "-DPENSTOCK_PROGRAM_DIR=\"\"", "-DPENSTOCK_VERSION=\"0\"", "-I", ROOT]
HEADER_TIMEOUT_S = 900
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


class Report:
    """Counts tests and prints what failed, as FILE:LINE: what."""

    def __init__(self):
        self.passed = self.failed = 0

    def test(self, faults):
        """One test: it passed when there is no fault."""
        for fault in faults:
            print("house rules: " + fault)
        if faults:
            self.failed += 1
        else:
            self.passed += 1


def list_files():
    found = []
    for folder in CODE_FOLDERS:
        for base, folders, names in os.walk(os.path.join(ROOT, folder)):
            folders[:] = sorted(name for name in folders if name != "__pycache__")
            found += [os.path.relpath(os.path.join(base, name), ROOT) for name in sorted(names)]
    return found


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def includes_of(text):
    """(line number, is quoted, what) for every include."""
    return [(text.count("\n", 0, match.start(2)) + 1, match.group(1) == '"', match.group(2))
            for match in INCLUDE.finditer(text)]


# ------------------------------------------------------------------------------------------------------------ one file

def check_includes(path, text):
    faults = []
    allowed = FLOORS[path.split("/")[0]]
    for line, quoted, target in includes_of(text):
        where = "%s:%d: " % (path, line)
        if ".." in target.split("/"):
            faults.append(where + "includes are written from the root, without ..")
        elif quoted and not os.path.exists(os.path.join(ROOT, target)):
            faults.append(where + '"%s" is not a file of this project seen from the root' % target)
        elif quoted and not target.startswith(allowed):
            faults.append(where + "%s may not include %s" % (path.split("/")[0] + "/", target))
        elif not quoted:
            faults += [where + fault for fault in check_library(path, target)]
    if SLEEP.search(without_words(text)) and not any(re.match(place, path) for place in SLEEPERS):
        faults.append(path + ":1: an actor does not sleep")
    if path.endswith(".hpp") and "#pragma once" not in text:
        faults.append(path + ":1: a header begins with #pragma once")
    return faults


def check_library(path, target):
    for pattern, places in LIBRARIES:
        if re.match(pattern, target):
            if any(re.match(place, path) for place in places):
                return []
            return ["<%s> may not be included here (see LIBRARIES in tests/house_rules.py)" % target]
    return []


def check_sizes(path, text):
    lines = text.splitlines()
    limit = HEADER_LINES if path.endswith(".hpp") else SOURCE_LINES
    faults = ["%s:%d: line of %d characters (limit %d)" % (path, number, len(line), LINE_COLUMNS)
              for number, line in enumerate(lines, start=1) if len(line) > LINE_COLUMNS]
    if len(lines) > limit:
        faults.append("%s:%d: file of %d lines (limit %d)" % (path, limit, len(lines), limit))
    return faults


def check_functions(path, text):
    spans = python_functions(text) if path.endswith(".py") else cpp_functions(text)
    return ["%s:%d: function of %d lines (limit %d)" % (path, first, last - first + 1, FUNCTION_LINES)
            for first, last in spans if last - first + 1 > FUNCTION_LINES]


def python_functions(text):
    """(first, last) line of every def."""
    lines, spans = text.splitlines(), []
    for number, line in enumerate(lines):
        match = re.match(r"(\s*)def ", line)
        if not match:
            continue
        last = number
        for later in range(number + 1, len(lines)):
            if lines[later].strip():
                indent = len(lines[later]) - len(lines[later].lstrip())
                if indent <= len(match.group(1)) and not lines[later].strip().startswith(")"):
                    break
                last = later
        spans.append((number + 1, last + 1))
    return spans


# ----------------------------------------------------------------------------------------------------- functions in C++

# Raw strings, comments, strings, characters (not the separators of digits).
BLANKED = re.compile(r'R"([^(\s]{0,16})\(.*?\)\1"|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"'
                     r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'", re.DOTALL)
TEMPLATE = re.compile(r"\btemplate\s*<(?:[^<>]|<(?:[^<>]|<[^<>]*>)*>)*>")
ACCESS = re.compile(r"^\s*(?:public|private|protected)\s*:", re.MULTILINE)
SCOPE = re.compile(r"\bnamespace\b|\bextern\s*$")
TYPE = re.compile(r"^\s*(?:typedef\s+)?(?:class|struct|union|enum)\b(?![^{]*\)\s*(?:const|noexcept|->|$))")
MEMBER_LIST = re.compile(r"\)\s*(?:noexcept(?:\s*\([^)]*\))?\s*)?:(?!:)")


def blank_lines(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def without_words(text):
    """`text` with its comments, strings and characters blanked out."""
    return BLANKED.sub(blank_lines, text)


def cpp_functions(text):
    """(first, last) line of every function body together with its signature; lambdas count to what holds them."""
    text = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", blank_lines, without_words(text), flags=re.MULTILINE)
    spans, head, position = [], 0, 0
    while position < len(text):
        character = text[position]
        if character in ";}":
            head = position + 1
        elif character == "{":
            position, head, span = open_brace(text, head, position)
            spans += [span] if span else []
            continue
        position += 1
    return spans


def open_brace(text, head, position):
    """Takes the brace at `position` of the declaration from `head`: next position, next head, lines of a function."""
    declaration = ACCESS.sub(lambda match: " " * len(match.group(0)), TEMPLATE.sub("", text[head:position]))
    if SCOPE.search(declaration) or TYPE.match(declaration):
        return position + 1, position + 1, None
    end = matching_brace(text, position)
    before = declaration.rstrip()[-1:]
    if MEMBER_LIST.search(declaration) and (before.isalnum() or before in "_>"):
        return end + 1, head, None  # the initialiser of a member: the body is yet to come
    if "(" not in declaration or before == "=":
        return end + 1, head, None
    visible = ACCESS.sub(lambda match: re.sub(r"\S", " ", match.group(0)), text[head:position])
    first = head + len(visible) - len(visible.lstrip())
    return end + 1, end + 1, (text.count("\n", 0, first) + 1, text.count("\n", 0, end) + 1)


def matching_brace(text, position):
    depth = 0
    for match in re.compile(r"[{}]").finditer(text, position):
        depth += 1 if match.group(0) == "{" else -1
        if depth == 0:
            return match.start()
    return len(text) - 1


# A source and the lines of its functions: the scanner is checked before it judges.
SAMPLE = """\
namespace a::b {
class foo : public bar<int> {
 public:
  foo() : a_{1}, b_{2} {
    x();
  }
  int f() const noexcept override {
    auto l = [&](int q) { return q; };  // }
    return 'a' + "}{"[0] + 1'000;
  }
  std::string s_{};
};
template <class T>
struct result {
  operator bool() const { return true; }
};
constexpr int table[] = {1,
                         2};
auto g() -> int
{
  return R"({{{)"[0];
}
enum class e : int { a, b };
struct cmd make(struct q* z) {
  return {};
}
}  // namespace a::b
"""
SAMPLE_FUNCTIONS = [(4, 6), (7, 10), (15, 15), (19, 22), (24, 26)]


def check_scanner():
    found = cpp_functions(SAMPLE)
    return [] if found == SAMPLE_FUNCTIONS else ["tests/house_rules.py: the scanner finds functions at %s" % found]


# ------------------------------------------------------------------------------------------------------- the whole tree

def include_graph(texts):
    return {path: [target for _, quoted, target in includes_of(text) if quoted and target in texts]
            for path, text in texts.items()}


def find_cycle(graph):
    """One include cycle as a list of files, or nothing."""
    state = {}

    def visit(node, trail):
        state[node] = "open"
        for target in graph[node]:
            if state.get(target) == "open":
                return trail[trail.index(target):] + [target] if target in trail else [node, target]
            if target not in state:
                found = visit(target, trail + [target])
                if found:
                    return found
        state[node] = "done"
        return None

    for node in sorted(graph):
        if node not in state:
            found = visit(node, [node])
            if found:
                return found
    return None


def check_readmes():
    faults = []
    for folder in README_FOLDERS:
        path = os.path.join(folder, "README.md")
        if not os.path.exists(os.path.join(ROOT, path)):
            faults.append(path + ": is missing")
        elif folder and len(read(path).splitlines()) > README_LINES:
            faults.append(path + ": longer than a page (%d lines)" % README_LINES)
    return faults


def output_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def without_proof(code):
    """The headers that no source file includes before anything else: of those the build itself shows nothing."""
    first = {includes_of(text)[0][2] for path, text in code.items() if path.endswith(".cpp") and includes_of(text)}
    return [path for path in code if path.endswith(".hpp") and path not in first]


class HeaderCompiler:
    """Compiles headers alone; remembers by content of the header and of all it includes which ones did."""

    def __init__(self, texts, graph):
        self._texts, self._graph = texts, graph
        self._stamps = os.path.join(ROOT, ".build", "house_rules")
        os.makedirs(self._stamps, exist_ok=True)
        packages = output_of("pkg-config", "--cflags", "botan-2", "libzmq").split()
        self._command = ["g++", *HEADER_FLAGS, *packages, "-x", "c++", "-"]
        self._salt = " ".join(self._command) + output_of("g++", "-dumpfullversion")

    def check(self, path):
        stamp = os.path.join(self._stamps, self._key(path))
        if os.path.exists(stamp):
            return []
        try:
            done = subprocess.run(self._command, input='#include "%s"\n' % path, capture_output=True, text=True,
                                  check=False, timeout=HEADER_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return ["%s:1: the compiler did not end in %d s" % (path, HEADER_TIMEOUT_S)]
        if done.returncode:
            errors = [line for line in done.stderr.splitlines() if "error" in line]
            return ["%s:1: does not compile alone: %s" % (path, (errors or ["?"])[0])]
        open(stamp, "w").close()
        return []

    def _key(self, path):
        reached, waiting = set(), [path]
        while waiting:
            node = waiting.pop()
            if node not in reached:
                reached.add(node)
                waiting += self._graph[node]
        digest = hashlib.sha256(self._salt.encode())
        for node in sorted(reached):
            digest.update((node + "\0" + self._texts[node]).encode())
        return digest.hexdigest()[:32]


def main():
    report = Report()
    texts = {path: read(path) for path in list_files() if path.endswith(TEXT_ENDINGS)}
    code = {path: text for path, text in texts.items() if path.endswith((".cpp", ".hpp"))}
    for path, text in texts.items():
        report.test(check_sizes(path, text))
        if path in code:
            report.test(check_includes(path, text))
        if path.endswith((".cpp", ".hpp", ".py")):
            report.test(check_functions(path, text))
    graph = include_graph(code)
    cycle = find_cycle(graph)
    report.test(["include cycle: " + " -> ".join(cycle)] if cycle else [])
    report.test(check_readmes())
    report.test(check_scanner())
    if "--no-headers" not in sys.argv[1:]:
        compiler = HeaderCompiler(code, graph)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for faults in pool.map(compiler.check, without_proof(code)):
                report.test(faults)
    print("%d passed, %d failed" % (report.passed, report.failed))
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
