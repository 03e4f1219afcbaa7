const SI_PREFIXES = ['', 'k', 'M', 'G', 'T', 'P', 'E'] as const;
const GROUPED = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** `12,345` */
export function formatCount(count: number): string {
  return GROUPED.format(count);
}

/** `1 packet`, `12,345 packets` */
export function formatCounted(count: number, singular: string, plural = `${singular}s`): string {
  return `${formatCount(count)} ${count === 1 ? singular : plural}`;
}

/** Bytes in SI units (1 kB = 1000 B), three digits: `512 B`, `1.23 MB`. */
export function formatBytes(bytes: number): string {
  return formatSi(bytes, 'B');
}

/** Memory as it is configured, in binary units: `512 KiB`, `32.5 MiB`, `4 GiB`. */
export function formatMemory(bytes: number): string {
  const power = Math.min(5, Math.max(1, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  const scaled = bytes / 1024 ** power;
  return `${Number(scaled.toFixed(Number.isInteger(scaled) || scaled >= 100 ? 0 : 1))} ${'KMGTP'[power - 1]}iB`;
}

/** Bits per second in SI units: `94.1 Mbit/s`. */
export function formatBps(bps: number): string {
  return formatSi(bps, 'bit/s');
}

/** Two rates in the unit of the larger: `75.4/80.0 Mbit/s`. */
export function formatBpsPair(a: number, b: number): string {
  const prefix = prefixFor(Math.max(a, b));
  return `${formatDigits(a, prefix)}/${formatDigits(b, prefix)} ${SI_PREFIXES[prefix]}bit/s`;
}

/** How often something happens: `12,345 packets/s`, `1.83 packets/s`, `one packet in 3 h 2 min`. */
export function formatFrequency(perSecond: number, singular: string): string {
  if (perSecond < 1) return `one ${singular} in ${formatSeconds(1 / perSecond)}`;
  const digits = perSecond < 100 ? `${Number(perSecond.toPrecision(3))}` : formatCount(perSecond);
  return `${digits} ${singular}s/s`;
}

function formatSi(value: number, unit: string): string {
  const prefix = prefixFor(value);
  return `${formatDigits(value, prefix)} ${SI_PREFIXES[prefix]}${unit}`;
}

/** @returns index in `SI_PREFIXES` */
function prefixFor(value: number): number {
  let prefix = 0;
  // 999.5 would print as 1000 with three digits
  for (let rest = Math.abs(value); rest >= 999.5 && prefix < SI_PREFIXES.length - 1; rest /= 1000) prefix++;
  return prefix;
}

function formatDigits(value: number, prefix: number): string {
  const scaled = value / 1000 ** prefix;
  const isWhole = prefix === 0 && Number.isInteger(scaled);
  return scaled.toFixed(isWhole ? 0 : decimalsFor(scaled));
}

function decimalsFor(value: number): number {
  const size = Math.abs(value);
  if (size >= 99.95) return 0;
  return size >= 9.995 ? 1 : 2;
}

/**
 * Share of a whole: `3.6 %`. A share above zero never prints as nothing, one below the whole never as all of it.
 * @returns `-` if there is no whole
 */
export function formatShare(part: number, whole: number): string {
  if (whole === 0) return '-';
  const percent = (part / whole) * 100;
  if (percent > 0 && percent < 0.05) return '< 0.1 %';
  if (percent < 100 && percent >= 99.95) return '> 99.9 %';
  return percent === 100 ? '100 %' : `${percent.toFixed(1)} %`;
}

/** `1.38 s`, `12 ms`, `2 min 5 s`, `3 h 2 min` */
export function formatSeconds(seconds: number): string {
  if (seconds >= 3600) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  if (seconds >= 60) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  if (seconds >= 1 || seconds === 0) return `${seconds.toFixed(seconds === 0 ? 0 : decimalsFor(seconds))} s`;
  if (seconds >= 1e-3) return `${Number((seconds * 1e3).toPrecision(3))} ms`;
  return `${Number((seconds * 1e6).toPrecision(3))} us`;
}

/** Seconds between two decimal strings of nanoseconds. */
export function secondsBetween(firstNs: string, lastNs: string): number {
  return Number(BigInt(lastNs) - BigInt(firstNs)) / 1e9;
}
