"""The side that sends, as a gateway has it: without what fetches; and its certificates."""

import datetime
import ssl
import subprocess
import sys

import pytest
from cryptography import x509

from edgekit.core.errors import EdgekitError
from edgekit.delivery.server import certificates, certify

for needed in ("uvicorn", "starlette", "trustme"):
    pytest.importorskip(needed)

GATEWAY = """
import sys, urllib.request
for missing in ("httpx", "tqdm", "paho", "amqtt", "tuf"):
    sys.modules[missing] = None
from edgekit.delivery.server import serve_http
with serve_http({"a": b"a package"}) as url:
    print(urllib.request.urlopen(f"{url}/a").read())
"""


def test_a_gateway_serves_without_what_a_receiver_needs():
    command = [sys.executable, "-W", "error", "-c", GATEWAY]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == "b'a package'\n", done.stderr[-500:]


def san(file):
    there = x509.load_pem_x509_certificate(file.read_bytes())
    return there, there.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def test_a_certificate_says_who_it_is_for_and_stays_while_it_is_good(tmp_path, monkeypatch):
    web, pump = certify(tmp_path, "web", "127.0.0.1"), certify(tmp_path, "pump_1")
    before = [path.read_bytes() for path in (web, pump, tmp_path / "ca.pem")]
    there, names = san(pump)
    (common,) = there.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    assert common.value == "pump_1"
    assert not names.get_values_for_type(x509.DNSName), "it could pass for a server's"
    assert "localhost" in san(web)[1].get_values_for_type(x509.DNSName)
    for path in (tmp_path / "web.key", tmp_path / "pump_1.key", tmp_path / "ca.key"):
        assert path.stat().st_mode & 0o077 == 0
    days = there.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    assert certificates.DAYS - 1 <= days.days <= certificates.DAYS
    again = certify(tmp_path, "web", "127.0.0.1"), certify(tmp_path, "pump_1")
    assert [p.read_bytes() for p in (*again, tmp_path / "ca.pem")] == before
    assert certify(tmp_path, "web", "localhost").read_bytes() != before[0], "of another host"
    monkeypatch.setattr(certificates, "DAYS", 3)
    certify(tmp_path, "short")
    first = (tmp_path / "short.pem").read_bytes()
    assert certify(tmp_path, "short").read_bytes() != first, "it is good for less than a week"
    context = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    context.load_cert_chain(tmp_path / "short.pem", tmp_path / "short.key")


def test_a_host_that_can_have_no_certificate_is_one_line(tmp_path):
    with pytest.raises(EdgekitError, match="can have no certificate"):
        certify(tmp_path, "web", "no host.")
