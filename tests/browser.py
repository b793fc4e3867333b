"""A real browser without a window and without a network, spoken to by the DevTools protocol."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

# A Chromium of Ubuntu's snap store is left out: it cannot read the folder of a test.
NAMES = ("chromium", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # which root, as in containers, cannot have
    "--disable-gpu",
    "--disable-dev-shm-usage",  # containers have little shared memory
    "--disable-background-networking",
    "--no-first-run",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # no network, whatever the machine has
    "--force-device-scale-factor=1",
    "--remote-debugging-pipe",
)


def find_browser() -> str | None:
    """Path of a Chromium or Chrome that can be driven, or None."""
    for name in NAMES:
        found = shutil.which(name)
        if found and "/snap/" not in found:
            return found
    mac = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
    return str(mac) if mac.is_file() else None


class Browser:
    """One page; `complaints` collects what the console, scripts and failed loads say of it.

    Raises RuntimeError when the browser ends, or refuses a command.
    """

    def __init__(self, path: str, profile: Path) -> None:
        self.complaints: list[str] = []
        self._events: list[dict[str, Any]] = []
        self._last = 0
        self._buffer = b""
        # Chrome reads commands from descriptor 3 and writes to 4.
        theirs_in, self._to = os.pipe()
        self._from, theirs_out = os.pipe()
        shell = f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}'
        self._log = profile / "browser.log"
        profile.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["bash", "-c", shell, path, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
                pass_fds=(theirs_in, theirs_out),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        os.close(theirs_in)
        os.close(theirs_out)
        self._session = ""
        target = next(
            info["targetId"]
            for info in self.send("Target.getTargets")["targetInfos"]
            if info["type"] == "page"
        )
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait()
        os.close(self._to)
        os.close(self._from)

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """Result of one command of the protocol."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._receive()).get("id") != self._last:
            self._events.append(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def open(self, address: str) -> None:
        """Load a page whole, pictures included."""
        self._events.clear()
        self.complaints.clear()
        failure = self.send("Page.navigate", url=address).get("errorText")
        if failure:
            raise RuntimeError(f"{address}: {failure}")
        while not any(event.get("method") == "Page.loadEventFired" for event in self._events):
            self._events.append(self._receive())

    def run(self, script: str) -> Any:
        """Value of an expression of JavaScript; awaited, if it is a promise."""
        answer = self.send(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def heard(self) -> list[str]:
        """Errors and warnings of the page so far."""
        self.run("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
        for event in self._events:
            method, params = event.get("method"), event.get("params", {})
            if method == "Runtime.exceptionThrown":
                details = params["exceptionDetails"]
                said = details.get("exception", {}).get("description", details["text"])
                self.complaints.append(f"exception: {said}")
            elif method == "Runtime.consoleAPICalled" and params["type"] in {"error", "warning"}:
                said = " ".join(str(item.get("value", item)) for item in params["args"])
                self.complaints.append(f"console: {said}")
            elif method == "Log.entryAdded" and params["entry"]["level"] in {"error", "warning"}:
                entry = params["entry"]
                self.complaints.append(f"{entry['source']}: {entry['text']} {entry.get('url')}")
            elif method == "Network.loadingFailed":
                self.complaints.append(f"not loaded: {params['errorText']}")
            elif method == "Network.requestWillBeSent":
                address = params["request"]["url"]
                if not address.startswith(("file:", "data:", "about:")):
                    self.complaints.append(f"asks the network for {address}")
        self._events.clear()
        return self.complaints

    def resize(self, width: int, height: int, *, dark: bool = False) -> None:
        """Size of the window in CSS pixels, and the colours that the person prefers."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])

    def press_enter(self) -> None:
        """The key, on whatever has the focus."""
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        self.send("Input.dispatchKeyEvent", type="keyDown", **key)
        self.send("Input.dispatchKeyEvent", type="keyUp", **key)

    def screenshot(self, file: Path, *, whole: bool = False) -> None:
        """A PNG of the window or of the whole page."""
        data = self.send("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        file.write_bytes(base64.b64decode(data))

    def _receive(self) -> dict[str, Any]:
        """The next message of the browser; blocks until there is one."""
        while b"\0" not in self._buffer:
            part = os.read(self._from, 1 << 16)
            if not part:
                log = self._log.read_text(encoding="utf-8", errors="replace")
                raise RuntimeError(f"the browser has ended:\n{log[-2000:]}")
            self._buffer += part
        message, self._buffer = self._buffer.split(b"\0", 1)
        answer: dict[str, Any] = json.loads(message)
        return answer
