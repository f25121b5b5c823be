"""/api/v1/docs: the OpenAPI document as a page to read.

Rendered here, as plain HTML without a script: the viewers that Litestar offers come from other
people's servers, and would run with the access to this one that a reader has.
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import sha256
from html import escape
from http import HTTPStatus
from re import sub
from typing import Any

from litestar import Litestar, MediaType, Response, get

from server.rest.openapi import API, SCHEMA, document
from server.rest.wire import PlazaRequest

Json = dict[str, Any]

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #0b6bcb; }
@media (prefers-color-scheme: dark) { :root { --accent: #6cb6ff; } }
body { margin: 0; font: 16px/1.55 system-ui, sans-serif; display: grid;
  grid-template-columns: minmax(13rem, 18rem) minmax(0, 60rem); }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1rem;
  box-sizing: border-box; border-right: 1px solid var(--line); font-size: .9rem; }
nav h2 { font-size: 1rem; margin: 1rem 0 .25rem; }
nav a { display: block; }
main { padding: 1rem 2rem 4rem; }
a { color: var(--accent); text-decoration: none; }
a:hover { text-decoration: underline; }
article { border-top: 1px solid var(--line); padding: .5rem 0 1rem; }
h3 { margin-bottom: .25rem; overflow-wrap: anywhere; }
.method { display: inline-block; min-width: 4.5rem; color: var(--accent); }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0;
  border-bottom: 1px solid var(--line); }
code, pre { font: .9em ui-monospace, monospace; }
pre { background: var(--soft); padding: .75rem; overflow: auto; border-radius: 6px; }
.required::after { content: " *"; color: var(--accent); }
@media (max-width: 50rem) { body { display: block; } nav { position: static; height: auto; } }
"""

# No script, nothing from elsewhere, and the one style sheet that is in the page.
_DIGEST = b64encode(sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_DIGEST}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@get(f"{API}/docs", include_in_schema=False, sync_to_thread=False)
def docs_page(request: PlazaRequest) -> Response[str]:
    """Show what the API offers."""
    return Response(
        _page(request.app),
        media_type=MediaType.HTML,
        headers={"Content-Security-Policy": POLICY},
    )


@lru_cache(maxsize=1)
def _page(app: Litestar) -> str:
    openapi = document(app)
    sections = {tag["name"]: list(_operations(openapi, tag["name"])) for tag in openapi["tags"]}
    schemas = openapi["components"]["schemas"]
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(openapi["info"]["title"])} API</title><style>{STYLE}</style></head><body>
<nav><b>{escape(openapi["info"]["title"])} API</b>{_index(sections)}
<h2>Schemas</h2>{"".join(_link(name) for name in schemas)}</nav>
<main><h1>{escape(openapi["info"]["title"])} API</h1>
{_text(openapi["info"]["description"])}
<p>For programs: <a href="{SCHEMA}/openapi.json">openapi.json</a></p>
{"".join(_section(tag, sections[tag["name"]]) for tag in openapi["tags"])}
<h2>Schemas</h2>{"".join(_schema(name, schema) for name, schema in schemas.items())}
</main></body></html>
"""


def _operations(openapi: Json, tag: str) -> Iterator[tuple[str, str, Json]]:
    for path, item in openapi["paths"].items():
        for method, operation in item.items():
            if tag in operation["tags"]:
                yield method.upper(), path, operation


def _index(sections: dict[str, list[tuple[str, str, Json]]]) -> str:
    return "".join(
        f"<h2>{escape(name.capitalize())}</h2>"
        + "".join(_link(each["operationId"], each["summary"]) for _, _, each in operations)
        for name, operations in sections.items()
    )


def _section(tag: Json, operations: list[tuple[str, str, Json]]) -> str:
    return f"<h2>{escape(tag['name'].capitalize())}</h2>{_text(tag['description'])}" + "".join(
        _operation(*operation) for operation in operations
    )


def _operation(method: str, path: str, operation: Json) -> str:
    bodies = operation.get("requestBody", {}).get("content", {})
    body = bodies.get("application/json")
    is_file = bool(bodies) and body is None
    needs = "Needs no access token." if _for_anyone(operation) else "Needs an access token."
    return f"""<article id="{operation["operationId"]}">
<h3><span class="method">{method}</span> <code>{escape(path)}</code></h3>
<p><b>{escape(operation["summary"])}.</b> {_code(operation.get("description", ""))} {needs}</p>
{_parameters(operation.get("parameters", []))}
<pre>{escape(_curl(method, path, operation, body))}{_FILE if is_file else ""}</pre>
{"" if body is None else f"<p>Body: {_type(body['schema'])}</p>"}
{_table(("Answer", "", "Body"), _responses(operation["responses"]))}
</article>"""


_FILE = " \\\n  --data-binary @FILE"


def _parameters(parameters: list[Json]) -> str:
    if not parameters:
        return ""
    rows = (
        (
            _field_name(each["name"], required=each["required"]),
            escape(each["in"]),
            _type(each["schema"]),
            _code(each.get("description", "")),
        )
        for each in parameters
    )
    return _table(("Parameter", "In", "Type", ""), rows)


def _responses(responses: Json) -> Iterator[tuple[str, str, str]]:
    for status, response in sorted(responses.items()):
        schemas = [_type(each["schema"]) for each in (response.get("content") or {}).values()]
        success = int(status) < 400
        text = HTTPStatus(int(status)).phrase if success else response["description"]
        yield escape(status), _code(text), "".join(schemas)


def _schema(name: str, schema: Json) -> str:
    required = schema.get("required", ())
    rows = [
        (_field_name(key, required=key in required), _type(field), _code(_description(field)))
        for key, field in schema.get("properties", {}).items()
    ]
    fields = _table(("Field", "Type", ""), rows) if rows else f"<p>{_type(schema)}</p>"
    return f"""<article id="{escape(name)}"><h3>{escape(name)}</h3>
{_text(schema.get("description", ""))}{fields}</article>"""


def _description(field: Json) -> str:
    parts = [field, *field.get("anyOf", ())]
    return next((part["description"] for part in parts if "description" in part), "")


def _type(schema: Json) -> str:
    match schema:
        case {"$ref": reference}:
            return _link(reference.rpartition("/")[2])
        case {"anyOf": choices} | {"oneOf": choices}:
            return " or ".join(_type(choice) for choice in choices)
        case {"enum": values}:
            return " or ".join(f"<code>{escape(json.dumps(value))}</code>" for value in values)
        case {"type": "array", "items": items}:
            return f"list of {_type(items)}{_bounds(schema, 'Items', 'of them')}"
        case {"type": "object", "additionalProperties": dict(values)}:
            return f"map of string to {_type(values)}"
        case {"type": str(name)}:
            return escape(name) + _bounds(schema, "Length", "characters") + _bounds(schema, "imum")
    return "any"


def _bounds(schema: Json, what: str, unit: str = "") -> str:
    # minLength, maxItems, minimum: JSON Schema's names are regular.
    low, high = schema.get(f"min{what}"), schema.get(f"max{what}")
    if low is None and high is None:
        return ""
    lower = f"from {low:.0f}" if low else ""
    upper = "" if high is None else f"{'to' if low else 'up to'} {high:.0f}"
    words = (lower, upper, unit)
    return ", " + escape(" ".join(filter(None, words)))


def _curl(method: str, path: str, operation: Json, body: Json | None) -> str:
    required = [
        f"{each['name']}={each['name'].upper()}"
        for each in operation.get("parameters", ())
        if each["in"] == "query" and each["required"]
    ]
    query = f"?{'&'.join(required)}" if required else ""
    lines = [f"curl -X {method} http://127.0.0.1:8080{path}{query}"]
    if not _for_anyone(operation):
        lines.append("-H 'Authorization: Bearer ACCESS_TOKEN'")
    if body is not None:
        lines.append("-H 'Content-Type: application/json'")
        lines.append(f"-d '{json.dumps(body['example'])}'")
    return " \\\n  ".join(lines)


def _for_anyone(operation: Json) -> bool:
    return operation.get("security") == [{}]


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _field_name(name: str, *, required: bool) -> str:
    return f"<code{' class=required' if required else ''}>{escape(name)}</code>"


def _link(anchor: str, text: str | None = None) -> str:
    return f'<a href="#{escape(anchor)}">{escape(text or anchor)}</a>'


def _text(text: str) -> str:
    return "".join(f"<p>{_code(paragraph)}</p>" for paragraph in text.split("\n\n") if paragraph)


def _code(text: str) -> str:
    return sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
