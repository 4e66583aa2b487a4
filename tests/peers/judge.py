"""Compares what happened with what a scenario expects."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import wire
from scenario import Expect, Outcome


@dataclass
class Result:
    outcome: Outcome
    faults: list[str]
    got: str

    @property
    def right(self) -> bool:
        return not self.faults

    def row(self) -> dict:
        s = self.outcome.scenario
        return {"scenario": s.name, "variant": s.variant, "host": s.host, "expected": str(s.expect), "got": self.got,
                "wrong": "; ".join(self.faults), "why": s.why, "seconds": round(self.outcome.seconds, 2),
                "notes": self.outcome.notes[:3]}


def attach(records: list[dict], outcomes: list[Outcome]) -> None:
    """Gives each outcome the record lines of its host and port."""
    by_target: dict[tuple, list[dict]] = {}
    for r in records:
        request = r.get("request") or {}
        by_target.setdefault((request.get("host"), request.get("port")), []).append(r)
    for o in outcomes:
        o.records = by_target.get((o.scenario.host, o.scenario.port), [])


def final(records: list[dict]) -> dict:
    completes = [r for r in records if r.get("stage") == "complete"]
    return (completes or records or [{}])[-1]


def describe(o: Outcome) -> str:
    last = final(o.records)
    parts = ["passed" if o.passed else "leaked" if o.leaked else o.client_ended or "?"]
    if o.status != 200:
        parts.append(f"status {o.status} {o.reason}".strip())
    if o.alert is not None:
        parts.append(f"alert {wire.ALERT_NAMES.get(o.alert, o.alert)}")
    if last:
        parts.append(f"record {last.get('stage')}:{last.get('verdict')}/{last.get('rule')}")
        if last.get("would") not in (None, last.get("verdict")):
            parts.append(f"would {last.get('would')}")
        if last.get("error"):
            parts.append(f"error {str(last['error'])[:80]!r}")
    return ", ".join(parts)


def verdict(o: Outcome) -> Result:
    e = o.scenario.expect
    faults: list[str] = []
    if o.client_ended == "late" or o.seconds > o.scenario.limit + 2:
        faults.append(f"hangs ({o.seconds:.1f} s)")
    if o.altered:
        faults.append(o.altered)
    if o.left_open and o.client_ended != "late":
        faults.append("the server's connection stays open")
    faults += paired(o)
    if not o.records:
        faults.append("no record")
    elif not any(r.get("stage") == "decision" for r in o.records):
        faults.append("no decision on record")
    elif not any(r.get("stage") == "complete" for r in o.records) and o.status == 200:
        faults.append("no completion on record")
    check = {"pass": passes, "refuse": refuses, "end": ends}
    if e.kind == "either":
        faults += passes(o, e) if o.passed else refuses(o, e)
    else:
        faults += check[e.kind](o, e)
    return Result(o, faults, describe(o))


def paired(o: Outcome) -> list[str]:
    """One decision and at most one completion for each request."""
    stages: dict[str, list] = {}
    for r in o.records:
        stages.setdefault(r.get("id"), []).append(r.get("stage"))
    for found in stages.values():
        if found.count("decision") != 1 or found.count("complete") > 1:
            return [f"the lines of one request are {found}"]
    if o.tunnels and len(stages) != o.tunnels:
        return [f"{len(stages)} requests on record, {o.tunnels} were made"]
    return []


def passes(o: Outcome, e: Expect) -> list[str]:
    faults = []
    last = final(o.records)
    if not o.passed:
        faults.append("does not pass" + (f" ({o.notes[0]})" if o.notes else ""))
    if not o.records:
        return faults
    if e.would:
        if last.get("would") != e.would and e.rules:
            faults.append(f"would is {last.get('would')}, not {e.would}")
        if last.get("verdict") not in ("report", "allow"):
            faults.append(f"verdict is {last.get('verdict')} in report mode")
        if e.rules and last.get("rule") not in e.rules:
            faults.append(f"rule is {last.get('rule')}")
    elif o.passed:
        if last.get("verdict") not in ("allow", "report"):
            faults.append(f"passed, but the verdict is {last.get('verdict')}")
        if last.get("rule") not in (None, *(e.rules if e.rules and e.kind == "pass" else ())):
            faults.append(f"passed, but the rule is {last.get('rule')}")
    if o.passed:
        faults += told(o, e, last)
    return faults


def told(o: Outcome, e: Expect, last: dict) -> list[str]:
    """Whether the record of a tunnel that passed says what there was."""
    faults = []
    counted = last.get("bytes") or {}
    if o.heard is not None and (counted.get("sent"), counted.get("received")) != (o.heard, o.told):
        faults.append(f"bytes on record {counted.get('sent')}/{counted.get('received')}, real {o.heard}/{o.told}")
    seen = ((last.get("tls") or {}).get("upstream") or {}).get("version")
    if e.version and seen != e.version:
        faults.append(f"the record says version {seen}, not {e.version}")
    return faults


def refuses(o: Outcome, e: Expect) -> list[str]:
    faults = []
    last = final(o.records)
    if o.passed or o.leaked:
        faults.append("the payload went through")
    if o.client_ended == "done" and not o.leaked and o.status == 200 and e.kind == "refuse" and o.scenario.through:
        faults.append("was not closed")
    if o.records:
        if last.get("verdict") not in e.verdicts:
            faults.append(f"verdict is {last.get('verdict')}")
        elif e.rules and last.get("rule") not in e.rules and last.get("verdict") != "error":
            faults.append(f"rule is {last.get('rule')}")
    if e.alerts is not None and o.status == 200 and o.alert not in e.alerts:
        faults.append("no alert" if o.alert is None else f"alert is {wire.ALERT_NAMES.get(o.alert, o.alert)}")
    if o.scenario.unheard and o.heard:
        faults.append(f"the server got {o.heard} bytes of a refused hello")
    if o.scenario.within and o.seconds > o.scenario.within:
        faults.append(f"took {o.seconds:.1f} s, {o.scenario.within} are allowed")
    return faults


def ends(o: Outcome, _e: Expect) -> list[str]:
    faults = ["the payload went through"] if o.passed or o.leaked else []
    if o.scenario.within and o.seconds > o.scenario.within:
        faults.append(f"took {o.seconds:.1f} s, {o.scenario.within} are allowed")
    return faults


def self_check(o: Outcome) -> Result:
    """Through a plain relay: what should pass passes, and what should be refused gets through as well."""
    s = o.scenario
    faults = []
    if o.client_ended == "late" and s.through:
        faults.append("hangs")
    if o.altered and s.through:
        faults.append(o.altered)
    wanted = s.expect.kind in ("pass", "either") or (s.expect.kind == "refuse" and s.through)
    if s.expect.kind == "pass" and not o.passed:
        faults.append("does not pass")
    elif wanted and not (o.passed or o.leaked):
        faults.append("nothing gets through")
    return Result(o, faults, describe(o) + (f" {o.notes}" if o.notes else ""))


def alerts(results: list[Result]) -> dict[str, int]:
    """How often each rule was told to the client by each alert."""
    counts: dict[str, int] = {}
    for r in results:
        last = final(r.outcome.records)
        if last.get("verdict") == "block":
            code = r.outcome.alert
            key = f"{last.get('rule')}: {wire.ALERT_NAMES.get(code, code) if code is not None else 'none'}"
            counts[key] = counts.get(key, 0) + 1
    return dict(sorted(counts.items()))


def chain(path: Path) -> list[str]:
    """What is wrong with the record as a whole: sequence and hash chain."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return []
    previous, number = None, None
    for at, line in enumerate(lines, 1):
        try:
            r = json.loads(line)
        except ValueError:
            return []
        if previous is not None and r.get("prev") != hashlib.sha256(previous).hexdigest():
            return [f"line {at} of the record: prev is not the hash of the line before"]
        if number is not None and r.get("seq") != number + 1:
            return [f"line {at} of the record: seq {r.get('seq')} after {number}"]
        previous, number = line, r.get("seq")
    return []


def table(rows: list[dict]) -> str:
    columns = ("scenario", "expected", "got", "wrong")
    widths = {c: min(60, max(len(c), *(len(r[c]) for r in rows))) for c in columns[:-1]}
    out = ["  ".join(c.ljust(widths.get(c, 0)) for c in columns)]
    for r in rows:
        variant = "" if r["variant"] == "default" else f" [{r['variant']}]"
        out.append("  ".join(r[c].ljust(widths.get(c, 0)) for c in columns) + variant)
        if r["notes"]:
            out.append("    " + " | ".join(r["notes"]))
    return "\n".join(out)
