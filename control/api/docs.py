"""The readable side of the OpenAPI document: plain HTML without a script, and the routes of both."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from html import escape
from typing import Any, Final

from aiohttp import web

from control.api.endpoint import PREFIX, Route
from control.api.openapi import document

DOCUMENT: Final = f"{PREFIX}/openapi.json"
PAGE: Final = "/api/docs"

Json = Mapping[str, Any]


def add_documents(app: web.Application, routes: Sequence[Route]) -> None:
    """Adds the document and its page: made when somebody first asks, since it takes most of what a start takes."""

    @cache
    def described() -> Json:
        return document(routes)

    @cache
    def as_json() -> bytes:
        return json.dumps(described()).encode()

    @cache
    def as_html() -> bytes:
        return page(described()).encode()

    async def openapi(_: web.Request) -> web.Response:
        return web.Response(body=as_json(), content_type="application/json", headers={"Cache-Control": "no-cache"})

    async def docs(_: web.Request) -> web.Response:
        headers = {"Cache-Control": "no-cache"}
        return web.Response(body=as_html(), content_type="text/html", charset="utf-8", headers=headers)

    app.router.add_get(DOCUMENT, openapi, name="openapi")
    app.router.add_get(PAGE, docs, name="docs")


def page(described: Json) -> str:
    """The document as a page."""
    info = described["info"]
    title = f"{info['title']} {info['version']}: REST interface"
    by_tag: dict[str, list[str]] = {tag["name"]: [] for tag in described["tags"]}
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            by_tag[operation["tags"][0]].append("".join(_operation(method.upper(), path, operation)))
    contents = "".join(f'<li><a href="#{escape(tag)}">{escape(tag)}</a></li>' for tag in by_tag)
    sections = "".join(
        f'<section id="{escape(tag)}"><h2>{escape(tag)}</h2>{"".join(operations)}</section>'
        for tag, operations in by_tag.items()
    )
    schemas = "".join(_schema(name, schema) for name, schema in sorted(described["components"]["schemas"].items()))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{escape(title)}</title>"
        '<link rel="icon" href="/shared/icon.svg" type="image/svg+xml">'
        '<link rel="stylesheet" href="/shared/tokens.css"><link rel="stylesheet" href="/shared/docs.css"></head>'
        f"<body><main><h1>{escape(title)}</h1><p>{_words(info['description'])}</p>"
        f'<p>For programs: <a href="{DOCUMENT}">{DOCUMENT}</a></p>'
        f'<nav aria-label="Contents"><ul>{contents}<li><a href="#schemas">Schemas</a></li></ul></nav>'
        f'{sections}<section id="schemas"><h2>Schemas</h2>{schemas}</section></main></body></html>'
    )


def _operation(method: str, path: str, operation: Json) -> Iterator[str]:
    yield f'<article id="{escape(operation["operationId"])}">'
    yield f"<h3><code>{method} {escape(path)}</code></h3><p>{escape(operation['summary'])}</p>"
    if "description" in operation:
        yield f"<p>{_words(operation['description'])}</p>"
    yield f"<p>For: {escape(', '.join(operation['x-roles']))}</p>"
    if operation["parameters"]:
        rows = (
            (given["name"], given["in"], _kind(given["schema"]), "required" if given["required"] else "")
            for given in operation["parameters"]
        )
        yield _table("Parameters", ("Name", "In", "Kind", ""), rows)
    if "requestBody" in operation:
        (content,) = operation["requestBody"]["content"].values()
        yield f"<p>Body: {_kind(content['schema'])}</p>"
    answers = (
        (status, answer["description"], _Html(", ".join(_kind(content["schema"]) for content in _contents(answer))))
        for status, answer in operation["responses"].items()
    )
    yield _table("Answers", ("Status", "Meaning", "Body"), answers)
    yield "</article>"


def _contents(answer: Json) -> Iterable[Json]:
    contents: Iterable[Json] = answer.get("content", {}).values()
    return contents


def _schema(name: str, schema: Json) -> str:
    parts = [f'<article id="schema-{escape(name)}"><h3>{escape(name)}</h3>']
    if "description" in schema:
        parts.append(f"<p>{_words(schema['description'])}</p>")
    if "properties" in schema:
        required = schema.get("required", ())
        rows = (
            (member, _kind(described), "required" if member in required else "", described.get("description", ""))
            for member, described in schema["properties"].items()
        )
        parts.append(_table("Members", ("Name", "Kind", "", "Meaning"), rows))
    else:
        parts.append(f"<p>{_kind(schema)}</p>")
    return "".join(parts) + "</article>"


class _Html(str):
    """Text that is HTML already."""


def _kind(schema: Json) -> _Html:
    """A schema in a few words."""
    match schema:
        case {"$ref": reference}:
            name = escape(reference.rpartition("/")[2])
            return _Html(f'<a href="#schema-{name}">{name}</a>')
        case {"anyOf": options} | {"oneOf": options}:
            return _Html(" or ".join(map(_kind, options)))
        case {"allOf": [first, *_]}:
            return _kind(first)
        case {"enum": values}:
            return _Html("one of " + ", ".join(f"<code>{escape(str(value))}</code>" for value in values))
        case {"const": value}:
            return _Html(f"<code>{escape(str(value))}</code>")
        case {"type": "array", "items": items}:
            return _Html(f"list of {_kind(items)}")
        case _:
            limits = (f"{escape(name)} {escape(str(schema[name]))}" for name in _LIMITS if name in schema)
            return _Html(", ".join([escape(str(schema.get("type", "anything"))), *limits]))


_LIMITS: Final = ("format", "minLength", "maxLength", "minimum", "maximum", "pattern", "minItems", "maxItems")


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> _Html:
    head = "".join(f'<th scope="col">{escape(name)}</th>' if name else "<td></td>" for name in heads)
    body = "".join(_row(row) for row in rows)
    # Whoever moves by keyboard must be able to scroll what a narrow window cuts off.
    return _Html(
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(row: Sequence[str]) -> str:
    first, *rest = (cell if isinstance(cell, _Html) else escape(cell) for cell in row)
    return f'<tr><th scope="row"><code>{first}</code></th>' + "".join(f"<td>{cell}</td>" for cell in rest) + "</tr>"


def _words(text: str) -> str:
    """Paragraph text in which what stands between backquotes is code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))
