"""A broker that asks who comes: a real mosquitto with TLS, and an authority made by openssl for the test."""

import logging
import shutil
import socket
import subprocess
import threading

import paho.mqtt.client as mqtt
import pytest

from sim2real_bridge import BridgeError, link
from sim2real_bridge.secure import Secure, SecureError, read_secret

from .peer import connectable

NAMES = "subjectAltName=IP:127.0.0.1"


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def certificate(folder, name, ca="ca"):
    """NAME.crt and NAME.key, signed by an authority."""
    new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]
    out = ["-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.crt"]
    signed = [] if name == ca else ["-CA", f"{ca}.crt", "-CAkey", f"{ca}.key", "-addext", NAMES]
    openssl(folder, *new, *out, *signed, "-addext", f"basicConstraints=critical,CA:{'TRUE' if name == ca else 'FALSE'}")
    (folder / f"{name}.key").chmod(0o600)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """The port of a mosquitto that wants a certificate, and the folder of certificates."""
    folder = tmp_path_factory.mktemp("tls")
    for name, ca in (("ca", "ca"), ("broker", "ca"), ("arm", "ca"), ("other", "other"), ("stranger", "other")):
        certificate(folder, name, ca)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    text = (
        f"listener {port} 127.0.0.1\ncafile ca.crt\ncertfile broker.crt\nkeyfile broker.key\nrequire_certificate true\n"
    )
    text += "use_identity_as_username true\ntls_version tlsv1.3\nallow_anonymous false\nuser root\n"
    (folder / "conf").write_text(text)
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    assert program, "mosquitto is missing: apt-get install mosquitto"
    process = subprocess.Popen([program, "-c", "conf"], cwd=folder, stderr=subprocess.DEVNULL)
    connectable(port, 10.0)
    yield port, folder
    process.terminate()
    process.wait(10)


def comes(guarded, **files):
    """A bridge's session with these files of the folder; whether it came online, or why not."""
    port, folder = guarded
    session = link.Link("127.0.0.1", port, "arm", Secure(**{k: str(folder / name) for k, name in files.items()}))
    session._client.reconnect_delay_set(min_delay=30, max_delay=30)
    try:
        session.connect({}, 0.1, threading.Event())
    except BridgeError as err:
        return str(err)
    finally:
        session.close()
    return "online"


def test_a_bridge_with_a_certificate_comes_in(guarded):
    assert comes(guarded, ca="ca.crt", certificate="arm.crt", key="arm.key") == "online"


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"ca": "other.crt", "certificate": "arm.crt", "key": "arm.key"}, "check --tls-ca"),
        ({"ca": "ca.crt", "certificate": "stranger.crt", "key": "stranger.key"}, "check the certificate"),
        ({"ca": "ca.crt"}, "check the certificate"),
        ({}, "check the certificate"),
    ],
)
def test_nobody_else_does(guarded, files, why, monkeypatch):
    monkeypatch.setattr(link, "ONLINE_PATIENCE_S", 1.0)
    said = comes(guarded, **files)
    assert why in said
    assert "\n" not in said


def test_what_cannot_be_used_is_named(tmp_path, monkeypatch):
    open_to_all, empty = tmp_path / "open", tmp_path / "empty"
    open_to_all.write_text("secret word\n")
    open_to_all.chmod(0o644)
    empty.write_text("\n")
    empty.chmod(0o600)
    for secure, why in (
        (Secure(certificate="c", key="k"), "--tls-cert without --tls-ca"),
        (Secure(password_file="p"), "--password-file without --user"),
        (Secure(ca=str(tmp_path / "none")), "--tls-ca"),
        (Secure(user="u", password_file=str(open_to_all)), "chmod 600"),
        (Secure(user="u", password_file=str(empty)), "first line is empty"),
        (Secure(user="u", password_file=str(tmp_path / "none")), "No such file"),
        (Secure(user="u", password_file="$CREDENTIALS_DIRECTORY/x"), "is not set"),
    ):
        with pytest.raises(SecureError, match="--") as err:
            secure.apply(mqtt.Client(mqtt.CallbackAPIVersion.VERSION2))
        assert why in str(err.value)
        assert "secret word" not in str(err.value)
    open_to_all.chmod(0o600)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert read_secret("$CREDENTIALS_DIRECTORY/open") == "secret word"


def test_a_password_is_never_said(tmp_path, caplog):
    """Not in the log, and not in an error; that it is in no argument is the point of the file."""
    secret = tmp_path / "password"
    secret.write_text("hunter2")
    secret.chmod(0o600)
    with caplog.at_level(logging.DEBUG):
        session = link.Link("127.0.0.1", 1, "arm", Secure(user="u", password_file=str(secret)))
        with pytest.raises(BridgeError) as err:
            session.connect({}, 0.1, threading.Event())
    assert "hunter2" not in caplog.text + str(err.value) + repr(vars(session))
    assert session._client._password == b"hunter2"
