"""The version of this library, for its modules too: they do not import `edgekit` itself."""

VERSION = "0.1.0"
