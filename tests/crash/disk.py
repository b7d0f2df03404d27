"""What a disk still holds after the power went: follows what fault_shim.cpp wrote down, and takes the rest away."""
import collections
import mmap
import os
import shutil
import stat
import struct

MAGIC, LOG_OFFSET, MEMORY_BYTES = 0x314d494853534e50, 8192, 256 << 20
CALLS = ("open", "write", "sync", "rename", "unlink", "link", "truncate", "mkdir", "rmdir", "send")
CLASSES = ("none", "core-wal", "core-manifest", "core-current", "core-table", "fence", "incoming-pack", "settled-pack",
           "catalogue-wal", "catalogue-other", "directory", "core-other", "other", "child")
POINT_AT, FAILURE_AT, MADE_AT = 32, 64, 88
SYNCED, OVERWRITTEN, SHORTENED, MADE, GONE, RENAMED, EXCHANGED = range(1, 8)
RECORD = struct.Struct("<IIQQQII")
BEFORE, AFTER = 1, 2
TORN_BLOCK = 512


class Memory:
    """The mapping that the shim and the parent share (shim_memory.hpp)."""

    def __init__(self, path):
        self.path = path
        with open(path, "wb") as file:
            file.truncate(MEMORY_BYTES)
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), MEMORY_BYTES)
        struct.pack_into("<QQ", self._map, 0, MAGIC, MEMORY_BYTES)

    def _number(self, at):
        return struct.unpack_from("<Q", self._map, at)[0]

    def close(self):
        self._map.close()

    @property
    def faults(self):
        """How many points and failing calls took effect."""
        return self._number(24)

    def arm_point(self, when, call, of, nth):
        struct.pack_into("<IIIIQQ", self._map, POINT_AT, 0, CALLS.index(call), CLASSES.index(of), 0, nth, 0)
        struct.pack_into("<I", self._map, POINT_AT, when)

    def arm_failure(self, error, calls, nth):
        bits = sum(1 << CALLS.index(call) for call in calls)
        struct.pack_into("<IIQQ", self._map, FAILURE_AT, 0, bits, nth, 0)
        struct.pack_into("<I", self._map, FAILURE_AT, error)

    def disarm(self):
        struct.pack_into("<I", self._map, POINT_AT, 0)
        struct.pack_into("<I", self._map, FAILURE_AT, 0)

    def failures_passed(self):
        """How many calls of the failing set were made since it was armed."""
        return self._number(FAILURE_AT + 16)

    def failed(self):
        """The call that failed last, in words."""
        what = self._number(MADE_AT + 8 * len(CALLS) * len(CLASSES))
        return "%s %s" % (CALLS[what // 256], CLASSES[what % 256])

    def made(self):
        """{(call, class): how often}"""
        counts = struct.unpack_from("<%dQ" % (len(CALLS) * len(CLASSES)), self._map, MADE_AT)
        pairs = [(call, of) for call in CALLS for of in CLASSES]
        return {pair: count for pair, count in zip(pairs, counts) if count}

    def take_log(self):
        """The records as (position, kind, inode, a, b, names, data), and the bytes they take. The log is then empty."""
        tail, at, records = self._number(16), 0, []
        while at < tail:
            size, kind, inode, a, b, name_bytes, data_bytes = RECORD.unpack_from(self._map, LOG_OFFSET + at)
            start = LOG_OFFSET + at + RECORD.size
            names = self._map[start:start + name_bytes].decode(errors="surrogateescape").split("\0")
            data = self._map[start + name_bytes:start + name_bytes + data_bytes]
            records.append((at, kind, inode, a, b, names, data))
            at += size
        struct.pack_into("<Q", self._map, 16, 0)
        return records, tail


class Disk:
    """The state directory as the medium holds it. Everything that is there at the beginning counts as synced."""

    def __init__(self, state, attic, memory):
        self._state, self._attic, self._memory, self._base = state, attic, memory, 0
        os.makedirs(state, mode=0o700, exist_ok=True)
        os.makedirs(attic)
        self._settle()

    def _settle(self):
        """What is there now is on the medium."""
        shutil.rmtree(self._attic)
        os.makedirs(self._attic)
        self._synced, self._data, self._entries = {}, collections.defaultdict(list), collections.defaultdict(list)
        for path, inode in self._files():
            self._synced[inode] = os.path.getsize(path)

    def _files(self):
        for base, _, names in os.walk(self._state):
            for name in names:
                facts = os.lstat(os.path.join(base, name))
                if stat.S_ISREG(facts.st_mode):
                    yield os.path.join(base, name), facts.st_ino

    def follow(self):
        """Takes over what the program did, once it has ended."""
        records, size = self._memory.take_log()
        last = None
        for at, kind, inode, a, b, names, data in records:
            position = self._base + at
            if kind == SYNCED:
                began = self._base + b
                self._synced[inode] = a
                self._data[inode] = [each for each in self._data[inode] if each[0] >= began]
                self._entries[inode] = [each for each in self._entries[inode] if each[0] >= began]
            elif kind in (OVERWRITTEN, SHORTENED):
                self._data[inode].append((position, a, data))
            elif kind in (MADE, GONE):
                last = [(kind, names[0], a, bool(b))]
                self._entries[inode].append((position, last))
            else:
                self._follow_rename(position, kind, inode, b, names, a, last)
        self._base += size

    def _follow_rename(self, position, kind, source, target, names, inode, last):
        directory = os.path.isdir(self._path_of(inode) or "")
        if kind == EXCHANGED or directory:
            self._entries[source].append((position, [(kind, names[0], target, names[1])]))
            return
        arrived, left = [(MADE, names[1], inode, False)], (GONE, names[0], inode, False)
        at_target = self._entries[target]
        if at_target and at_target[-1][1] is last and last[0][:2] == (GONE, names[1]):
            arrived = at_target.pop()[1] + arrived  # what it replaced went in the same step
        if source == target:
            at_target.append((position, arrived + [left]))
        else:
            at_target.append((position, arrived))
            self._entries[source].append((position, [left]))

    def _path_of(self, inode):
        for base, folders, _ in os.walk(self._state):
            for path in [base] + [os.path.join(base, folder) for folder in folders]:
                if os.lstat(path).st_ino == inode:
                    return path
        return None

    def unsynced(self):
        """How much would be lost: (bytes and overwritten pieces, directory entries)."""
        tails = sum(max(0, os.path.getsize(path) - self._synced.get(inode, 0)) for path, inode in self._files())
        return tails + sum(map(len, self._data.values())), sum(map(len, self._entries.values()))

    def cut_power(self, dice=None, tear=False):
        """Takes away what was not synced: all of it, or with `dice` a part, as a disk might have written some of it.
        `tear`: the last block that was not synced may be garbage."""
        self.follow()
        undone = []
        for folder, groups in self._entries.items():
            kept = dice.randint(0, len(groups)) if dice else 0
            undone += [(position, folder, steps) for position, steps in groups[kept:]]
        for _, folder, steps in sorted(undone, key=lambda each: each[0], reverse=True):
            self._undo_entry(folder, steps)
        for path, inode in sorted(self._files()):
            self._cut_file(path, inode, dice, tear)
        self._settle()

    def _undo_entry(self, folder, steps):
        base = self._path_of(folder)
        if base is None:
            return  # a folder that went itself
        for kind, name, inode, more in reversed(steps):
            path = os.path.join(base, name)
            if kind == MADE:
                self._set_aside(path, inode)
            elif kind == GONE:
                self._bring_back(path, inode, more)
            else:
                self._move_back(kind, path, os.path.join(self._path_of(inode), more))

    def _set_aside(self, path, inode):
        if not os.path.lexists(path) or os.lstat(path).st_ino != inode:
            return
        if os.path.isdir(path):
            os.rename(path, os.path.join(self._attic, "folder-%d" % inode))
            return
        kept = os.path.join(self._attic, str(inode))
        if not os.path.lexists(kept):
            os.link(path, kept)
        os.unlink(path)

    def _bring_back(self, path, inode, directory):
        kept = os.path.join(self._attic, ("folder-%d" if directory else "%d") % inode)
        if os.path.lexists(path):
            return
        if directory and os.path.exists(kept):
            os.rename(kept, path)
        elif directory:
            os.mkdir(path, 0o700)
        elif os.path.exists(kept):
            os.link(kept, path)

    @staticmethod
    def _move_back(kind, old, new):
        if kind == RENAMED:
            os.rename(new, old)
            return
        os.rename(old, old + ".swap")
        os.rename(new, old)
        os.rename(old + ".swap", new)

    def _cut_file(self, path, inode, dice, tear):
        changes, synced, size = self._data[inode], self._synced.get(inode, 0), os.path.getsize(path)
        if not changes and size <= synced:
            return
        kept = dice.randint(0, len(changes)) if dice else 0
        with open(path, "r+b") as file:
            for _, offset, before in reversed(changes[kept:]):
                file.seek(offset)
                file.write(before)
            end = dice.randint(synced, size) if dice and size > synced else synced
            if os.path.getsize(path) > end:
                file.truncate(end)
            if tear and end > synced:
                start = max(synced, end - dice.randint(1, TORN_BLOCK))
                file.seek(start)
                file.write(dice.randbytes(end - start) if dice.random() < 0.5 else bytes(end - start))
