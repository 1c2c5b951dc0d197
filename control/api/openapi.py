"""The OpenAPI 3.1 document, made of the same tables as the handlers."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from control.api import errors, problems
from control.api.access import COOKIE, CSRF_HEADER
from control.api.endpoint import PREFIX, Anybody, Route
from control.api.models import ID_PATTERN, PageQuery, Versioned
from control.errors import (
    BadRequestError,
    ControlError,
    ForbiddenError,
    ForeignOriginError,
    IdempotencyBusyError,
    IdempotencyConflictError,
    InvalidInputError,
    NotFoundError,
    NotLoggedInError,
    PreconditionFailedError,
)
from control.identity.roles import Role

Json = dict[str, Any]

_REF: Final = "#/components/schemas/"
_JSON: Final = "application/json"
_QUERY: Final = (BadRequestError, errors.QueryError, errors.ForbiddenTextError, InvalidInputError)
_BODY: Final = (
    errors.MalformedJsonError,
    errors.DuplicateMemberError,
    errors.JsonTooDeepError,
    errors.NumberRangeError,
    errors.MediaTypeError,
    errors.TooBigError,
)
_IDEMPOTENT: Final = (errors.HeaderError, IdempotencyConflictError, IdempotencyBusyError)
_CONDITIONAL: Final = (errors.HeaderError, PreconditionFailedError, errors.PreconditionRequiredError)
_PROBLEM: Final[Json] = {
    "type": "object",
    "description": "RFC 9457. `code` is for programs and stays; `detail` is for people and may change.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
}
_DESCRIPTION: Final = f"""\
People log in by a session: the cookie `{COOKIE}`; whatever changes something also brings an `Origin` of this host and
the header `{CSRF_HEADER}` that `GET {PREFIX}/session` tells. Journal systems bring a key as bearer token.
What belongs to another clinic is answered as what does not exist. Bodies are strict JSON: unknown members, members
given twice, NUL and numbers beyond 2^53 are refused. An answer's `ETag` tells the version that `If-Match` names."""


def document(routes: Sequence[Route]) -> Json:
    """The whole document."""
    schemas = _Schemas(routes)
    paths: defaultdict[str, Json] = defaultdict(dict)
    for route in routes:
        paths[PREFIX + route.path][route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Venterom", "version": version("venterom"), "description": _DESCRIPTION},
        "tags": [{"name": name} for name in sorted({_tag(route) for route in routes})],
        "paths": dict(paths),
        "components": {
            "schemas": {"Problem": _PROBLEM, **schemas.shown},
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
                "csrf": {"type": "apiKey", "in": "header", "name": CSRF_HEADER},
                "key": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def refusals(route: Route) -> tuple[type[ControlError], ...]:
    """Every problem that a route may answer with, by its own declaration and by what follows from it."""
    return tuple(dict.fromkeys(_refusals(route)))


def _refusals(route: Route) -> Iterator[type[ControlError]]:
    yield from _QUERY
    yield from _BODY if route.body is not None else (errors.UnexpectedBodyError, errors.TooBigError)
    if route.query is not None and issubclass(route.query, PageQuery):
        yield errors.CursorError
    yield NotLoggedInError
    if not isinstance(route.access, Anybody):
        yield ForbiddenError
    if not route.is_safe:
        yield from (ForeignOriginError, errors.CsrfError)
    if route.parameters:
        yield NotFoundError
    if route.idempotent:
        yield from _IDEMPOTENT
    if route.conditional:
        yield from _CONDITIONAL
    yield errors.RateLimitedError
    yield from route.problems


class _Schemas:
    """The models of all routes; those of queries are no schemas of their own but parameters."""

    def __init__(self, routes: Iterable[Route]) -> None:
        wanted: dict[tuple[type[BaseModel], JsonSchemaMode], None] = {}
        queries = set()
        for route in routes:
            models: tuple[tuple[type[BaseModel] | None, JsonSchemaMode], ...] = (
                (route.body, "validation"),
                (route.query, "validation"),
                (route.answer, "serialization"),
            )
            wanted.update({(model, mode): None for model, mode in models if model is not None})
            queries.add(route.query)
        self._places, defined = models_json_schema(list(wanted), ref_template=_REF + "{model}")
        self._definitions: Json = defined.get("$defs", {})
        hidden = {self._name(model, "validation") for model in queries if model is not None}
        self.shown = {name: schema for name, schema in self._definitions.items() if name not in hidden}

    def place(self, model: type[BaseModel], mode: JsonSchemaMode) -> Json:
        """A reference to a model."""
        return dict(self._places[model, mode])

    def parameters(self, query: type[BaseModel]) -> Iterator[Json]:
        """A query's parts. One that may be left out has no null: there is none in an address."""
        schema = self._definitions[self._name(query, "validation")]
        for name, described in schema.get("properties", {}).items():
            options = [option for option in described.get("anyOf", ()) if option != {"type": "null"}]
            required = name in schema.get("required", ())
            plain = options[0] if len(options) == 1 else described
            yield {"name": name, "in": "query", "required": required, "schema": plain}

    def _name(self, model: type[BaseModel], mode: JsonSchemaMode) -> str:
        return str(self._places[model, mode]["$ref"]).removeprefix(_REF)


def _operation(route: Route, schemas: _Schemas) -> Json:
    operation: Json = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [_tag(route)],
        "parameters": list(_parameters(route, schemas)),
        "responses": _responses(route, schemas),
        "security": _security(route),
        "x-roles": ["public"] if isinstance(route.access, Anybody) else sorted(route.access),
    }
    if route.description:
        operation["description"] = route.description
    if route.body is not None:
        content = {_JSON: {"schema": schemas.place(route.body, "validation")}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameters(route: Route, schemas: _Schemas) -> Iterator[Json]:
    for name in route.parameters:
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": ID_PATTERN}}
    if route.query is not None:
        yield from schemas.parameters(route.query)
    if route.conditional:
        schema: Json = {"type": "string", "examples": ['"3"']}
        yield {"name": "If-Match", "in": "header", "required": True, "schema": schema}
    if route.idempotent:
        schema = {"type": "string", "pattern": "^[\\x21-\\x7e]{8,200}$"}
        yield {"name": "Idempotency-Key", "in": "header", "required": False, "schema": schema}


def _responses(route: Route, schemas: _Schemas) -> Json:
    done: Json = {"description": HTTPStatus(route.status).phrase}
    headers = {}
    if route.answer is not None:
        done["content"] = {_JSON: {"schema": schemas.place(route.answer, "serialization")}}
        if issubclass(route.answer, Versioned):
            headers["ETag"] = {"schema": {"type": "string"}}
    if route.location is not None:
        headers["Location"] = {"schema": {"type": "string"}}
    if headers:
        done["headers"] = headers
    answers: Json = {str(route.status): done}
    if route.is_safe and "ETag" in headers:
        answers["304"] = {"description": "Unchanged since the version that If-None-Match names"}
    by_status: defaultdict[int, list[type[ControlError]]] = defaultdict(list)
    for error in refusals(route):
        by_status[error.status].append(error)
    for status, refused in sorted(by_status.items()):
        answers[str(status)] = _refused(status, refused)
    return answers


def _refused(status: int, refused: Sequence[type[ControlError]]) -> Json:
    codes = sorted({error.code for error in refused})
    properties: Json = {"code": {"enum": codes}}
    for error in refused:
        properties.update(error.schemas)
    examples = {error.code: {"summary": _first_line(error), "value": _example(error)} for error in refused}
    schema = {"allOf": [{"$ref": _REF + "Problem"}, {"properties": properties}]}
    return {
        "description": f"{HTTPStatus(status).phrase}: {', '.join(codes)}",
        "content": {problems.CONTENT_TYPE: {"schema": schema, "examples": examples}},
    }


def _example(error: type[ControlError]) -> Json:
    title = HTTPStatus(error.status).phrase
    return {"type": "about:blank", "title": title, "status": error.status, "code": error.code, "detail": "..."}


def _first_line(error: type[ControlError]) -> str:
    return (error.__doc__ or "").partition("\n")[0]


def _security(route: Route) -> list[Mapping[str, list[str]]]:
    if isinstance(route.access, Anybody):
        return [{}]
    ways: list[Mapping[str, list[str]]] = []
    if route.access - {Role.INTEGRATOR}:
        ways.append({"session": []} if route.is_safe else {"session": [], "csrf": []})
    if Role.INTEGRATOR in route.access:
        ways.append({"key": []})
    return ways


def _tag(route: Route) -> str:
    return route.path.split("/")[1]
