// Where windows go: first place, limits, snapping, tiles; pure arithmetic in CSS pixels.

export interface Frame { x: number; y: number; w: number; h: number }
export interface Area { w: number; h: number }

/** The least size that a user can give a window. */
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

/** A frame as parts of the desk, each 0 to 1: what is kept of it, for a desk of any size. */
export const shareOf = (frame: Frame, area: Area): Frame => ({ x: frame.x / area.w, y: frame.y / area.h, w: frame.w / area.w, h: frame.h / area.h });

/** Such a part on this desk, in whole pixels. */
export const frameOf = (share: Frame, area: Area): Frame =>
  clamp({ x: Math.round(share.x * area.w), y: Math.round(share.y * area.h), w: Math.round(share.w * area.w), h: Math.round(share.h * area.h) }, area);

/** How big a new window would like to be. */
export function sizeFor(kind: "im" | "room", area: Area): Area {
  const within = (least: number, part: number, most: number) => Math.round(Math.max(least, Math.min(part, most)));
  return kind === "room" ? { w: within(480, area.w * 0.58, 700), h: within(420, area.h * 0.9, 740) } : { w: 380, h: within(400, area.h * 0.6, 520) };
}

const overlap = (a: Frame, b: Frame): number =>
  Math.max(0, Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x)) * Math.max(0, Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y));

/** A title bar's height: what shows whose window it is and takes it elsewhere. */
const BAR = 54;
/** A new window may be this small where that spares the others. */
const SMALL: Area = { w: 300, h: 270 };
/** Beside more windows than this nobody looks for room. */
const CROWD = 8;

/** How much of the others a window would hide; a title bar counts for more than what is below it. */
const hides = (at: Frame, others: readonly Frame[]): number =>
  others.reduce((sum, other) => sum + overlap(at, other) + 6 * overlap(at, { ...other, h: BAR }), 0);

/** The free rectangle that a window of this size fills best, with a gap to all around it. */
function room(size: Area, others: readonly Frame[], area: Area): Frame | null {
  const lefts = [GAP, ...others.map((o) => o.x + o.w + GAP)];
  const rights = [area.w - GAP, ...others.map((o) => o.x - GAP)];
  const tops = [GAP, ...others.map((o) => o.y + o.h + GAP)];
  const bottoms = [area.h - GAP, ...others.map((o) => o.y - GAP)];
  let best: Frame | null = null;
  let most = 0;
  for (const x of lefts) for (const right of rights) {
    if (right - x < Math.min(SMALL.w, size.w)) continue;
    for (const y of tops) for (const bottom of bottoms) {
      if (bottom - y < Math.min(SMALL.h, size.h)) continue;
      const [w, h] = [Math.min(size.w, right - x), Math.min(size.h, bottom - y)];
      if (w * h <= most || others.some((other) => overlap({ x, y, w: right - x, h: bottom - y }, other) > 0)) continue;
      most = w * h;
      best = { x: right - w, y: bottom - h, w, h };
    }
  }
  return best;
}

/** The place for a new window that covers least of the others; ties go to the lower right, next to the list, or to the lower left. */
export function place(size: Area, others: readonly Frame[], area: Area, side: "left" | "right" = "right"): Frame {
  const w = Math.min(size.w, area.w);
  const h = Math.min(size.h, area.h);
  let best: Frame = { x: Math.max(0, area.w - w - GAP), y: Math.max(0, area.h - h - GAP), w, h };
  let least = Infinity;
  const edges = side === "left" ? [GAP, area.w - w - GAP] : [area.w - w - GAP, GAP];
  const columns = [...others.map((o) => o.x - w - GAP), ...others.map((o) => o.x + o.w + GAP), ...edges];
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
  // Smaller than it would like, rather than over another.
  const beside = least > 0 && others.length <= CROWD ? room(size, others, area) : null;
  if (beside) return beside;
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

/** A tile is at least this big. */
const TILE: Area = { w: 200, h: 170 };
/** What a tile would be, if it could. */
const IDEAL: Area = { w: 420, h: 420 };

const along = (length: number, tile: number): number => Math.max(1, Math.floor((length - GAP) / (tile + GAP)));

/** So many windows stand side by side here. */
export const tilesIn = (area: Area): number => along(area.w, TILE.w) * along(area.h, TILE.h);

/** So many columns make the tiles most like windows. */
function columnsFor(count: number, area: Area): number {
  let best = 1;
  let most = -1;
  for (let columns = 1; columns <= Math.min(count, along(area.w, TILE.w)); columns++) {
    const rows = Math.ceil(count / columns);
    if (rows > along(area.h, TILE.h)) continue;
    const like = Math.min((area.w - GAP * (columns + 1)) / columns / IDEAL.w, (area.h - GAP * (rows + 1)) / rows / IDEAL.h);
    if (like > most) [most, best] = [like, columns];
  }
  return best;
}

/** Places side by side, row by row; never one over another, and never more than there is room for. */
export function tile(count: number, area: Area): Frame[] {
  const number = Math.min(count, tilesIn(area));
  const columns = columnsFor(number, area);
  const rows = Math.ceil(number / columns);
  /** Where the part `at` of so many begins; whole pixels, so that nothing overlaps by a fraction of one. */
  const edge = (at: number, parts: number, length: number): number => GAP + Math.round((at * (length - GAP)) / parts);
  return Array.from({ length: number }, (_, at) => {
    const row = Math.floor(at / columns);
    const inRow = row === rows - 1 ? number - row * columns : columns;
    const [x, y] = [edge(at % columns, inRow, area.w), edge(row, rows, area.h)];
    return { x, y, w: edge((at % columns) + 1, inRow, area.w) - GAP - x, h: edge(row + 1, rows, area.h) - GAP - y };
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
