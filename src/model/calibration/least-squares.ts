/** One equation: the coefficients of what is sought, and what they come to. */
export interface Equation {
  readonly coefficients: readonly number[];
  readonly value: number;
  /** What its error is a share of, more than 0. Default: the value. */
  readonly scale?: number;
}

export interface Solution {
  /** None is negative. */
  readonly values: readonly number[];
  /** (solved - given) / scale, equation by equation. */
  readonly residuals: readonly number[];
}

/**
 * Least squares of relative errors, so that small values count as much as large ones. What would come out negative is 0, and the
 * rest is solved without it.
 * @throws RangeError if the equations do not determine what is sought, or a value is not more than 0
 */
export function solveNonNegative(equations: readonly Equation[]): Solution {
  if (equations.some((equation) => !(scaleOf(equation) > 0)))
    throw new RangeError('a value is not more than 0');
  const count = equations[0]?.coefficients.length ?? 0;
  let sought = Array.from({ length: count }, (_, i) => i);
  for (;;) {
    const solved = solveFor(equations, sought);
    const least = Math.min(0, ...solved);
    if (least === 0) {
      const values = Array.from({ length: count }, (_, i) => solved[sought.indexOf(i)] ?? 0);
      return { values, residuals: residualsOf(equations, values) };
    }
    sought = sought.filter((_, i) => solved[i] !== least);
  }
}

function scaleOf({ scale, value }: Equation): number {
  return scale ?? value;
}

function residualsOf(equations: readonly Equation[], values: readonly number[]): number[] {
  return equations.map((equation) => {
    const solved = equation.coefficients.reduce((sum, each, i) => sum + each * values[i]!, 0);
    return (solved - equation.value) / scaleOf(equation);
  });
}

/** Normal equations of the relative errors, in the unknowns of `sought` alone. */
function solveFor(equations: readonly Equation[], sought: readonly number[]): number[] {
  const rows = equations.map((equation) => {
    const scale = scaleOf(equation);
    return { left: sought.map((i) => equation.coefficients[i]! / scale), right: equation.value / scale };
  });
  const matrix = sought.map((_, i) => [
    ...sought.map((__, j) => rows.reduce((sum, { left }) => sum + left[i]! * left[j]!, 0)),
    rows.reduce((sum, { left, right }) => sum + left[i]! * right, 0),
  ]);
  return eliminate(matrix);
}

/** Below this share of a diagonal element as it was, what is left of it is rounding. */
const SINGULAR = 1e-12;

/** Gauss, with the largest element as pivot. Each row ends with what it comes to. */
function eliminate(matrix: number[][]): number[] {
  const size = matrix.length;
  const scales = matrix.map((row, i) => Math.abs(row[i]!));
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let row = column + 1; row < size; row++) {
      if (Math.abs(matrix[row]![column]!) > Math.abs(matrix[pivot]![column]!)) pivot = row;
    }
    [matrix[column], matrix[pivot]] = [matrix[pivot]!, matrix[column]!];
    if (!(Math.abs(matrix[column]![column]!) > SINGULAR * scales[column]!)) {
      throw new RangeError('the equations do not determine what is sought: give measurements at more sizes');
    }
    for (let row = 0; row < size; row++) if (row !== column) subtract(matrix, row, column);
  }
  return matrix.map((row, i) => row[size]! / row[i]!);
}

function subtract(matrix: readonly number[][], row: number, column: number): void {
  const [from, pivotRow] = [matrix[row]!, matrix[column]!];
  const factor = from[column]! / pivotRow[column]!;
  for (let i = column; i < from.length; i++) from[i]! -= factor * pivotRow[i]!;
}
