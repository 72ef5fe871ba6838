"""An Authenticator in Python, with nothing but the standard library: a few invented people who log in with a password.

It answers what authenticator/remote/openapi.json describes, to whoever presents a client certificate:

    python3 server.py --cert server.pem --key server.key --client-ca provider.pem --people people.json --port 8443
"""

import argparse
import hashlib
import hmac
import http.server
import json
import re
import ssl

MAX_BODY = 1 << 20
CLAIM = re.compile(r"^([^#]+)(#.*)?$")


class Register:
    """The identity system: people by national ID, with the scrypt hash of their password."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            people = json.load(f)
        self.by_id = {p["national_id"]: p for p in people}
        self.by_subject = {p["subject"]: p for p in people}

    def authenticate(self, request):
        person = self.by_id.get(request["identifier"]["value"])
        known = person or {"salt": "00" * 16, "hash": ""}  # somebody unknown takes as long as somebody known
        right = True
        for challenge in request["challenges"]:
            if challenge["factor"] != "pwd":
                raise Refusal(422, "unsupported")
            password = challenge["response"].encode()
            got = hashlib.scrypt(password, salt=bytes.fromhex(known["salt"]), n=1 << 14, r=8, p=1, dklen=32)
            right = hmac.compare_digest(got.hex(), known["hash"]) and right
        if not request["challenges"] or not right or person is None:
            raise Refusal(403, "wrong_credentials")
        return {"subject": person["subject"]}

    def claims(self, request):
        person = self.by_subject.get(request["identity"]["subject"])
        if person is None:
            raise Refusal(503, "unavailable")
        tags = {""} | {"#" + locale for locale in request.get("locales") or []}
        values = {}
        for name, value in person["claims"].items():
            base, tag = CLAIM.match(name).groups("")
            if base in request["names"] and tag in tags:
                values[name] = value
        return {"values": values}


class Refusal(Exception):
    """An error of the protocol: a status, and the reason that the person is told."""

    def __init__(self, status, reason=None, unread=False):
        super().__init__(status)
        self.status, self.reason, self.unread = status, reason, unread


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30  # also for the TLS handshake, which happens at the first read

    def do_GET(self):
        self.answer({"/v1/capabilities": lambda _: {"versions": [1], "factors": ["pwd"], "codes": False}})

    def do_POST(self):
        register = self.server.register
        self.answer({"/v1/authenticate": register.authenticate, "/v1/claims": register.claims})

    def answer(self, routes):
        status, media = 200, "application/json"
        try:
            answer = routes[self.route(routes)](self.body())
        except Refusal as refusal:
            status, media = refusal.status, "application/problem+json"
            answer = {"title": self.responses[status][0], "status": status}
            if refusal.reason:
                answer["reason"] = refusal.reason
            self.close_connection = self.close_connection or refusal.unread
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Authenticator-Version", "1")
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def route(self, routes):
        if self.path not in routes:
            raise Refusal(404, unread=True)
        if self.headers.get("Authenticator-Version") != "1":
            raise Refusal(400, unread=True)
        return self.path

    def body(self):
        """Returns the JSON of the request, whose members have to be there and have their types."""
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            raise Refusal(413, unread=True)
        if self.command == "GET":
            return None
        try:
            request = json.loads(self.rfile.read(length))
            if self.path == "/v1/authenticate":
                texts = [request["identifier"]["value"]]
                texts += [c[member] for c in request["challenges"] for member in ("factor", "response")]
            else:
                if not isinstance(request["names"], list):
                    raise TypeError
                texts = [request["identity"]["subject"], *request["names"], *(request.get("locales") or [])]
            for text in texts:
                text.encode()  # only text has that, and only text that is Unicode has no error
        except (KeyError, TypeError, ValueError, AttributeError):
            raise Refusal(400) from None
        return request

    def log_message(self, *_):
        """Logs nothing: the default writes what strangers send."""


def main():
    parser = argparse.ArgumentParser()
    for name in ("cert", "key", "client-ca", "people"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--port", type=int, default=8443)
    arguments = parser.parse_args()

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(arguments.cert, arguments.key)
    context.load_verify_locations(arguments.client_ca)
    context.verify_mode = ssl.CERT_REQUIRED

    server = http.server.ThreadingHTTPServer(("127.0.0.1", arguments.port), Handler)
    server.register = Register(arguments.people)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    print("listening on port", server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
