"""What the demo's containers print: each voice makes the next lines of one program from a random source. Pure.

A voice returns the stream and the bytes of one or more whole lines that belong together.
"""

import json
from collections.abc import Callable
from random import Random

from logagent.demo.record import render_time
from logagent.model import Stream

Voice = Callable[[Random, int], tuple[Stream, bytes]]

_PATHS = ("/", "/index.html", "/static/app.js", "/api/v1/items?page=2&size=50", "/api/v1/login", "/favicon.ico")
_AGENTS = ("Mozilla/5.0 (X11; Linux x86_64)", "curl/8.5.0", "kube-probe/1.29", "Go-http-client/2.0")
_CLASSES = ("com.example.orders.Checkout.pay", "com.example.stock.Shelf.take", "com.example.http.Server.serve")


def nginx(random: Random, time_ns: int) -> tuple[Stream, bytes]:
    """Make a line of an access log, now and then one of the error log."""
    address = f"192.0.2.{random.randrange(1, 255)}"
    path = random.choice(_PATHS)
    if random.random() < 0.02:
        text = (
            f'[error] 29#29: *{random.randrange(9999)} open() "/usr/share/nginx/html{path}" failed, client: {address}'
        )
        return "stderr", f"{render_time(time_ns)[:19]} {text}\n".encode()
    status = random.choice((200, 200, 200, 200, 304, 404, 500))
    line = f'{address} - - [{render_time(time_ns)[:19]}] "GET {path} HTTP/1.1" {status} {random.randrange(20000)} "-" "{random.choice(_AGENTS)}"'
    return "stdout", f"{line}\n".encode()


def json_app(random: Random, time_ns: int) -> tuple[Stream, bytes]:
    """Make a line of an application that logs JSON."""
    event = {
        "level": random.choice(("info", "info", "info", "debug", "warn")),
        "ts": time_ns / 1e9,
        "msg": random.choice(("order accepted", "payment captured", "item <b>reserved</b>", "café délivré ✓")),
        "order": random.randrange(10**6),
        "took_ms": round(random.expovariate(0.05), 1),
    }
    return "stdout", json.dumps(event, ensure_ascii=False).encode() + b"\n"


def worker(random: Random, time_ns: int) -> tuple[Stream, bytes]:
    """Make a plain line; now and then a stack trace, or a line longer than the engine's 16 KiB."""
    head, chance = f"{render_time(time_ns)[:19]} [worker-{random.randrange(4)}]", random.random()
    if chance < 0.03:
        frames = [
            f"\tat {random.choice(_CLASSES)}({name}.java:{random.randrange(400)})"
            for name in ("Orders", "Retry", "Main")
        ]
        return "stderr", "\n".join(
            [f"{head} ERROR java.lang.IllegalStateException: no stock left", *frames, ""]
        ).encode()
    if chance < 0.035:
        return "stdout", f"{head} DEBUG dump {random.randbytes(20_000).hex()}\n".encode()
    return (
        "stdout",
        f"{head} INFO processed batch {random.randrange(10**6)} in {random.randrange(5, 900)} ms\n".encode(),
    )


def database(random: Random, time_ns: int) -> tuple[Stream, bytes]:
    """Make a line of a database, which logs to stderr."""
    text = random.choice(
        ("checkpoint starting: time", "checkpoint complete: wrote 42 buffers", "connection authorized: user=shop")
    )
    return "stderr", f"{render_time(time_ns)[:23]} UTC [{random.randrange(20, 99)}] LOG:  {text}\n".encode()
