"""A database of each kind, an object store, and the application over them."""

import uuid

import pytest

for needed in ("fastapi", "sqlalchemy", "fsspec", "prometheus_client", "jinja2"):
    pytest.importorskip(needed)

from sqlalchemy import create_engine  # noqa: E402

from benchmarks.fleet.service import POSTGRES, postgresql  # noqa: E402
from edgekit.cloud.database import open_database  # noqa: E402
from edgekit.cloud.objects import Objects  # noqa: E402


@pytest.fixture(scope="session")
def cluster():
    """A PostgreSQL of our own: its URL."""
    pytest.importorskip("psycopg")
    if POSTGRES is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    with postgresql() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    """Of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return str(tmp_path / "cloud.db")
    server, name = request.getfixturevalue("cluster"), f"t{uuid.uuid4().hex}"
    engine = create_engine(
        server.replace("postgresql:", "postgresql+psycopg:"), isolation_level="AUTOCOMMIT"
    )
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture
def engine(url):
    opened = open_database(url)
    yield opened
    opened.dispose()


@pytest.fixture
def lite(tmp_path):
    """SQLite only, where the database makes no difference."""
    opened = open_database(tmp_path / "cloud.db")
    yield opened
    opened.dispose()


@pytest.fixture
def objects(tmp_path):
    return Objects(tmp_path / "objects")
