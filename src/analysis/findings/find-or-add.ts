/**
 * What a table that must not grow without end has under a key.
 * @param fresh is put there if there is nothing yet
 * @param most entries
 * @returns null if there is nothing, and the table is full
 */
export function findOrAdd<Value>(
  table: Map<string, Value>,
  key: string,
  fresh: Value,
  most: number,
): Value | null {
  const known = table.get(key);
  if (known !== undefined) return known;
  if (table.size >= most) return null;
  table.set(key, fresh);
  return fresh;
}
