#!/usr/bin/python3
"""penstock-governance(5) out of the commented example: governance_page.py conf/governance.toml > penstock-governance.5

The leading comment is the description; each "# ---- TITLE ---" begins a part, whose lines are shown as they are.
"""
import re
import sys

HEAD = """\
.TH PENSTOCK\\-GOVERNANCE 5 2026-11-22 Penstock "File Formats"
.SH NAME
penstock\\-governance \\- the rules file of Penstock: who may take what from where, how fast and until when
.SH DESCRIPTION
"""
TAIL = """\
.SH EXAMPLES
.TP
.B penstock governance check proposed.toml
says what is wrong with a file, or what it would change and whom it would stop.
.TP
.B penstock governor simulate \\-\\-rules proposed.toml \\-\\-days 7
says hour by hour what it would start.
.SH SEE ALSO
.BR penstock (1),
.BR penstockd (8)
"""
PART = re.compile(r"# -{4} (.*?) -+$")


def roff(text):
    """A line that roff shows as it is."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text.startswith((".", "'")) else text


def page(toml):
    """The page for a commented example."""
    lines = toml.splitlines()
    end = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    text = HEAD + "\n".join(".PP" if line == "#" else roff(line.lstrip("# ")) for line in lines[:end]) + "\n"
    text += ".SH KEYS\nEvery key, in an example; a value after \\(lqdefault\\(rq is what its absence means.\n.PP\n.nf\n"
    for line in lines[end:]:
        part = PART.match(line)
        text += ".fi\n.SS %s\n.nf\n" % roff(part.group(1)) if part else roff(line) + "\n"
    return text + ".fi\n" + TAIL


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        sys.stdout.write(page(file.read()))
