"""Gives the scripts to the clouds' own tools, which are too heavy for the tests: those that PATH holds, on loopback.

    PATH=$venv/bin:$PATH .venv/bin/python -m tests.regions.by_the_tools [aws] [gcloud] [az]

`aws` talks to moto (`pip install awscli 'moto[ec2,server]'`), `gcloud` to a stand-in of the Cloud SQL Admin API, and of
`az` (`pip install azure-cli`, and `azure-cli==2.80.0` for the older syntax) only the parser of arguments is asked.
"""

from __future__ import annotations

import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from tests.regions.rules_given import wanted
from tests.servers.host import free_port, wait_until
from tui.regions.rules import write

if TYPE_CHECKING:
    from collections.abc import Iterator


def main() -> int:
    """Ask each tool that is here; return 1 where one refused."""
    status = 0
    for tool, ask in {"aws": _ask_aws, "gcloud": _ask_gcloud, "az": _ask_az}.items():
        if tool not in (sys.argv[1:] or tool):
            continue
        if shutil.which(tool) is None:
            print(f"{tool}: not here")
            continue
        try:
            print(f"{tool}: {ask()}")
        except (AssertionError, pytest.fail.Exception, subprocess.CalledProcessError) as error:
            status = 1
            print(f"{tool}: REFUSED: {error} {getattr(error, 'stderr', '')}")
    return status


def _run(script: str, **environment: str) -> str:
    given = {**os.environ, "no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1", **environment}
    return subprocess.run(
        ["bash"], input=script, env=given, capture_output=True, text=True, check=True, timeout=300
    ).stdout


def _ask_aws() -> str:
    moto = shutil.which("moto_server")
    assert moto, "moto_server is missing: pip install 'moto[ec2,server]'"
    port = free_port()
    server = subprocess.Popen([moto, "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    try:
        wait_until(lambda: _answers("aws ec2 describe-vpcs", environment), "moto answers", 60)
        group = _run("aws ec2 create-security-group --group-name db --description db --query GroupId --output text",
                     **environment).strip()  # fmt: skip

        def rules() -> list[Any]:
            told = _run(f"aws ec2 describe-security-groups --group-ids {group}", **environment)
            found: list[Any] = json.loads(told)["SecurityGroups"][0]["IpPermissions"]
            return found

        written = write("aws", wanted(target=group, connection="it's $(prod)"))
        _run(written.rules, **environment)
        (held,) = rules()
        described = [each["Description"] for each in held["IpRanges"] + held["Ipv6Ranges"]]
        assert described == ["CARTO us-east1 for it-s --prod-"] * 3, held
        again = _run(written.rules, **environment)
        assert again.count("already there") == 3, again
        assert rules() == [held]
        _run(written.undo, **environment)
        assert rules() == []
        assert _run(written.undo, **environment).count("not there") == 3
    finally:
        server.terminate()
        server.wait()
    return "adds each rule once with its description, says what is there already, and takes all out"


def _answers(command: str, environment: dict[str, str]) -> bool:
    given = {**os.environ, **environment}
    return subprocess.run(command.split(), env=given, capture_output=True, check=False, timeout=60).returncode == 0


class _CloudSql(http.server.BaseHTTPRequestHandler):
    """The Cloud SQL Admin API of one instance."""

    networks: ClassVar[list[dict[str, str]]] = []

    def log_message(self, *_: object) -> None:
        """Stay silent."""

    def _answer(self, value: dict[str, Any]) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        """Tell of the instance, or of an operation that is done."""
        if "/operations/" in self.path:
            self._answer({"status": "DONE", "name": "one", "operationType": "UPDATE"})
            return
        settings = {"tier": "db-f1-micro", "ipConfiguration": {"authorizedNetworks": self.networks}}
        self._answer({"name": "maps-1", "project": "p", "databaseVersion": "POSTGRES_17", "settings": settings})

    def do_PATCH(self) -> None:
        """Replace the list of networks."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).networks = asked["settings"]["ipConfiguration"].get("authorizedNetworks", [])
        self._answer({"status": "DONE", "name": "one", "operationType": "UPDATE", "targetId": "maps-1"})


@contextmanager
def _cloud_sql() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _CloudSql)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _ask_gcloud() -> str:
    written = write("gcloud", wanted("192.0.2.1", "198.51.100.0/28", target="maps-1"))
    ours = ["192.0.2.1", "198.51.100.0/28"]
    with _cloud_sql() as port, tempfile.TemporaryDirectory() as folder:
        environment = {
            "CLOUDSDK_CONFIG": folder,
            "CLOUDSDK_API_ENDPOINT_OVERRIDES_SQL": f"http://127.0.0.1:{port}/",
            "CLOUDSDK_AUTH_DISABLE_CREDENTIALS": "true",
            "CLOUDSDK_CORE_CHECK_GCE_METADATA": "false",
            "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING": "true",
            "CLOUDSDK_CORE_PROJECT": "p",
        }
        for before in ([], ["203.0.113.7", "10.0.0.0/8"]):
            _CloudSql.networks = [{"value": value, "name": "office"} for value in before]
            for script, after in (
                (written.rules, before + ours),
                (written.rules, before + ours),
                (written.undo, before),
            ):
                _run(script, **environment)
                assert [each["value"] for each in _CloudSql.networks] == after, _CloudSql.networks
        _CloudSql.networks = [
            {"value": "203.0.113.7", "expirationTime": "2030-01-01T00:00:00Z"},
            {"value": "10.0.0.0/8"},
        ]
        for script in (written.rules, written.undo):
            with pytest.raises(subprocess.CalledProcessError) as refused:
                _run(script, **environment)
            assert "expiry time" in refused.value.stderr, refused.value.stderr
            assert len(_CloudSql.networks) == 2, _CloudSql.networks
    return "keeps the networks that are there, adds ours once, takes out ours alone, and loses no expiry time"


def _ask_az() -> str:
    version = json.loads(subprocess.check_output(["az", "version"], stderr=subprocess.DEVNULL))["azure-cli"]
    older = tuple(map(int, version.split(".")[:2])) < (2, 86)
    written = write("azure", wanted(target="my_group/my-server"))
    with tempfile.TemporaryDirectory() as folder:
        for line in (written.rules + written.undo).replace("\\\n    ", "").splitlines():
            if line.startswith("#"):
                continue
            changed = line.replace(" --name ", " --rule-name ").replace(" --server-name ", " --name ")
            for command, right in ((line, not older), (changed, older)):
                given = {**os.environ, "AZURE_CONFIG_DIR": folder, "AZURE_CORE_COLLECT_TELEMETRY": "0"}
                done = subprocess.run(
                    command.split(), env=given, capture_output=True, text=True, check=False, timeout=300
                )
                # What was parsed fails for want of a login; what was not, with status 2.
                assert ("az login" in done.stderr) is right, f"{command}: {done.stderr}"
                assert (done.returncode == 2) is not right, f"{command}: {done.stderr}"
    return f"{version} takes the {'older' if older else 'newer'} syntax and refuses the other"


if __name__ == "__main__":
    sys.exit(main())
