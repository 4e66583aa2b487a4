#!/usr/bin/env python3
"""Plays scripted TLS clients and servers through a proxy and judges what it let pass.

    run.py --outgate target/release/outgate      the real thing
    run.py --outgate ... --intercept             the servers again, behind an interception
    run.py --self-check                          the scenarios themselves, through a relay that judges nothing
    run.py --list [--only 'sni/*']               names, expectations, reasons
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import queue
import resource
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import behind  # noqa: E402
import judge  # noqa: E402
import proxy  # noqa: E402
import real  # noqa: E402
import scenarios  # noqa: E402
from pki import Pki  # noqa: E402
from scenario import Outcome, Run  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--outgate", metavar="PATH", help="the binary to test")
    parser.add_argument("--self-check", action="store_true", help="test the scenarios through a plain relay")
    parser.add_argument("--intercept", action="store_true",
                        help="the proxy ends TLS itself, the client speaks HTTP inside")
    parser.add_argument("--list", action="store_true", help="list the scenarios and stop")
    parser.add_argument("--only", metavar="GLOB", action="append", help="names to play; may be given more than once")
    parser.add_argument("--variant", metavar="NAME", help="only the scenarios of one configuration")
    parser.add_argument("--json", action="store_true", help="the result as JSON on stdout")
    parser.add_argument("--jobs", type=int, default=16, metavar="N", help="scenarios at a time (default 16)")
    parser.add_argument("--pieces", type=int, default=0, metavar="N",
                        help="send in writes of N bytes: the verdicts must stay the same")
    parser.add_argument("--keep", metavar="DIR", help="leave records, configuration and stderr here")
    parser.add_argument("--verbose", action="store_true", help="a line for every scenario")
    return parser.parse_args()


def choose(options):
    chosen = scenarios.everything()
    if options.intercept:
        chosen = behind.choose(chosen)
    if options.only:
        chosen = [s for s in chosen if any(fnmatch.fnmatchcase(s.name, glob) for glob in options.only)]
    if options.variant:
        chosen = [s for s in chosen if s.variant == options.variant]
    have = {"tlslite": real.tlslite_available(), "curl": shutil.which("curl") is not None}
    skipped = [s for s in chosen if s.needs and not have[s.needs]]
    return [s for s in chosen if s not in skipped], skipped


def name_hosts(chosen) -> None:
    for number, s in enumerate(chosen):
        label = f"s{number:03d}"
        s.host = s.target or (f"{label}.s3.us-east-1.amazonaws.com" if s.aws else f"{label}.peers.test")


def play(chosen, listeners, proxies, pki, options, progress):
    waiting: queue.Queue = queue.Queue()
    # What takes long by its nature goes first, so that nothing waits for it at the end.
    for s in sorted(chosen, key=lambda s: (s.variant not in ("hasty", "report-hasty"), -s.limit)):
        waiting.put(s)
    outcomes, lock = {}, threading.Lock()

    def work():
        while True:
            try:
                s = waiting.get_nowait()
            except queue.Empty:
                return
            key = "relay" if "relay" in proxies else s.variant
            run = Run(s, listeners[s.name], proxies[key].address, pki, options.pieces, proxies[key].authority)
            try:
                outcome = run.play()
            except Exception as error:  # a fault of ours; the others go on
                outcome = Outcome(s, notes=[f"runner: {error!r}"])
            if not run.stuck():
                run.turns.close()
            with lock:
                outcomes[s.name] = outcome
            progress(outcome)

    workers = [threading.Thread(target=work, daemon=True) for _ in range(options.jobs)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    return [outcomes[s.name] for s in chosen]


def main() -> int:
    options = arguments()
    if options.list:
        for s in choose(options)[0]:
            print(f"{s.name:60} {str(s.expect):40} {s.why}")
        return 0
    if not options.outgate and not options.self_check:
        print("run.py: --outgate PATH or --self-check is needed", file=sys.stderr)
        return 2
    started = time.monotonic()
    chosen, skipped = choose(options)
    if not chosen:
        print("run.py: no scenario has such a name", file=sys.stderr)
        return 2
    name_hosts(chosen)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 65536) if most > 0 else 65536, most))
    directory = Path(tempfile.mkdtemp(prefix="peers-"))
    proxies: dict = {}
    try:
        pki = Pki(directory)
        listeners = {}
        for s in chosen:
            listeners[s.name] = socket.create_server(("127.0.0.1", 0), backlog=64)
            s.listen_port = listeners[s.name].getsockname()[1]
            s.direct, s.port = s.port == 0, s.port or s.listen_port
        targets = {}
        for s in chosen:
            group = targets.setdefault(s.variant, [])
            if not s.direct or options.self_check:
                group.append((s.host, s.port, s.listen_port))
        faults = []
        try:
            if options.self_check:
                proxies["relay"] = proxy.Relay([t for group in targets.values() for t in group])
            else:
                for variant, group in targets.items():
                    proxies[variant] = proxy.Outgate(options.outgate, variant, directory, pki.roots_path, group,
                                                      options.intercept)
        except (RuntimeError, OSError) as error:
            print(f"run.py: {error}", file=sys.stderr)
            return 2
        before = {v: p.descriptors() for v, p in proxies.items()}

        def progress(outcome):
            if options.verbose:
                print(f"{outcome.seconds:6.2f} s  {outcome.scenario.name}", file=sys.stderr)

        outcomes = play(chosen, listeners, proxies, pki, options, progress)
        for variant, p in proxies.items():
            after = settle(p, before[variant])
            if after is not None and after > before[variant] + 8:
                faults.append(f"{variant}: {after} descriptors open at the end, {before[variant]} at the start")
            wrong = p.stop()
            if wrong:
                faults.append(f"{variant}: {wrong}")
        if options.self_check:
            results = [judge.self_check(o) for o in outcomes]
        else:
            for variant, p in proxies.items():
                found, broken = p.records()
                faults += [f"{variant}: {b}" for b in broken]
                faults += [f"{variant}: {b}" for b in judge.chain(p.audit)]
                faults += [f"{variant}: {line}" for line in p.errors if "panicked" in line]
                judge.attach(found, [o for o in outcomes if o.scenario.variant == variant])
            results = [(behind.verdict if options.intercept else judge.verdict)(o) for o in outcomes]
        return show(options, results, skipped, faults, time.monotonic() - started)
    finally:
        for p in proxies.values():
            if p.alive():
                p.stop()
        if options.keep:
            shutil.copytree(directory, options.keep, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.key"))
            for variant, p in proxies.items():
                (Path(options.keep) / f"stderr-{variant}.txt").write_text("\n".join(p.errors))
        shutil.rmtree(directory, ignore_errors=True)


def settle(p, before) -> int | None:
    """The number of descriptors once closed connections are gone, or after five seconds."""
    until = time.monotonic() + 5
    while True:
        now = p.descriptors()
        if now is None or before is None or now <= before + 8 or time.monotonic() > until:
            return now
        threading.Event().wait(0.1)


def show(options, results, skipped, faults, seconds) -> int:
    wrong = [r for r in results if not r.right]
    taste = [r for r in results if r.outcome.scenario.expect.kind == "either"]
    if options.json:
        print(json.dumps({
            "total": len(results), "right": len(results) - len(wrong), "seconds": round(seconds, 1),
            "skipped": [s.name for s in skipped], "faults": faults, "alerts": judge.alerts(results),
            "wrong": [r.row() for r in wrong], "taste": [r.row() for r in taste]}, indent=1))
    else:
        if wrong:
            print(judge.table([r.row() for r in wrong]))
        for fault in faults:
            print(f"fault: {fault}")
        if taste:
            ways = Counter("passed" if r.outcome.passed else "refused" for r in taste)
            print(f"matters of taste: {ways['passed']} passed, {ways['refused']} refused")
        if skipped:
            needs = ", ".join(sorted({s.needs for s in skipped}))
            print(f"skipped: {len(skipped)} (not installed: {needs})")
        print(f"{len(results) - len(wrong)} of {len(results)} right, {len(wrong)} wrong, {len(faults)} faults, "
              f"{seconds:.1f} s")
    return 1 if wrong or faults else 0


if __name__ == "__main__":
    sys.exit(main())
