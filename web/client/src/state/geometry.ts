// Where windows go: first place, limits, snapping; pure arithmetic in CSS pixels.

export interface Frame { x: number; y: number; w: number; h: number }
export interface Area { w: number; h: number }

export const MIN_W = 280;
export const MIN_H = 240;
/** How near an edge pulls, in CSS pixels. */
export const PULL = 12;
const GAP = 10;

export function clamp(frame: Frame, area: Area): Frame {
  const w = Math.max(MIN_W, Math.min(frame.w, area.w));
  const h = Math.max(MIN_H, Math.min(frame.h, area.h));
  return {
    w,
    h,
    x: Math.max(0, Math.min(frame.x, area.w - w)),
    y: Math.max(0, Math.min(frame.y, area.h - h)),
  };
}

const overlap = (a: Frame, b: Frame): number =>
  Math.max(0, Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x)) * Math.max(0, Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y));

/** A title bar's height: what shows whose window it is and takes it elsewhere. */
const BAR = 54;
/** A new window may be this low where that spares the others. */
const LOW = 270;

/** How much of the others a window would hide; a title bar counts for more than what is below it. */
const hides = (at: Frame, others: readonly Frame[]): number =>
  others.reduce((sum, other) => sum + overlap(at, other) + 6 * overlap(at, { ...other, h: BAR }), 0);

/** The place for a new window that covers least of the others; ties go to the lower right, next to the list. */
export function place(size: Area, others: readonly Frame[], area: Area): Frame {
  const w = Math.min(size.w, area.w);
  const h = Math.min(size.h, area.h);
  let best: Frame = { x: Math.max(0, area.w - w - GAP), y: Math.max(0, area.h - h - GAP), w, h };
  let least = Infinity;
  const columns = [...others.map((o) => o.x - w - GAP), ...others.map((o) => o.x + o.w + GAP), area.w - w - GAP, GAP];
  const rows = [area.h - h - GAP, ...others.map((o) => o.y - h - GAP), ...others.map((o) => o.y + o.h + GAP), GAP];
  for (const x of columns) {
    for (const y of rows) {
      if (x < 0 || y < 0 || x + w > area.w || y + h > area.h) continue;
      const at = { x, y, w, h };
      const cost = hides(at, others);
      if (cost < least) {
        least = cost;
        best = at;
      }
    }
  }
  if (least > 0) {
    // Lower than it would like, above or below another, rather than over it.
    for (const other of others) {
      for (const strip of [{ y: GAP, h: other.y - 2 * GAP }, { y: other.y + other.h + GAP, h: area.h - other.y - other.h - 2 * GAP }]) {
        if (strip.h < LOW || strip.h > h) continue;
        for (const x of columns) {
          const at = { x, w, ...strip };
          if (x >= 0 && x + w <= area.w && hides(at, others) === 0) return at;
        }
      }
    }
  }
  if (least > (w * h) / 2) {
    // Crowded: a cascade.
    const step = (others.length % 8) * 28;
    best = clamp({ x: 40 + step, y: 30 + step, w, h }, area);
  }
  return best;
}

function pull(value: number, size: number, lines: readonly number[]): number {
  let best = value;
  let least = PULL + 1;
  for (const line of lines) {
    for (const candidate of [line, line - size]) {
      const distance = Math.abs(candidate - value);
      if (distance < least) {
        least = distance;
        best = candidate;
      }
    }
  }
  return best;
}

/** A moving window is pulled to the desk's edges and to those of its neighbours. */
export function snapMove(frame: Frame, others: readonly Frame[], area: Area): Frame {
  const xs = [0, area.w, GAP, area.w - GAP, ...others.flatMap((o) => [o.x, o.x + o.w, o.x - GAP, o.x + o.w + GAP])];
  const ys = [0, area.h, GAP, area.h - GAP, ...others.flatMap((o) => [o.y, o.y + o.h, o.y - GAP, o.y + o.h + GAP])];
  return clamp({ ...frame, x: pull(frame.x, frame.w, xs), y: pull(frame.y, frame.h, ys) }, area);
}

export type Half = "left" | "right" | "full";

export function half(which: Half, area: Area): Frame {
  if (which === "full") return { x: GAP, y: GAP, w: area.w - 2 * GAP, h: area.h - 2 * GAP };
  const w = Math.floor((area.w - 3 * GAP) / 2);
  return { x: which === "left" ? GAP : 2 * GAP + w, y: GAP, w, h: area.h - 2 * GAP };
}

/** Dragging the pointer against the desk's side or top asks for a half or for all of it. */
export function edgeZone(x: number, y: number, area: Area): Half | null {
  if (y <= 2) return "full";
  if (x <= 4) return "left";
  if (x >= area.w - 4) return "right";
  return null;
}

/** All windows side by side in a grid. */
export function tile(count: number, area: Area): Frame[] {
  const columns = Math.max(1, Math.min(Math.ceil(Math.sqrt(count)), Math.floor(area.w / (MIN_W + GAP)) || 1));
  const rows = Math.ceil(count / columns);
  const h = Math.max(MIN_H, (area.h - GAP * (rows + 1)) / rows);
  return Array.from({ length: count }, (_, at) => {
    const row = Math.floor(at / columns);
    const inRow = row === rows - 1 ? count - row * columns : columns;
    const w = (area.w - GAP * (inRow + 1)) / inRow;
    return clamp({ x: GAP + (at % columns) * (w + GAP), y: GAP + row * (h + GAP), w, h }, area);
  });
}

export type Edge = "n" | "s" | "e" | "w" | "ne" | "nw" | "se" | "sw";

export function resize(start: Frame, edge: Edge, dx: number, dy: number, area: Area): Frame {
  let { x, y, w, h } = start;
  if (edge.includes("e")) w = Math.min(Math.max(MIN_W, w + dx), area.w - x);
  if (edge.includes("s")) h = Math.min(Math.max(MIN_H, h + dy), area.h - y);
  if (edge.includes("w")) {
    const right = x + w;
    x = Math.max(0, Math.min(x + dx, right - MIN_W));
    w = right - x;
  }
  if (edge.includes("n")) {
    const bottom = y + h;
    y = Math.max(0, Math.min(y + dy, bottom - MIN_H));
    h = bottom - y;
  }
  return { x, y, w, h };
}
