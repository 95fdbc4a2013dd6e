// How long quiet may last; pure.

const HOUR = 3_600_000;
/** The hour at which tomorrow begins for whoever wants quiet until then. */
const MORNING = 8;

export const inAnHour = (now: number): number => now + HOUR;

/** Tomorrow morning where the browser is. */
export function tomorrow(now: number): number {
  const day = new Date(now);
  day.setDate(day.getDate() + 1);
  day.setHours(MORNING, 0, 0, 0);
  return day.getTime();
}
