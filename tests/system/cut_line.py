"""A TCP line between a client and the data socket that can be held, slowed and cut at a byte."""
import socket
import threading
import time

PIECE = 16384
LOOK_INTERVAL_S = 0.02


class CutLine:
    """Forwards every connection to `target`, a (host, port). Bytes towards the client are counted in `passed`."""

    def __init__(self, target):
        self._target, self._lock, self._open = target, threading.Lock(), []
        self._hold_at = self._cut_at = self._rate = None
        self.passed, self.connections = 0, 0
        self.held = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def hold_after(self, more):
        """Lets so many more bytes pass and then nothing; `held` tells when."""
        self.held.clear()
        self._hold_at = self.passed + more

    def cut_every(self, count):
        """Cuts all connections each time so many bytes have passed; None: never."""
        self._step, self._cut_at = count, None if count is None else self.passed + count

    def slow_down(self, bytes_per_second):
        self._rate = bytes_per_second

    def release(self):
        self._hold_at = self._cut_at = self._rate = None
        self.held.clear()

    def cut(self):
        with self._lock:
            connections, self._open = self._open, []
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            connection.close()

    def _accept(self):
        while True:
            client, _ = self._listener.accept()
            try:
                server = socket.create_connection(self._target, timeout=5)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            with self._lock:
                self._open += [client, server]
                self.connections += 1
            threading.Thread(target=self._forward, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._forward, args=(server, client, True), daemon=True).start()

    def _forward(self, source, sink, counted):
        try:
            while True:
                data = source.recv(PIECE)
                if not data:
                    break
                if counted:
                    self._wait_for_room(len(data))
                sink.sendall(data)
                if counted:
                    self._passed(len(data))
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def _wait_for_room(self, size):
        while self._hold_at is not None and self.passed + size > self._hold_at:
            self.held.set()
            time.sleep(LOOK_INTERVAL_S)
        if self._rate:
            time.sleep(size / self._rate)

    def _passed(self, size):
        self.passed += size
        if self._cut_at is not None and self.passed >= self._cut_at:
            self._cut_at = self.passed + self._step
            self.cut()
