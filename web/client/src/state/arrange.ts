// Which numbers a group that is moved gets, and with it as few others as will do; pure.
import type { Group } from "../wire/types";

/** Between the numbers of neighbours, so that one put between them changes no others. */
const STEP = 1024;

type Numbers = Map<string, number>;

/** Numbers on from one, upwards (`step` > 0) or downwards, as far as the numbers that are there do not do. */
function push(numbers: Numbers, groups: readonly Group[], from: number, step: number): Numbers {
  let last = from;
  for (const group of groups) {
    if ((group.order - last) * step > 0) break;
    last += step;
    numbers.set(group.name, last);
  }
  return numbers;
}

/** The numbers to give so that one of the groups, in their order, stands at a place among them: as few as will do. */
export function moved(groups: readonly Group[], name: string, to: number): ReadonlyMap<string, number> {
  const rest = groups.filter((group) => group.name !== name);
  const own = groups.find((group) => group.name === name);
  const place = Math.max(0, Math.min(rest.length, to));
  if (!own || groups[place]?.name === name) return new Map();
  const [before, after] = [rest.slice(0, place), rest.slice(place)];
  const [previous, next] = [before.at(-1), after[0]];
  if (!previous || !next || next.order - previous.order > 1) {
    const low = previous?.order ?? (next?.order ?? 0) - 2 * STEP;
    const high = next?.order ?? low + 2 * STEP;
    return new Map([[name, Math.floor((low + high) / 2)]]);
  }
  const up = push(new Map([[name, previous.order + STEP]]), after, previous.order + STEP, STEP);
  const down = push(new Map([[name, next.order - STEP]]), before.reverse(), next.order - STEP, -STEP);
  return up.size <= down.size ? up : down;
}
