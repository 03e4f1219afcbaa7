/** One thing that is wrong with a written scenario. */
export interface ScenarioProblem {
  /** The field, dotted: `network.mtu`, `guest.workload.groups[3].pages`; empty for the whole. */
  readonly field: string;
  /** What is wrong, and what is allowed. */
  readonly message: string;
  /** From 1 on, in the text; null where there is none. */
  readonly position: { readonly line: number; readonly column: number } | null;
}

/** Lines of a message that somebody reads. */
const MAX_LINES = 40;

/** A scenario that cannot be used. The message has a line for each problem, up to 40. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
  readonly problems: readonly ScenarioProblem[];

  /** @param path of the file, for the message; null if it came from elsewhere */
  constructor(problems: readonly ScenarioProblem[], path: string | null = null) {
    super(problemLines(problems, path).join('\n'));
    this.problems = problems;
  }
}

/** For people: a line for each problem, up to 40. */
export function problemLines(problems: readonly ScenarioProblem[], path: string | null): string[] {
  const lines = problems.slice(0, MAX_LINES).map((problem) => lineOf(problem, path));
  return problems.length > MAX_LINES ? [...lines, `and ${problems.length - MAX_LINES} more`] : lines;
}

/** `office.yaml:4:9: network.mtu: 90000 is out of bounds`, as editors and terminals link to. */
function lineOf({ field, message, position }: ScenarioProblem, path: string | null): string {
  const what = field === '' ? message : `${field}: ${message}`;
  if (path === null)
    return position === null ? what : `line ${position.line}, column ${position.column}: ${what}`;
  return position === null ? `${path}: ${what}` : `${path}:${position.line}:${position.column}: ${what}`;
}
