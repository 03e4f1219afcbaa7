/**
 * Up to three of `names` that `text` may have been meant to be, nearest first: within a third of its length in edits, case,
 * hyphens and underscores aside.
 */
export function nearestNames(text: string, names: Iterable<string>): string[] {
  if (text.length > 60) return [];
  const wanted = bareName(text);
  const limit = Math.max(1, Math.ceil(wanted.length / 3));
  return [...names]
    .map((name) => ({ name, distance: editDistance(wanted, bareName(name)) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ name }) => name);
}

/** `max-bandwidth`, `max_bandwidth` and `maxBandwidth` are one name. */
export function bareName(name: string): string {
  return name.replace(/[-_]/g, '').toLowerCase();
}

/** Insertions, deletions, substitutions (Levenshtein). */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 0; i < a.length; i++) {
    const current = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const substitution = previous[j]! + (a[i] === b[j] ? 0 : 1);
      current.push(Math.min(substitution, previous[j + 1]! + 1, current[j]! + 1));
    }
    previous = current;
  }
  return previous[b.length]!;
}
