"""The side that sends, for a bench or a gateway; nothing here needs what fetches.

serve_http(files)                     a web server with ranges, limits and TLS
serve_mqtt(files, connection)         answers devices at a broker that is there
broker(kind, folder, things)          starts one: its certificates, who may enter, who may what
certify(folder, name, host)           a small certificate authority
"""

from edgekit.delivery.server.broker import broker
from edgekit.delivery.server.certificates import certify
from edgekit.delivery.server.http import serve_http
from edgekit.delivery.server.mqtt import serve_mqtt

__all__ = ["broker", "certify", "serve_http", "serve_mqtt"]
