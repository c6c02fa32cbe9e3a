#!/usr/bin/env python3
"""A disk that remembers in which order it was written: one file, `disk`, in a file system of this process.

Usage: disk.py FOLDER BYTES TRACE

Mounts a file system of user space (FUSE) on FOLDER; its only file is all zeros at first and lives in
memory. Put a loop device on it, and a file system on that: then TRACE gets a record for each write
and each flush that the file system makes, in their order (see `read`). Needs the right to mount.
"""
import ctypes
import errno
import os
import struct
import sys
import time

# Records of a trace: when (monotonic), a flush or a write, where, and how many bytes follow.
RECORD = struct.Struct("<dBQI")
WRITE, FLUSH = 0, 1

# The protocol of the kernel (linux/fuse.h): requests, replies and their numbers.
REQUEST = struct.Struct("<IIQQ")
REQUEST_BYTES = 40
ROOT, DISK = 1, 2
LOOKUP, FORGET, GETATTR, SETATTR, OPEN, READ, WRITE_OP, STATFS = 1, 2, 3, 4, 14, 15, 16, 17
RELEASE, FSYNC, FLUSH_OP, INIT, OPENDIR, RELEASEDIR = 18, 20, 25, 26, 27, 29
INTERRUPT, DESTROY, BATCH_FORGET = 36, 38, 42
WRITE_BYTES_MAX = 1 << 20
LASTING_SECONDS = 3600


def read(path):
    """The records of a trace: (seconds, is it a flush, offset, bytes)."""
    with open(path, "rb") as file:
        raw = file.read()
    records, at = [], 0
    while at + RECORD.size <= len(raw):
        seconds, kind, offset, length = RECORD.unpack_from(raw, at)
        at += RECORD.size
        records.append((seconds, kind == FLUSH, offset, raw[at:at + length]))
        at += length
    return records


class Disk:
    def __init__(self, folder, size, trace):
        self.size, self.content = size, bytearray(size)
        self.trace = open(trace, "wb", buffering=1 << 20)
        self.device = os.open("/dev/fuse", os.O_RDWR)
        options = b"fd=%d,rootmode=40000,user_id=0,group_id=0,max_read=%d" % (
            self.device, WRITE_BYTES_MAX)
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b"fuse", folder.encode(), b"fuse.disk", 0, options):
            raise OSError(ctypes.get_errno(), "cannot mount a file system of user space")

    def note(self, kind, offset=0, data=b""):
        self.trace.write(RECORD.pack(time.monotonic(), kind, offset, len(data)) + data)

    def attributes(self, node):
        mode, size = (0o40755, 4096) if node == ROOT else (0o100600, self.size)
        blocks = (size + 511) // 512
        return struct.pack("<6Q3I7I", node, size, blocks, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)

    def reply(self, number, body=b"", error=0):
        head = struct.pack("<IiQ", 16 + len(body), -error, number)
        try:
            os.write(self.device, head + body)
        except OSError as failure:
            if failure.errno != errno.ENOENT:  # The request was interrupted.
                raise

    def serve(self):
        """Answers the kernel until the file system is unmounted."""
        while True:
            try:
                request = os.read(self.device, WRITE_BYTES_MAX + 8192)
            except OSError as failure:
                if failure.errno in (errno.EINTR, errno.ENOENT):
                    continue
                break
            _, operation, number, node = REQUEST.unpack_from(request)
            if operation == DESTROY:
                break
            if operation not in (FORGET, BATCH_FORGET, INTERRUPT):
                self.answer(operation, number, node, request[REQUEST_BYTES:])
        self.trace.close()

    def answer(self, operation, number, node, body):
        if operation == INIT:
            self.reply(number, self.init(body))
        elif operation == LOOKUP and body.rstrip(b"\0") == b"disk":
            entry = struct.pack("<4Q2I", DISK, 0, LASTING_SECONDS, LASTING_SECONDS, 0, 0)
            self.reply(number, entry + self.attributes(DISK))
        elif operation == LOOKUP:
            self.reply(number, error=errno.ENOENT)
        elif operation in (GETATTR, SETATTR):
            self.reply(number, struct.pack("<QII", LASTING_SECONDS, 0, 0) + self.attributes(node))
        elif operation in (OPEN, OPENDIR):
            self.reply(number, struct.pack("<QIi", 1, 1, 0))
        elif operation == READ:
            _, offset, length = struct.unpack_from("<QQI", body)
            self.reply(number, bytes(self.content[offset:offset + length]))
        elif operation == WRITE_OP:
            self.write(number, body)
        elif operation == FSYNC:
            self.note(FLUSH)
            self.reply(number)
        elif operation == STATFS:
            blocks = self.size // 4096
            self.reply(number, struct.pack("<5Q4I", blocks, 0, 0, 2, 0, 4096, 255, 4096, 0) + bytes(24))
        elif operation in (RELEASE, RELEASEDIR, FLUSH_OP):
            self.trace.flush()
            self.reply(number)
        else:
            self.reply(number, error=errno.ENOSYS)

    @staticmethod
    def init(body):
        """What is agreed on: large writes, and that they may come many at a time."""
        _, _, read_ahead, flags = struct.unpack_from("<4I", body)
        wanted = 1 << 0 | 1 << 5 | 1 << 22
        return struct.pack("<IIIIHHIIHHI", 7, 31, read_ahead, wanted & flags, 12, 9,
                           WRITE_BYTES_MAX, 1, 256, 0, 0) + bytes(28)

    def write(self, number, body):
        _, offset, length = struct.unpack_from("<QQI", body)
        data = body[40:40 + length]
        self.content[offset:offset + length] = data
        self.note(WRITE, offset, data)
        self.reply(number, struct.pack("<II", length, 0))


if __name__ == "__main__":
    Disk(sys.argv[1], int(sys.argv[2]), sys.argv[3]).serve()
