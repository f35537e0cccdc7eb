"""A chart repository and an OCI registry of charts, on this machine: what of them helm asks for, and no more."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.cncf.helm.config.v1+json"
CONTENT = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"


@dataclass
class Registry:
    """Its charts, by path; `asked` are the paths that somebody wanted."""

    address: str = ""
    found: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def offer(self, name: str, version: str, archive: bytes) -> None:
        """The chart is there, in the repository and in the registry."""
        file = f"{name}-{version}.tgz"
        index = f"apiVersion: v1\nentries: {{{name}: [{{name: {name}, version: {version}, urls: [{file}]}}]}}\n"
        self.found[f"/charts/{file}"] = ("application/gzip", archive)
        self.found["/charts/index.yaml"] = ("text/yaml", index.encode())
        config = json.dumps({"name": name, "version": version, "apiVersion": "v2"}).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": self._blob(name, CONFIG, config),
            "layers": [self._blob(name, CONTENT, archive)],
        }
        self.found[f"/v2/charts/{name}/manifests/{version}"] = (MANIFEST, json.dumps(manifest).encode())

    def _blob(self, name: str, kind: str, content: bytes) -> dict[str, str | int]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        self.found[f"/v2/charts/{name}/blobs/{digest}"] = ("application/octet-stream", content)
        return {"mediaType": kind, "digest": digest, "size": len(content)}


@contextmanager
def registry() -> Iterator[Registry]:
    """It answers on a port of its own."""
    known = Registry()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            known.asked.append(self.path)
            kind, content = known.found.get(self.path, ("application/json", b'{"errors":[{"code":"NOT_FOUND"}]}'))
            self.send_response(200 if self.path in known.found else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Docker-Content-Digest", f"sha256:{hashlib.sha256(content).hexdigest()}")
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Quietly."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    known.address = f"127.0.0.1:{server.server_address[1]}"
    try:
        yield known
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
