"""How a bridge comes to a broker that asks who it is: TLS, a certificate of its own, a user and a password.

What belongs here: reading what the command line names. What does not: the session (link.py). A secret comes out of a
file that others cannot read, never out of an argument, which everybody on the machine can.
"""

import dataclasses
import os
import ssl
import stat

import paho.mqtt.client as mqtt

from . import BridgeError

DIRECTORY = "$CREDENTIALS_DIRECTORY"


class SecureError(BridgeError):
    """A file that cannot be used; the text names the argument, the file and the remedy."""


@dataclasses.dataclass(frozen=True)
class Secure:
    """What the command line says: paths of PEM files, a user, and the path of the file with its password."""

    ca: str | None = None
    certificate: str | None = None
    key: str | None = None
    user: str | None = None
    password_file: str | None = None

    def apply(self, client: mqtt.Client) -> None:
        """Prepares a client that has not connected. Raises SecureError."""
        if self.ca is not None:
            client.tls_set_context(self._context())
        elif self.certificate is not None:
            raise SecureError(
                "--tls-cert without --tls-ca: name the authority that the broker's certificate must be of"
            )
        if self.user is not None:
            password = None if self.password_file is None else read_secret(self.password_file)
            client.username_pw_set(self.user, password)
        elif self.password_file is not None:
            raise SecureError("--password-file without --user: name the user whose password it holds")

    def _context(self) -> ssl.SSLContext:
        if (self.certificate is None) != (self.key is None):
            raise SecureError("--tls-cert and --tls-key go together: give both or neither")
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except (OSError, ssl.SSLError) as err:
            raise SecureError(f"--tls-ca {self.ca}: {err}") from err
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        if self.certificate is not None:
            _private("--tls-key", self.key)
            try:
                context.load_cert_chain(self.certificate, self.key)
            except (OSError, ssl.SSLError) as err:
                raise SecureError(f"--tls-cert {self.certificate}, --tls-key {self.key}: {err}") from err
        return context


def read_secret(path: str) -> str:
    """The first line of a file; $CREDENTIALS_DIRECTORY may begin its name. Raises SecureError."""
    if path.startswith(DIRECTORY):
        base = os.environ.get(DIRECTORY[1:])
        if not base:
            raise SecureError(f"--password-file {path}: {DIRECTORY} is not set: systemd sets it with LoadCredential")
        path = base + path.removeprefix(DIRECTORY)
    _private("--password-file", path)
    with open(path, encoding="utf-8") as file:
        secret = file.readline().rstrip("\r\n")
    if not secret:
        raise SecureError(f"--password-file {path}: its first line is empty")
    return secret


def _private(argument: str, path: str) -> None:
    try:
        mode = os.stat(path).st_mode
    except OSError as err:
        raise SecureError(f"{argument} {path}: {err.strerror}") from err
    if mode & stat.S_IRWXO:
        raise SecureError(f"{argument} {path}: everybody can read it: chmod 600 it")
