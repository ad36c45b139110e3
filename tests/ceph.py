"""A real Ceph RADOS Gateway on loopback: one monitor, one OSD that keeps its data in memory, one radosgw.

It checks signatures, permissions and expiry, which moto does not. `python -m tests.ceph` runs one until it is told to
end, for many test runs with CEPH_URL; `python3 -m tests.ceph --packages` prints what to install, and needs the
standard library only. The monitor needs no manager daemon; with "auth none" radosgw hangs, so there are keys.
https://docs.ceph.com/en/pacific/install/manual-deployment/
"""

import argparse
import contextlib
import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PACKAGES = ("ceph-common", "ceph-mon", "ceph-osd", "radosgw")  # of Debian 12: Ceph 16.2
COMMANDS = ("ceph", "ceph-mon", "ceph-osd", "radosgw", "radosgw-admin", "ceph-authtool", "monmaptool")
USERS = {"footage": ("footage-key", "footage-secret"), "stranger": ("stranger-key", "stranger-secret")}
"""Access key and secret of each user. The stranger has no permission for what footage owns."""
PATIENCE_S = 90  # up in 13 to 17 s on two idle cores; six runs at once share them here
STOP_S = 10

CONFIGURATION = """[global]
fsid = {fsid}
mon host = {monitors}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
keyring = {folder}/keyring
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd crush chooseleaf type = 0
mon allow pool size one = true
mon data avail crit = 1
run dir = {folder}/run
admin socket = {folder}/run/$name.asok
log file = {folder}/log/$name.log
[mon.a]
mon data = {folder}/mon
mon initial members = a
[osd.0]
osd data = {folder}/osd
osd objectstore = memstore
memstore device bytes = 4G
[client.rgw.x]
rgw frontends = beast endpoint=127.0.0.1:{port}
rgw thread pool size = 64
"""


class CephMissing(Exception):
    """Ceph is not installed, or does not come up; the message says what to do."""


@contextmanager
def running_ceph() -> Iterator[str]:
    """Start Ceph, give the URL of its gateway, and stop it at the end.

    Raises:
        CephMissing: its commands are not installed, or a daemon does not answer.
    """
    missing = [command for command in COMMANDS if shutil.which(command) is None]
    if missing:
        raise CephMissing(
            f"These tests need a Ceph gateway, and {', '.join(missing)} is not installed: apt-get install"
            f" --no-install-recommends {' '.join(PACKAGES)}"
        )
    # below the temporary folder and not in pytest's: the path of a Unix socket has 107 bytes at most
    with tempfile.TemporaryDirectory(prefix="ceph-") as name, ExitStack() as daemons:
        yield _start(Path(name), daemons)


def _start(folder: Path, daemons: ExitStack) -> str:
    for part in ("mon", "osd", "run", "log"):
        (folder / part).mkdir()
    monitor_v2, monitor_v1, gateway = free_ports(3)
    monitors = f"[v2:127.0.0.1:{monitor_v2},v1:127.0.0.1:{monitor_v1}]"
    fsid, osd = str(uuid.uuid4()), str(uuid.uuid4())
    keyring, monmap, conf = f"{folder}/keyring", f"{folder}/monmap", f"{folder}/ceph.conf"
    Path(conf).write_text(CONFIGURATION.format(fsid=fsid, monitors=monitors, folder=folder, port=gateway))

    every = [option for of in ("mon", "osd", "mgr", "mds") for option in ("--cap", of, "allow *")]
    _run("ceph-authtool", "--create-keyring", keyring, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *")
    _run("ceph-authtool", keyring, "--gen-key", "-n", "client.admin", *every)
    _run("ceph-authtool", keyring, "--gen-key", "-n", "client.rgw.x", *every[:6])
    _run(
        *("ceph-authtool", keyring, "--gen-key", "-n", "osd.0"),
        *("--cap", "mon", "allow profile osd", "--cap", "osd", "allow *"),
    )
    _run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", monitors, monmap)
    _run("ceph-mon", "-c", conf, "--mkfs", "-i", "a", "--monmap", monmap, "--keyring", keyring)
    ceph = ("timeout", "10", "ceph", "-c", conf, "--connect-timeout", "5")

    monitor = daemons.enter_context(_daemon(folder, "ceph-mon", "-c", conf, "-f", "-i", "a"))
    _wait(folder, monitor, lambda: _says((*ceph, "mon", "stat"), ""))
    _run(*ceph, "osd", "new", osd)
    _run("ceph-osd", "-c", conf, "-i", "0", "--mkfs", "--osd-uuid", osd)
    disk = daemons.enter_context(_daemon(folder, "ceph-osd", "-c", conf, "-f", "-i", "0"))
    _wait(folder, disk, lambda: _says((*ceph, "osd", "stat"), "1 up"))
    radosgw = daemons.enter_context(_daemon(folder, "radosgw", "-c", conf, "-f", "-n", "client.rgw.x"))
    _wait(folder, radosgw, lambda: _answers(gateway))
    for user, (key, secret) in USERS.items():
        _run(
            *("radosgw-admin", "-c", conf, "user", "create", f"--uid={user}", f"--display-name={user}"),
            *(f"--access-key={key}", f"--secret-key={secret}", "--max-buckets=100000"),
        )
    return f"http://127.0.0.1:{gateway}"


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on, all different."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    if done.returncode:
        raise CephMissing(f"Ceph does not come up: {' '.join(command)} failed: {done.stderr.strip()[-500:]}")


def _says(command: tuple[str, ...], words: str) -> bool:
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode == 0 and words in done.stdout


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@contextmanager
def _daemon(folder: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a daemon, and end this one process at the end. It also ends when we are killed (prctl(2), PDEATHSIG)."""
    with (folder / "log" / f"{command[0]}.out").open("wb") as out:
        daemon = subprocess.Popen(
            ("setpriv", "--pdeathsig", "KILL", *command), stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
    try:
        yield daemon
    finally:
        daemon.terminate()
        try:
            daemon.wait(STOP_S)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()


def _wait(folder: Path, daemon: subprocess.Popen[bytes], is_up: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    while not is_up():
        if daemon.poll() is not None or time.monotonic() > give_up_at:
            said = [path.read_text(errors="replace")[-1000:] for path in sorted((folder / "log").iterdir())]
            raise CephMissing(f"Ceph does not come up within {PATIENCE_S} s: {' '.join(said)}")
        time.sleep(0.2)


def main() -> None:
    """Run Ceph until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(description="Run a Ceph gateway on loopback for tests.")
    parser.add_argument("--packages", action="store_true", help="only print the Debian packages that it needs")
    if parser.parse_args().packages:
        print(*PACKAGES)
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt), running_ceph() as url:
        key, secret = USERS["footage"]
        print(f"CEPH_URL={url} AWS_ACCESS_KEY_ID={key} AWS_SECRET_ACCESS_KEY={secret}", flush=True)
        print(f"Stop it with: kill {os.getpid()}", flush=True)
        signal.pause()


if __name__ == "__main__":
    main()
