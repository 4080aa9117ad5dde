"""Real servers on this machine: rclone's for S3, which checks signatures, and for the web."""

import os
import re
import subprocess
import sysconfig
import urllib.request
from collections.abc import Mapping
from pathlib import Path

KEY, SECRET = "testskey", "testssecret"

# No credentials of the user, no region or endpoint of theirs, no questions to the cloud's machines.
_SILENT = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_DEFAULT_REGION": "us-east-1",
}


class Server:
    """A server of what lies in a folder.

    Attributes:
        root: The folder; see `forget`.
        url: The server's address.
    """

    def __init__(self, protocol: str, root: Path, *options: str) -> None:
        self.root = root
        program = Path(sysconfig.get_path("scripts")) / "rclone"
        self._process = subprocess.Popen(
            [
                *(str(program), "serve", protocol, str(root), "--addr", "127.0.0.1:0"),
                *("--rc", "--rc-no-auth", "--rc-addr", "127.0.0.1:0"),
                *("--config", os.devnull, *options),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        said = ""
        while said.count("http://") < 2:
            line = self._process.stderr.readline()
            assert line, said
            said += line
        self._control, self.url = re.findall(r"http://[\d.:]+", said)

    def forget(self) -> None:
        """Let it look at the folder again; needed once something was changed in it."""
        request = urllib.request.Request(f"{self._control}/vfs/forget", method="POST")
        with urllib.request.urlopen(request) as answer:
            answer.read()

    def kill(self) -> None:
        """End it without a word; one that has ended stays so."""
        with self._process:
            self._process.kill()


def s3_server(root: Path) -> Server:
    """Start a server of S3, whose buckets are the folders in `root`."""
    return Server("s3", root, "--auth-key", f"{KEY},{SECRET}")


def client_settings(url: str, key: str = KEY, secret: str = SECRET) -> Mapping[str, str]:
    """Return the environment of a client of the S3 server at `url`."""
    return {
        **_SILENT,
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": secret,
    }
