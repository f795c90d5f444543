"""What the tester must know of this API: texts that have a grammar, and things that there are.

Random ids belong to nothing, so half of the requests would end with 404. What answers tell of things is remembered by the beginning of
their paths, and put where an id stands that was made by chance.
"""

import atexit
import collections
import itertools
import json
import os
import random
import re

import schemathesis
from hypothesis import strategies

SCRIPT = 'package task\n\nfunc Run() (string, error) { return "", nil }\n'
TEXTS = {
    "cron": ["0 * * * *", "*/5 8-18 * * MON-FRI", "@daily", "30 2 29 2 *", "61 * * * *", "x", ""],
    "time-zone": ["UTC", "Europe/Zurich", "America/New_York", "CET", "Europe/Atlantis", ""],
    "go": [SCRIPT, SCRIPT.replace("Run", "run"), "package main", ""],
    "days-of-week": ["1,2,3,4,5", "0", "0,6", "7", ""],
    "times-of-day": ["06:00", "06:00,18:30", "24:00", ""],
    "time-of-day": ["00:00", "08:15", "23:59", "8", ""],
    "date-time": ["2026-01-31T08:00:00Z", "2099-12-31T23:59:59.999999Z", "1970-01-01T00:00:00+02:00"],
}
for name, texts in TEXTS.items():
    schemathesis.openapi.format(name, strategies.sampled_from(texts))

# The tester's own account and token, which it would otherwise revoke sooner or later.
PROTECTED = set(json.loads(os.environ["API_TESTER_PROTECTED"]))
NOBODY = "0199f2a6-0000-7000-8000-00000000dead"
PLAIN = re.compile("^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9]+)$")
REFERENCES = {
    "requester_id": "/api/v1/users/",
    "approver_ids": "/api/v1/users/",
    "provider_id": "/api/v1/federated-providers/",
    "connectedSystemId": "/api/v1/synchronisation/connected-systems/",
}

chance = random.Random(8)
number = itertools.count()
known = collections.defaultdict(list)
sent = collections.Counter()
statuses = collections.Counter()


def begin(path, name):
    """The beginning of a path before one of its parameters, with the parameters before that as they are."""
    return path.split("{" + name + "}")[0]


def is_plain(value):
    """Whether a value is an id in form, so that another one does as well."""
    return type(value) is int or isinstance(value, str) and PLAIN.match(value) is not None


def one_of(beginning, made):
    """A thing that there is, most of the time; what was made by chance else."""
    things = known[beginning]
    return chance.choice(things) if things and chance.random() < 0.7 else made


@schemathesis.hook
def before_call(context, case, kwargs):
    is_linked = case.meta is not None and "stateful" in str(case.meta.phase.name).lower()
    path = case.operation.path
    filled = path
    for name, value in (case.path_parameters or {}).items():
        if is_plain(value) and not is_linked:
            value = one_of(begin(filled, name), value)
        if value in PROTECTED:
            value = NOBODY
        case.path_parameters[name] = value
        filled = filled.replace("{" + name + "}", str(value))
    headers = case.headers or {}
    for name, kept in (("Idempotency-Key", 0.2), ("If-Match", 0.3)):
        if name in headers and chance.random() > kept:
            del headers[name]
    if isinstance(case.body, dict):
        # Names are taken soon where chance likes some of them.
        for name, form in (("name", "{} {}"), ("email", "{1}{0}")):
            value = case.body.get(name)
            if isinstance(value, str) and 0 < len(value) < 90 and chance.random() < 0.7:
                case.body[name] = form.format(value, next(number))
        for name, beginning in REFERENCES.items():
            value = case.body.get(name)
            if is_plain(value):
                case.body[name] = one_of(beginning, value)
            elif isinstance(value, list):
                case.body[name] = [one_of(beginning, item) if is_plain(item) else item for item in value]


@schemathesis.hook
def after_call(context, case, response):
    sent[case.operation.label] += 1
    statuses[response.status_code] += 1
    if response.status_code not in (200, 201):
        return
    try:
        answer = response.json()
    except ValueError:
        return
    things = answer.get("data", answer.get("items", [answer])) if isinstance(answer, dict) else answer
    if not isinstance(things, list):
        return
    beginning = case.operation.path
    for name, value in (case.path_parameters or {}).items():
        beginning = beginning.replace("{" + name + "}", str(value))
    for thing in things:
        identity = thing.get("id") if isinstance(thing, dict) else None
        if identity is not None and identity not in PROTECTED and identity not in known[beginning + "/"]:
            known[beginning + "/"] = [*known[beginning + "/"][-40:], identity]


@atexit.register
def tell():
    with open(os.environ["API_TESTER_COUNTS"], "w") as file:
        json.dump({"sent": sent, "statuses": statuses}, file)
