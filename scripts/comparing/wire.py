"""A connection that reads what has come and waits for nothing; replies of RESP2 and RESP3.

A reply is a pair: the byte that tells its type, as text, and its value, which is bytes, a list of
replies or `None`. A map is a list of keys and values in turn.
"""
import select
import socket
import time

PATIENCE_SECONDS = 10
GONE = ("gone", b"")


class Client:
    """One connection to one server; `settle` makes of each reply what is compared."""

    def __init__(self, port, settle=lambda reply: reply):
        self.settle = settle
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.bytes = b""
        self.replies = []
        self.is_closed = False

    def close(self):
        self.socket.close()

    def send(self, requests, cut=None):
        """Sends requests in one go, or in two parts."""
        data = b"".join(encode(request) for request in requests)
        at = len(data) if cut is None else int(len(data) * cut)
        parts = [part for part in (data[:at], data[at:]) if part]
        self.socket.settimeout(PATIENCE_SECONDS)
        try:
            for number, part in enumerate(parts):
                if number:
                    time.sleep(0.001)
                self.socket.sendall(part)
        except OSError:
            self.is_closed = True

    def read(self):
        """Takes in what has come."""
        self.socket.setblocking(False)
        try:
            while not self.is_closed:
                data = self.socket.recv(1 << 16)
                self.is_closed = not data
                self.bytes += data
        except BlockingIOError:
            pass
        except OSError:
            self.is_closed = True
        at = 0
        while (found := decode(self.bytes, at)) is not None:
            reply, at = found
            self.replies.append(self.settle(reply))
        self.bytes = self.bytes[at:]

    def take(self):
        replies, self.replies = self.replies, []
        return replies

    def call(self, *words):
        """Sends a request and waits for its reply."""
        self.send([[word if isinstance(word, bytes) else str(word).encode() for word in words]])
        return self.answer()

    def answer(self):
        """Waits for a reply."""
        end = time.monotonic() + PATIENCE_SECONDS
        while not self.replies and not self.is_closed and time.monotonic() < end:
            select.select([self.socket], [], [], 0.5)
            self.read()
        return self.replies.pop(0) if self.replies else GONE


def encode(request):
    return b"*%d\r\n" % len(request) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in request)


def decode(data, at):
    """The reply at a place and where it ends; `None` if it has not come as a whole."""
    end = data.find(b"\r\n", at)
    if end < 0:
        return None
    kind, text, end = chr(data[at]), data[at + 1:end], end + 2
    if kind in "+-:,#(_":
        return (kind, text), end
    count = int(text)
    if count < 0:
        return (kind, None), end
    if kind in "$=!":
        if len(data) < end + count + 2:
            return None
        return (kind, data[end:end + count]), end + count + 2
    if kind not in "*~>%":
        raise ValueError("not a reply: %r" % data[at:at + 60])
    parts = []
    for _ in range(2 * count if kind == "%" else count):
        found = decode(data, end)
        if found is None:
            return None
        part, end = found
        parts.append(part)
    return (kind, parts), end


def text_of(reply):
    """A reply as a person reads it."""
    if reply is None:
        return "nothing"
    kind, value = reply
    if value is None:
        return kind + "nil"
    if isinstance(value, list):
        return kind + "[" + ", ".join(text_of(part) for part in value) + "]"
    return kind + (value.decode() if all(32 <= byte < 127 for byte in value) else repr(value))
