"""FLOPs and bytes of one decoded token, at fixed distances and dense, and the time they take on a roofline.

Per batch entry and head, with r rows read, key dim d, value dim e, and b bytes an element:

    FLOPs = 2 r (d + e)          (the two products; r exponentials and the like are not counted)
    bytes = b ((r + 1) (d + e))  (rows of K and V, q, and the output)

where r is the number of listed rows at fixed distances and the window W in dense attention. The kernel reads besides
8 bytes a length, and for every batch entry and head the integer distances and float32 biases.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shape:
    """Sizes of one call.

    Attributes
    ----------
    batch, heads, window, dim, value : int
    rows : int
        Distances a head lists.
    element, index : int
        Bytes of an element of q, k, v and the output, and of a distance or length.
    """

    batch: int
    heads: int
    window: int
    dim: int
    value: int
    rows: int
    element: int = 2
    index: int = 8


@dataclass(frozen=True)
class Cost:
    """Work of one call: floating-point operations of the products, and bytes moved."""

    flops: int
    bytes: int

    def seconds(self, bandwidth: float, rate: float) -> float:
        """The roofline: the slower of moving the bytes and doing the operations.

        Parameters
        ----------
        bandwidth : float
            Bytes per second, measured by a copy.
        rate : float
            Operations per second.
        """
        return max(self.bytes / bandwidth, self.flops / rate)


def offsets(shape: Shape) -> Cost:
    """Every listed token there: independent of the window."""
    pairs = shape.batch * shape.heads
    listed = pairs * shape.rows * (shape.index + 4) + pairs * shape.index  # distances, biases, lengths
    work = _rows(shape, shape.rows)
    return Cost(work.flops, work.bytes + listed)


def dense(shape: Shape) -> Cost:
    """Every token of the window."""
    return _rows(shape, shape.window)


def _rows(shape: Shape, rows: int) -> Cost:
    pairs, width = shape.batch * shape.heads, shape.dim + shape.value
    return Cost(2 * pairs * rows * width, shape.element * pairs * (rows + 1) * width)
