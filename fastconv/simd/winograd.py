"""The transforms of Winograd's minimal filtering F(m×m, 3×3), on vectors of 16 lanes (Lavin & Gray 2016, section 4).

    y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A

makes m × m outputs y of n × n inputs d and a kernel g, n = m + 2, by n² multiplications. The matrices come from Toom
and Cook's interpolation of polynomials in n - 1 points and infinity (Barabasz et al. 2020, section 3). Points in pairs
±p let both rows of a pair share their even and their odd terms, so each matrix is applied as two factors.
"""

from __future__ import annotations

from fractions import Fraction

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from fastconv.layout import LANES
from fastconv.simd import ir_tools
from fastconv.simd.block import TileType
from fastconv.simd.ir_tools import FLOATS, I64
from fastconv.simd.vector import floats

#: The positive points of F(m×m, 3×3) by n = m + 2; 0, their negatives and infinity are points too. Those of F(4×4, 3×3)
#: have the least error of those tried: of the largest output, 64 channels of normal values, at most 1.6e-6 where 1 and
#: 2 (Lavin & Gray 2016) have 5.2e-6, 1 and 1/2 4.6e-6, 5/8 and 3/2 1.6e-6, and the direct algorithm 0.7e-6. F(2×2, 3×3)
#: has 0.4e-6.
POINTS = {4: (Fraction(1),), 6: (Fraction(3, 4), Fraction(3, 2))}

Matrix = list[list[Fraction]]


def _polynomial(squares: list[Fraction]) -> list[Fraction]:
    """The coefficients of Π (x² - s), of x⁰, x², x⁴, …"""
    coefficients = [Fraction(1)]
    for square in squares:
        higher, lower = [Fraction(0), *coefficients], [*coefficients, Fraction(0)]
        coefficients = [a - square * b for a, b in zip(higher, lower, strict=True)]
    return coefficients


def _placed(size: int, first: int, step: int, values: list[Fraction]) -> list[Fraction]:
    row = [Fraction(0)] * size
    row[first:first + step * len(values):step] = values
    return row


def input_factors(size: int) -> list[Matrix]:
    """Bᵀ = factors[1] · factors[0]. Its rows belong to the points 0, p, -p, …, infinity."""
    points = POINTS[size]
    squares = [p * p for p in points]
    parts, pairs = [_placed(size, 0, 2, _polynomial(squares))], [_placed(size, 0, 1, [Fraction(1)])]
    for i, p in enumerate(points):
        others = _polynomial(squares[:i] + squares[i + 1:])
        parts += [_placed(size, 2, 2, others), _placed(size, 1, 2, others)]
        pairs += [_placed(size, 1 + 2 * i, 1, [Fraction(1), sign * p]) for sign in (1, -1)]
    parts.append(_placed(size, 1, 2, _polynomial(squares)))
    pairs.append(_placed(size, size - 1, 1, [Fraction(1)]))
    return [parts, pairs]


def output_factors(size: int) -> list[Matrix]:
    """Aᵀ = factors[1] · factors[0]."""
    points, outputs = POINTS[size], size - 2
    pairs = [_placed(size, 0, 1, [Fraction(1)])]
    for i in range(len(points)):
        pairs += [_placed(size, 1 + 2 * i, 1, [Fraction(1), Fraction(sign)]) for sign in (1, -1)]
    pairs.append(_placed(size, size - 1, 1, [Fraction(1)]))
    powers = []
    for power in range(outputs):
        row = [Fraction(power == 0)]
        for p in points:
            row += [p**power, Fraction(0)] if power % 2 == 0 else [Fraction(0), p**power]
        powers.append([*row, Fraction(power == outputs - 1)])
    return [pairs, powers]


def weight_factors(size: int) -> list[Matrix]:
    """G, whose rows are divided by what Bᵀ's rows make of their own points."""
    finite = [Fraction(0)] + [sign * p for p in POINTS[size] for sign in (1, -1)]
    rows = []
    for p in finite:
        scale = Fraction(1)
        for other in finite:
            scale *= p - other if other != p else 1
        rows.append([p**power / scale for power in range(3)])
    return [[*rows, [Fraction(0), Fraction(0), Fraction(1)]]]


def _combination(builder, row, vectors):
    """Σ row[i] · vectors[i]; a term with the factor 1 comes first, if there is one: it takes no multiplication."""
    terms = [(factor, vector) for factor, vector in zip(row, vectors, strict=True) if factor]
    total = None
    for factor, vector in sorted(terms, key=lambda term: term[0] != 1):
        if factor == 1:
            total = vector if total is None else builder.fadd(total, vector)
        elif factor == -1 and total is not None:
            total = builder.fsub(total, vector)
        else:
            constant = ir.Constant(FLOATS, [float(factor)] * LANES)
            total = builder.fmul(constant, vector) if total is None else ir_tools.fma(builder, constant, vector, total)
    return total


def _transformed(builder, factors, vectors):
    for matrix in factors:
        vectors = [_combination(builder, row, vectors) for row in matrix]
    return vectors


def _transformed_twice(builder, factors, rows):
    """matrix · rows · matrixᵀ, row after row: first the columns, each of them only loaded then."""
    columns = [_transformed(builder, factors, list(column)) for column in rows]
    return [vector for row in zip(*columns, strict=True) for vector in _transformed(builder, factors, row)]


def _tile(builder, vectors):
    tile = ir.Constant(ir.ArrayType(FLOATS, len(vectors)), ir.Undefined)
    for k, value in enumerate(vectors):
        tile = builder.insert_value(tile, value, k)
    return tile


@intrinsic
def inputs(_typing, tile):
    """Bᵀ · tile, for a tile of one column."""
    factors = input_factors(tile.rows)

    def codegen(_context, builder, _signature, args):
        column = [builder.extract_value(args[0], r) for r in range(tile.rows)]
        return _tile(builder, _transformed(builder, factors, column))

    return tile(tile), codegen


@intrinsic
def outputs(_typing, points, products, start, stride, bias, lower):
    """max(lower, bias + Aᵀ · M · A); NaN stays NaN.

    M: n × n vectors, n = points.rows; M[i, j] = products[start + (i * n + j) * stride : + 16].
    """
    size = points.rows
    factors, tile = output_factors(size), TileType(size - 2, size - 2)

    def codegen(_context, builder, _signature, args):
        _, products, start, stride, bias, lower = args
        products = builder.gep(products, [start])

        def load(element):
            place = builder.gep(products, [builder.mul(stride, ir.Constant(I64, element))])
            return ir_tools.load(builder, place, FLOATS)

        columns = ((load(i * size + j) for i in range(size)) for j in range(size))
        sums = [builder.fadd(vector, bias) for vector in _transformed_twice(builder, factors, columns)]
        return _tile(builder, [builder.select(builder.fcmp_ordered("<", each, lower), lower, each) for each in sums])

    return tile(points, products, types.intp, types.intp, floats, floats), codegen


@intrinsic
def weights(_typing, points, weight, start, tap_step, lane_step, count):
    """G · g · Gᵀ, n × n vectors one below the other, n = points.rows.

    Each of the first `count` lanes has a kernel g, whose k-th tap is weight[start + k * tap_step + lane * lane_step].
    """
    size = points.rows
    factors, tile = weight_factors(size), TileType(size * size, 1)

    def codegen(_context, builder, _signature, args):
        _, weight, start, tap_step, lane_step, count = args

        def load(tap):
            first = builder.add(start, builder.mul(tap_step, ir.Constant(I64, tap)))
            return ir_tools.gather_first(builder, builder.gep(weight, [first]), lane_step, count)

        columns = ((load(3 * i + j) for i in range(3)) for j in range(3))
        return _tile(builder, _transformed_twice(builder, factors, columns))

    return tile(points, weight, types.intp, types.intp, types.intp, types.intp), codegen


@intrinsic
def load_inside(_typing, points, x, start, row_stride, first, end):
    """tile[r, 0, :] = x[start + r * row_stride : + 16]; zeros, not read, before row `first` and from `end` on."""
    tile = TileType(points.rows, 1)

    def codegen(_context, builder, _signature, args):
        _, x, start, row_stride, first, end = args
        x, rows = builder.gep(x, [start]), []
        for r in range(points.rows):
            index = ir.Constant(I64, r)
            inside = builder.and_(builder.icmp_signed("<=", first, index), builder.icmp_signed("<", index, end))
            rows.append(ir_tools.load_if(builder, inside, builder.gep(x, [builder.mul(row_stride, index)])))
        return _tile(builder, rows)

    return tile(points, x, types.intp, types.intp, types.intp, types.intp), codegen


@intrinsic
def store_inside(_typing, y, start, row_stride, tile, height, width):
    """y[start + r * row_stride + c * 16 : + 16] = tile[r, c, :], for r < height and c < width."""

    def codegen(context, builder, _signature, args):
        y, start, row_stride, value, height, width = args
        y = builder.gep(y, [start])
        for r in range(tile.rows):
            row = builder.gep(y, [builder.mul(row_stride, ir.Constant(I64, r))])
            for c in range(tile.cols):
                inside = builder.and_(builder.icmp_signed("<", ir.Constant(I64, r), height),
                                      builder.icmp_signed("<", ir.Constant(I64, c), width))
                place = builder.gep(row, [ir.Constant(I64, c * LANES)])
                ir_tools.store_if(builder, inside, builder.extract_value(value, r * tile.cols + c), place)
        return context.get_dummy_value()

    return types.void(y, types.intp, types.intp, tile, types.intp, types.intp), codegen
