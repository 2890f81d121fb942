"""Shapes: the corners of the marks on lines."""

from __future__ import annotations

from ledger.charts.drawing import Dot, Place, Shape

# fmt: off
_CORNERS: dict[Shape, tuple[Place, ...]] = {
    Shape.SQUARE: ((-32, -32), (32, -32), (32, 32), (-32, 32)),
    Shape.BOX: ((-32, -32), (32, -32), (32, 32), (-32, 32)),
    Shape.TRIANGLE: ((0, -42), (40, 32), (-40, 32)),
    Shape.DOWN: ((0, 42), (40, -32), (-40, -32)),
    Shape.DIAMOND: ((0, -46), (46, 0), (0, 46), (-46, 0)),
    Shape.OPEN_DIAMOND: ((0, -46), (46, 0), (0, 46), (-46, 0)),
    Shape.OPEN_TRIANGLE: ((0, -42), (40, 32), (-40, 32)),
    Shape.OPEN_DOWN: ((0, 42), (40, -32), (-40, -32)),
    Shape.PLUS: (
        (-12, -40), (12, -40), (12, -12), (40, -12), (40, 12), (12, 12),
        (12, 40), (-12, 40), (-12, 12), (-40, 12), (-40, -12), (-12, -12),
    ),
    Shape.CROSS: (
        (0, -16), (22, -38), (38, -22), (16, 0), (38, 22), (22, 38),
        (0, 16), (-22, 38), (-38, 22), (-16, 0), (-38, -22), (-22, -38),
    ),
    Shape.ARROW: ((0, -70), (45, -10), (-45, -10)),
}
# fmt: on


def outline(mark: Dot) -> tuple[Place, ...]:
    """The corners of a mark that has any, around its place."""
    return tuple((mark.x + x, mark.y + y) for x, y in _CORNERS[mark.shape])
