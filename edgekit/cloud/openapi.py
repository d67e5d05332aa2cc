"""The API's description (OpenAPI) laid out for a page of our own: the usual ones need the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Operation:
    """One method of one path, in words."""

    method: str
    path: str
    group: str
    summary: str
    text: str
    parameters: list[tuple[str, str, str]]  # name, where, what
    body: str
    answers: list[tuple[str, str, str]]  # code, in words, what


def described(schema: dict[str, Any]) -> dict[str, Any]:
    """`operations` and `schemas` of `schema`, an OpenAPI 3.1 document, for the template."""
    operations = [
        _operation(method, path, said)
        for path, methods in schema.get("paths", {}).items()
        for method, said in methods.items()
    ]
    schemas = {
        name: [(field, shape(what)) for field, what in value.get("properties", {}).items()]
        for name, value in schema.get("components", {}).get("schemas", {}).items()
    }
    return {"info": schema["info"], "operations": operations, "schemas": schemas}


def _operation(method: str, path: str, said: dict[str, Any]) -> Operation:
    parameters = [
        (p["name"], p["in"], shape(p.get("schema", {}))) for p in said.get("parameters", ())
    ]
    answers = [
        (code, answer.get("description", ""), _content(answer))
        for code, answer in said.get("responses", {}).items()
    ]
    group = (said.get("tags") or [""])[0]
    return Operation(
        method.upper(), path, group, said.get("summary", ""), said.get("description", ""),
        parameters, _content(said.get("requestBody", {})), answers,
    )  # fmt: skip


def _content(of: dict[str, Any]) -> str:
    return ", ".join(
        f"{kind}: {shape(c.get('schema', {}))}" for kind, c in of.get("content", {}).items()
    )


def shape(schema: dict[str, Any]) -> str:
    """A schema in a few words: `integer, 1 to 500, 50 unless said`."""
    if "$ref" in schema:
        return schema["$ref"].rsplit("/", 1)[-1]
    if several := schema.get("anyOf"):
        return " or ".join(map(shape, several))
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        return f"list of {shape(schema.get('items', {}))}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {shape(schema['additionalProperties'])}"
    words = [kind]
    low, high = schema.get("minimum"), schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is not None and high is not None:
        words.append(f"{low:,} to {high:,}")
    if "maxLength" in schema:
        words.append(f"at most {schema['maxLength']} characters")
    if schema.get("format"):
        words.append(schema["format"])
    if schema.get("default") not in (None, ""):
        words.append(f"{schema['default']} unless said")
    return ", ".join(words)
