// How long to wait before the next try; it must not start timers.

const FIRST = 500;
const MOST = 30_000;

/** Full-jitter exponential wait in milliseconds for the `failures`-th failure in a row (from 1). */
export function waitAfter(failures: number, random: () => number = Math.random): number {
  const ceiling = Math.min(MOST, FIRST * 2 ** Math.min(failures, 10));
  return Math.round(FIRST / 2 + random() * (ceiling - FIRST / 2));
}
