"""Certificates for the scripts beside this file, made with openssl: of two authorities, and of those they vouch for."""
import os
import subprocess

EXTENSIONS = "basicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n"


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def make(folder):
    """Writes `ca.crt`, `stranger-ca.crt`, and certificate and key of server, client and stranger."""
    with open(os.path.join(folder, "extensions"), "w") as file:
        file.write(EXTENSIONS)
    for authority, names in (("ca", ("server", "client")), ("stranger-ca", ("stranger",))):
        openssl(
            folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=" + authority,
            "-keyout", authority + ".key", "-out", authority + ".crt",
        )
        for name in names:
            openssl(
                folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + name,
                "-keyout", name + ".key", "-out", name + ".csr",
            )
            openssl(
                folder, "x509", "-req", "-in", name + ".csr", "-CA", authority + ".crt", "-CAkey", authority + ".key",
                "-CAcreateserial", "-days", "30", "-extfile", "extensions", "-out", name + ".crt",
            )


def settings(folder, tls_port):
    """Options of a server that uses them."""
    path = lambda name: os.path.join(folder, name)
    return [
        "--tls-port", str(tls_port), "--tls-cert-file", path("server.crt"), "--tls-key-file", path("server.key"),
        "--tls-ca-cert-file", path("ca.crt"),
    ]
