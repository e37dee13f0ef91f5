"""Servers that behave as the receivers of webhooks do: they check signatures in their
own way, limit size and rate, and say no in their vendor's words. One VendorServer
listens on loopback, with TLS by an authority of its own, for all of them: the path of
a request names the Vendor."""
import base64
import collections
import hashlib
import hmac
import http.server
import json
import os
import socketserver
import ssl
import subprocess
import threading
import time
import urllib.parse


class Authority:
    """A private CA in a directory, and a certificate of it for 127.0.0.1."""

    def __init__(self, directory):
        self.ca = os.path.join(directory, "ca.pem")
        self.cert = os.path.join(directory, "server.pem")
        self.key = os.path.join(directory, "server.key")
        ca_key = os.path.join(directory, "ca.key")
        request = os.path.join(directory, "server.csr")
        names = os.path.join(directory, "names")
        with open(names, "w", encoding="ascii") as file:
            file.write("subjectAltName=IP:127.0.0.1\n")
        new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        for words in (["req", "-x509", "-days", "2", "-subj", "/CN=test authority", "-keyout",
                       ca_key, "-out", self.ca] + new_key,
                      ["req", "-new", "-subj", "/CN=127.0.0.1", "-keyout", self.key, "-out",
                       request] + new_key,
                      ["x509", "-req", "-days", "2", "-in", request, "-CA", self.ca, "-CAkey",
                       ca_key, "-CAcreateserial", "-extfile", names, "-out", self.cert]):
            subprocess.run(["openssl"] + words, check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)


def hmac_sha256(key, text):
    return hmac.new(key, text, hashlib.sha256).digest()


class Vendor:
    """What a receiver takes and how it refuses. `script` holds replies that come
    first, as (status, headers, body); None in it keeps the caller waiting."""

    limit = None  # (messages, seconds)
    size = 1 << 20
    good = (200, {}, b"ok")
    too_many = (429, {"Retry-After": "1"}, b"rate_limited")
    too_large = (413, {}, b"too large")
    unsigned = (403, {}, b"bad signature")
    malformed = (400, {}, b"invalid_payload")

    def __init__(self, secret=None):
        self.secret = secret.encode() if secret else None
        self.script = collections.deque()
        self.times = collections.deque()
        self.messages = []  # the bodies that were taken
        self.requests = []  # (query, headers, body) of all that came
        self.throttled = 0
        self.lock = threading.Lock()
        self.released = threading.Event()

    def receive(self, query, headers, body):
        with self.lock:
            self.requests.append((query, headers, body))
            scripted = self.script.popleft() if self.script else ()
            if scripted:
                return scripted
        if scripted is None:
            self.released.wait(30)
            return None
        with self.lock:
            return self.judge(query, headers, body)

    def judge(self, query, headers, body):
        now = time.monotonic()
        if len(body) > self.size:
            return self.too_large
        if self.secret and not self.is_signed(query, headers, body):
            return self.unsigned
        try:
            message = json.loads(body)
            self.texts_of(message)
        except (ValueError, KeyError, TypeError, IndexError):
            return self.malformed
        if self.limit:
            while self.times and now - self.times[0] > self.limit[1]:
                self.times.popleft()
            if len(self.times) >= self.limit[0]:
                self.throttled += 1
                return self.too_many
            self.times.append(now)
        self.messages.append(message)
        return self.good

    def is_signed(self, query, headers, body):
        raise NotImplementedError

    def texts_of(self, message):
        return [json.dumps(message, ensure_ascii=False)]

    def texts(self):
        with self.lock:
            return [text for message in self.messages for text in self.texts_of(message)]

    def has_text(self, wanted):
        return any(wanted in text for text in self.texts())


class Json(Vendor):
    good = (204, {}, b"")

    def is_signed(self, query, headers, body):
        parts = dict(part.split("=", 1) for part in headers["X-Callpace-Signature"].split(","))
        wanted = hmac_sha256(self.secret, parts["t"].encode() + b"." + body).hex()
        return abs(time.time() - int(parts["t"])) < 300 and hmac.compare_digest(parts["v1"], wanted)


class Slack(Vendor):
    limit = (3, 2)  # one a second, with short bursts
    size = 100000

    def texts_of(self, message):
        assert message["text"] and len(message["blocks"]) <= 50
        texts = [b["text"]["text"] for b in message["blocks"] if b["type"] == "section"]
        if any(len(text) > 3000 for text in texts):
            raise ValueError("invalid_blocks")
        return texts


class Teams(Vendor):
    good = (202, {}, b"")
    limit = (4, 1)
    size = 28 * 1024

    def texts_of(self, message):
        card, = message["attachments"]
        assert message["type"] == "message"
        assert card["contentType"] == "application/vnd.microsoft.card.adaptive"
        assert card["content"]["type"] == "AdaptiveCard"
        return ["\n".join(run["text"] for block in container["items"]
                          for run in block.get("inlines", []))
                for container in card["content"]["body"]]


def coded(code, text):
    return 200, {}, json.dumps({"errcode": code, "errmsg": text}).encode()


class DingTalk(Vendor):
    good = coded(0, "ok")
    too_many = coded(130101, "send too fast, exceed 20 times per minute")
    too_large = coded(460101, "message too long, exceed 20000 bytes")
    unsigned = coded(310000, "sign not match")
    malformed = coded(40035, "missing param json")
    limit = (20, 60)
    size = 20000

    def is_signed(self, query, headers, body):
        stamp = query["timestamp"]
        wanted = base64.b64encode(hmac_sha256(self.secret, stamp.encode() + b"\n" + self.secret))
        return abs(time.time() * 1000 - int(stamp)) < 3600000 and query["sign"] == wanted.decode()

    def texts_of(self, message):
        assert message["msgtype"] == "text" and not message["at"]["isAtAll"]
        return [message["text"]["content"]]


class WeCom(Vendor):
    good = coded(0, "ok")
    too_many = coded(45009, "api freq out of limit")
    malformed = coded(40058, "content exceed max length 2048")
    limit = (20, 60)

    def texts_of(self, message):
        assert message["msgtype"] == "text"
        if len(message["text"]["content"].encode()) > 2048:
            raise ValueError("too long")
        return [message["text"]["content"]]


def feishu(code, text):
    return 200, {}, json.dumps({"code": code, "msg": text, "data": {}}).encode()


class Feishu(Vendor):
    good = (200, {}, b'{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}')
    too_many = feishu(11232, "frequency limited")
    too_large = feishu(9499, "Bad Request")
    unsigned = feishu(19021, "sign match fail or timestamp is not within one hour")
    malformed = feishu(9499, "Bad Request")
    limit = (5, 1)
    size = 20 * 1024

    def is_signed(self, query, headers, body):
        message = json.loads(body)
        key = message["timestamp"].encode() + b"\n" + self.secret
        return abs(time.time() - int(message["timestamp"])) < 3600 and \
            message["sign"] == base64.b64encode(hmac_sha256(key, b"")).decode()

    def texts_of(self, message):
        assert message["msg_type"] == "post"
        (post,) = message["content"]["post"].values()
        return ["\n".join(part["text"] for line in post["content"] for part in line)]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers["Content-Length"]))
        vendor = self.server.vendors.get(path.strip("/"))
        reply = vendor.receive(dict(urllib.parse.parse_qsl(query)), self.headers, body) \
            if vendor else (404, {}, b"nobody here")
        if reply is None:
            self.close_connection = True
            return
        status, headers, text = reply
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        self.server.gets.append(self.path)
        self.send_error(405)

    def log_message(self, *arguments):
        pass


class VendorServer(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """vendors: {"path": Vendor}. With an authority it speaks TLS."""
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, test, vendors, authority=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.vendors, self.gets = vendors, []
        self.scheme = "http"
        if authority:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(authority.cert, authority.key)
            self.socket = context.wrap_socket(self.socket, server_side=True,
                                              do_handshake_on_connect=False)
            self.scheme = "https"
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        test.addCleanup(self.close)

    def url(self, name):
        return "%s://127.0.0.1:%d/%s" % (self.scheme, self.server_address[1], name)

    def handle_error(self, request, client_address):
        pass  # who broke off or did not trust us

    def close(self):
        for vendor in self.vendors.values():
            vendor.released.set()
        self.shutdown()
        self.server_close()
