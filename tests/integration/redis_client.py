"""A Redis client small enough to be sure of: RESP2 over a unix socket."""
import socket


class RedisError(Exception):
    pass


class Redis:
    def __init__(self, path, timeout=10):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.stream = self.socket.makefile("rb")

    def close(self):
        self.stream.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, *words):
        parts = [str(w).encode() for w in words]
        packed = b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)
        self.socket.sendall(b"*%d\r\n%s" % (len(parts), packed))

    def read(self):
        line = self.stream.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("Redis closed the connection")
        kind, rest = line[:1], line[1:-2].decode()
        if kind == b"+":
            return rest
        if kind == b"-":
            raise RedisError(rest)
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == "-1" else self.stream.read(int(rest) + 2)[:-2].decode()
        return None if rest == "-1" else [self.read() for _ in range(int(rest))]

    def __call__(self, *words):
        self.send(*words)
        return self.read()

    def hash(self, key):
        flat = self("HGETALL", key)
        return dict(zip(flat[::2], flat[1::2]))

    def scores(self, key):
        flat = self("ZRANGE", key, 0, -1, "WITHSCORES")
        return {m: int(s) for m, s in zip(flat[::2], flat[1::2])}

    def keys(self, pattern="*"):
        return sorted(self("KEYS", pattern))

    def subscribe(self, *channels):
        for channel in channels:
            self.send("SUBSCRIBE", channel)
        for _ in channels:
            self.read()
