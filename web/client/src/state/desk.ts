// The windows of a desk: how each stands, what is kept of that, and where it is on a desk of some size; pure.
import { frameOf, half, place, shareOf, sizeFor, tile, tilesIn, type Area, type Frame, type Half } from "./geometry";

/** `normal` where its user put it, half or all of the desk, or one of the tiles. */
export type Stand = "normal" | Half | "tile";

export interface Win {
  id: string;
  stand: Stand;
  /** Its own place as parts of the desk, also while it stands otherwise. Null until it was first shown. */
  share: Frame | null;
  /** Which of how many tiles. */
  tile: { at: number; of: number };
  /** The higher, the further in front. */
  z: number;
  minimised: boolean;
}

type Kind = "im" | "room";

export type Wins = ReadonlyMap<string, Win>;

/** More windows than this are not kept. */
const MOST = 60;

export const fresh = (id: string, z: number, minimised: boolean): Win => ({ id, stand: "normal", share: null, tile: { at: 0, of: 1 }, z, minimised });

/** Where the windows are that show. A tile that has no room on this desk does not. */
export function framesOf(wins: Iterable<Win>, area: Area): Map<string, Frame> {
  const frames = new Map<string, Frame>();
  const grids = new Map<number, Frame[]>();
  for (const { id, stand, share, tile: place, minimised } of wins) {
    if (minimised) continue;
    if (stand === "tile") {
      const grid = grids.get(place.of) ?? tile(place.of, area);
      grids.set(place.of, grid);
      const frame = grid[place.at];
      if (frame) frames.set(id, frame);
    } else if (stand !== "normal") frames.set(id, half(stand, area));
    else if (share) frames.set(id, frameOf(share, area));
  }
  return frames;
}

const put = (wins: Wins, win: Win): Map<string, Win> => new Map(wins).set(win.id, win);

/** A window with a place of its own: the one it has, or the one that covers least of the others. Rooms stand at the left, people beside the list. */
function withShare(win: Win, kind: Kind, others: Iterable<Frame>, area: Area): Win {
  return win.share ? win : { ...win, share: shareOf(place(sizeFor(kind, area), [...others], area, kind === "room" ? "left" : "right"), area) };
}

/** Shows a window in front of all others. Among nothing but tiles it becomes one, too. */
export function raise(wins: Wins, id: string, kind: Kind, z: number, area: Area): Map<string, Win> {
  const old = wins.get(id) ?? fresh(id, z, true);
  const frames = framesOf(wins.values(), area);
  if (frames.has(id)) return put(wins, { ...old, z });
  // A tile for which there is no room any more goes back to its own place.
  const stand = old.stand === "tile" ? "normal" : old.stand;
  const next = put(wins, { ...withShare(old, kind, frames.values(), area), stand, z, minimised: false });
  const others = [...wins.values()].filter((one) => frames.has(one.id));
  const joins = others.length > 1 && others.length < tilesIn(area) && others.every((one) => one.stand === "tile");
  return joins ? tiled(next, area) : next;
}

/** Gives a place to each window that is to show and has none: the page was narrow when it was opened. */
export function placed(wins: Wins, kindOf: (id: string) => Kind, area: Area): Wins {
  let all = wins;
  for (const win of wins.values()) {
    if (!win.minimised && win.stand === "normal" && !win.share) all = put(all, withShare(win, kindOf(win.id), framesOf(all.values(), area).values(), area));
  }
  return all;
}

/** All windows that show side by side, in their order. For those furthest behind there may be no room: they are minimised. */
export function tiled(wins: Wins, area: Area): Map<string, Win> {
  const next = new Map(wins);
  const open = [...wins.values()].filter((win) => !win.minimised);
  const front = new Set([...open].sort((a, b) => b.z - a.z).slice(0, tilesIn(area)));
  const of = front.size;
  let at = 0;
  for (const win of open) next.set(win.id, front.has(win) ? { ...win, stand: "tile", tile: { at: at++, of } } : { ...win, minimised: true });
  return next;
}

/** What is kept of a desk, as a setting. */
export interface Kept { v: 2; wins: readonly (readonly unknown[])[] }

const parts = (share: Frame): number[] => [share.x, share.y, share.w, share.h].map((part) => Math.round(part * 10_000) / 10_000);

export function keep(wins: Iterable<Win>): Kept {
  const kept = [...wins].slice(-MOST);
  const rank = new Map([...kept].sort((a, b) => a.z - b.z).map((win, at) => [win.id, at + 1]));
  return { v: 2, wins: kept.map(({ id, stand, share, tile: { at, of }, minimised }) => [id, stand, minimised ? 1 : 0, rank.get(id), at, of, ...(share ? parts(share) : [])]) };
}

const STANDS: ReadonlySet<unknown> = new Set(["normal", "left", "right", "full", "tile"]);
const isPart = (part: unknown): part is number => typeof part === "number" && part >= 0 && part <= 1;

/** Of a setting. Anything may stand there; what an older page kept is not taken. */
export function restored(value: unknown): Win[] {
  const { v, wins } = (value ?? {}) as { v?: unknown; wins?: unknown };
  if (v !== 2 || !Array.isArray(wins)) return [];
  return wins.flatMap((raw: unknown): Win[] => {
    if (!Array.isArray(raw)) return [];
    const [id, stand, minimised, z, at, of, x, y, w, h] = raw as unknown[];
    if (typeof id !== "string" || !STANDS.has(stand) || !Number.isFinite(z)) return [];
    const share = isPart(x) && isPart(y) && isPart(w) && isPart(h) && w > 0 && h > 0 ? { x, y, w, h } : null;
    const counts = Number.isInteger(at) && Number.isInteger(of) && (at as number) >= 0 && (at as number) < (of as number) && (of as number) <= MOST;
    if (stand === "tile" && !counts) return [];
    return [{ id, stand: stand as Stand, share, tile: counts ? { at: at as number, of: of as number } : { at: 0, of: 1 }, z: z as number, minimised: minimised === 1 }];
  });
}

/** About how wide a tile of the dock is: pixels. */
export const tileWidth = (title: string, counts: boolean): number => Math.max(84, Math.min(190, 57 + Math.round(title.length * 7.6))) + (counts ? 34 : 0);

/** So many of these tiles have room in a dock of this width; for the others there is a button. Pixels. */
export function dockRoom(tiles: readonly number[], width: number, gap = 8, button = 84): number {
  const fit = (space: number): number => {
    let used = -gap;
    const over = tiles.findIndex((tile) => (used += tile + gap) > space);
    return over < 0 ? tiles.length : over;
  };
  return fit(width) === tiles.length ? tiles.length : Math.max(1, fit(width - button - gap));
}
