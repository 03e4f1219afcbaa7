import { readFileSync } from 'node:fs';

/**
 * Tells a process from every other that has or will have its number: when it began (proc(5), stat, field 22), and since which
 * start of the machine that counts.
 * @returns empty if there is no such process
 */
export function processMark(processId: number): string {
  try {
    const stat = readFileSync(`/proc/${processId}/stat`, 'utf8');
    // The second field is the program's name in parentheses and may hold spaces and parentheses itself.
    const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${start}`;
  } catch {
    return '';
  }
}
