"""The settings told to others: the effective ones as YAML, secrets hidden, and what may be written as JSON Schema.

Only `logagent check` asks for these; the meaning of each key is read from the model's source then, so that the daemon does
not pay for it at every start.
"""

import ast
import inspect
from typing import Any

import yaml

from logagent.config import settings as model
from logagent.config.section import Section
from logagent.config.settings import Settings

ID = "https://json-schema.org/draft/2020-12/schema"


def dump(settings: Settings) -> str:
    """Return the effective settings as YAML, each secret as ***."""
    return yaml.safe_dump(settings.model_dump(mode="json", by_alias=True), sort_keys=False, allow_unicode=True)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the settings file: what editors complete and check it with."""
    made = Settings.model_json_schema(by_alias=True)
    for name, definition in (("Settings", made), *made["$defs"].items()):
        _describe(getattr(model, name), definition["properties"])
    return {"$schema": ID, **made}


def _describe(section: type[Section], properties: dict[str, Any]) -> None:
    texts = descriptions(section)
    for name, field in section.model_fields.items():
        key = properties[field.alias or name]
        key.pop("title", None)
        kind = field.annotation
        key["description"] = texts.get(name) or (inspect.getdoc(kind) if isinstance(kind, type) else None) or ""
        if "default" in key:
            key["default"] = _default(section, field.alias or name)


def _default(section: type[Section], key: str) -> Any:
    """Return the default as the file would have it; the empty name of an output stands for one made of its url."""
    default = section.model_construct().model_dump(mode="json", by_alias=True)[key]
    return None if default == "" else default


def descriptions(section: type[Section]) -> dict[str, str]:
    """Return what each field of `section` means: the text that stands below it in the source."""
    body = ast.parse(inspect.getsource(section)).body[0]
    texts = {}
    if isinstance(body, ast.ClassDef):
        for field, text in zip(body.body, body.body[1:], strict=False):
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(text, ast.Expr):
                texts[field.target.id] = inspect.cleandoc(ast.literal_eval(text.value))
    return texts
