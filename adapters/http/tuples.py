"""Documents tuples of any length as lists of one kind.

Where such a tuple has bounds, the framework's own schema would let an element be of its kind or of any,
and of only one of them: nothing is.
"""

from __future__ import annotations

from litestar._openapi.schema_generation import SchemaCreator
from litestar.openapi.spec import OpenAPIType, Schema
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition


class Tuples(OpenAPISchemaPlugin):
    """Takes over `tuple[X, ...]`."""

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        """Whether it is such a tuple."""
        inner = field_definition.inner_types
        return len(inner) == 2 and field_definition.origin is tuple and inner[1].annotation is ...

    def to_openapi_schema(
        self, field_definition: FieldDefinition, schema_creator: SchemaCreator
    ) -> Schema:
        """A list; the framework adds the bounds."""
        element = schema_creator.for_field_definition(field_definition.inner_types[0])
        return Schema(type=OpenAPIType.ARRAY, items=element)
