"""Starts a server with something of each kind, lets the tester loose on it, and tells what came of it."""

import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).parent
FIXTURES = {
    "federated_providers": [{"id": "0199f2a6-0000-7000-8000-0000000000a1", "name": "Directory", "provider_type": "ldap"}],
    "users": [
        {"id": f"0199f2a6-0000-7000-8000-0000000000{number:02x}", "email": f"user{number}@example.com"}
        for number in range(0xB1, 0xC0)
    ],
    "groups": [{"id": f"0199f2a6-0000-7000-8000-0000000000{number:02x}", "name": f"group {number}"} for number in range(0xC1, 0xCA)],
    "applications": [{"id": "0199f2a6-0000-7000-8000-0000000000d1", "name": "portal", "application_type": "oidc"}],
}
SCRIPT = 'package task\n\nimport "fmt"\n\nfunc Run() (string, error) { fmt.Println("a line"); return "done", nil }\n'


class Api:
    """A server under test."""

    def __init__(self, server, folder):
        self.data = ["--data-dir", str(folder / "data")]
        fixtures = folder / "fixtures.json"
        fixtures.write_text(json.dumps(FIXTURES))
        self.log = open(folder / "server.log", "w")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("JUSTIAM_")}
        subprocess.run([server, "seed", *self.data, fixtures], env=environment, check=True, capture_output=True)
        made = subprocess.run(
            [server, "token", "create", *self.data, "--name", "tester", "--admin"], env=environment, check=True, capture_output=True, text=True
        )
        self.token = re.search(r"justiam_pat_\S+", made.stdout).group()
        address = folder / "address"
        serve = [server, "serve", *self.data, "--listen", "127.0.0.1:0", "--address-file", address, "--workers", "1", "--log", "warn"]
        serve += limits(server)
        self.process = subprocess.Popen(serve, env=environment, stdout=self.log, stderr=self.log)
        for _ in range(300):
            if address.exists() and address.read_text():
                break
            time.sleep(0.1)
        self.url = address.read_text().strip()
        if not self.url.startswith("http"):
            self.url = f"http://{self.url}"

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def fill(self):
        for number in range(20):
            task = {"name": f"task {number}", "task_type": "script", "schedule_type": "once", "script": SCRIPT}
            task = self.ask("POST", "/api/v1/tasks", task | {"secrets": {"KEY": "a value"}, "task_config": {"a": "b"}})
            if number < 4:
                self.ask("POST", f"/api/v1/tasks/{task['id']}/run")
        for number in range(10):
            csv = {"filePath": "/srv/none.csv", "idColumn": "id", "emailColumn": "mail"}
            system = self.ask("POST", "/api/v1/synchronisation/connected-systems", {"name": f"system {number}", "csv": csv})["id"]
            profiles = f"/api/v1/synchronisation/connected-systems/{system}/run-profiles"
            profile = self.ask("POST", profiles, {"name": "import", "runType": "FullImport"})["id"]
            steps = [{"stepIndex": 0, "connectedSystemId": system, "runProfileId": profile}]
            schedule = self.ask("POST", "/api/v1/schedules", {"name": f"schedule {number}", "steps": steps if number < 5 else []})
            if number < 3:
                self.ask("POST", f"/api/v1/schedules/{schedule['id']}/run")
            request = {"requester_id": FIXTURES["users"][number]["id"], "template_name": "access"}
            self.ask("POST", "/api/v1/access-requests", request)
            account = self.ask("POST", "/api/v1/service-accounts", {"name": f"account {number}", "permissions": ["tasks.view"]})
            self.ask("POST", f"/api/v1/service-accounts/{account['id']}/tokens", {"name": "a token"})
            self.ask("POST", "/api/v1/me/tokens/short", {"ttl_seconds": 3600})

    def stop(self):
        self.process.terminate()
        try:
            return self.process.wait(60)
        finally:
            self.process.kill()
            self.log.close()


def limits(server):
    """Limits on the number of requests are not what is tested: they are as high as they can be, where the server has them."""
    known = subprocess.run([server, "serve", "--help"], capture_output=True, text=True).stdout
    wanted = {"--requests-per-second": "1000000", "--request-burst": "1000000", "--failed-logins-per-minute": "1000000"}
    return [word for name, value in wanted.items() if name in known for word in (name, value)]


def round_of(api, folder, document, number, phases, examples):
    """Runs the tester one time. Returns what it counted, and whether it found anything."""
    counts = folder / f"counts-{number}.json"
    me = api.ask("GET", "/api/v1/me")
    environment = os.environ | {
        "SCHEMATHESIS_HOOKS": "hooks",
        "PYTHONPATH": str(HERE),
        "PYTHONDONTWRITEBYTECODE": "1",
        "API_TESTER_COUNTS": str(counts),
        "API_TESTER_PROTECTED": json.dumps([me["account"]["id"], me["token"]["id"]]),
    }
    command = [pathlib.Path(sys.executable).parent / "st", "--config-file", HERE / "schemathesis.toml", "run", document]
    command += ["--url", api.url, "--header", f"Authorization: Bearer {api.token}"]
    command += ["--phases", phases, "--max-examples", str(examples), "--seed", str(8 + number), "--no-color"]
    output = folder / f"round-{number}.txt"
    with open(output, "w") as file:
        code = subprocess.run(command, env=environment, cwd=folder, stdout=file, stderr=subprocess.STDOUT).returncode
    return json.loads(counts.read_text()) if counts.exists() else {"sent": {}, "statuses": {}}, code, output


def main():
    parser = argparse.ArgumentParser(prog="tests/api-tester")
    parser.add_argument("--server", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--requests", type=int, default=3000, help="how many requests to send at least [default: 3000]")
    parser.add_argument("--keep", type=pathlib.Path, help="folder for the tester's own output and the server's log")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        return run(options, folder.resolve())


def run(options, folder):
    document = folder / "openapi.json"
    closed = subprocess.run([options.server, "openapi", "--closed"], check=True, capture_output=True)
    document.write_bytes(closed.stdout)
    operations = sum(len(methods) for methods in json.loads(closed.stdout)["paths"].values())
    began = time.monotonic()
    sent, statuses, findings = collections.Counter(), collections.Counter(), []
    api = Api(options.server, folder)
    try:
        api.fill()
        number = 0
        while number == 0 or sum(sent.values()) < options.requests:
            # The first round has all kinds of requests; more are made by chance alone.
            missing = max(options.requests - sum(sent.values()), 0)
            phases, examples = ("examples,coverage,stateful,fuzzing", 2) if number == 0 else ("fuzzing", max(2, missing // operations + 1))
            counted, code, output = round_of(api, folder, document, number, phases, examples)
            sent.update(counted["sent"])
            statuses.update(counted["statuses"])
            if code != 0:
                findings.append(output.read_text())
            if not counted["sent"]:
                break
            number += 1
    finally:
        code = api.stop()
    for text in findings:
        print(text)
    if code != 0:
        print(f"the server ended with {code}; its log:\n{(folder / 'server.log').read_text()[-4000:]}")
    by_status = ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items()))
    verdict = "no finding" if not findings and code == 0 else "FINDINGS, see above"
    print(f"API tester: {sum(sent.values())} requests to {len(sent)} of {operations} operations in {time.monotonic() - began:.0f} s; {by_status}; {verdict}")
    enough = sum(sent.values()) >= options.requests
    return 0 if enough and not findings and code == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
