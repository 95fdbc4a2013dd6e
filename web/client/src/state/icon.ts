// Computes how a picture becomes an icon that a network takes: part, size and format; pure. Does not draw (see ui/people/draw.ts).
import type { IconSpec } from "../wire/types";

/** A square of a picture, in its own pixels. */
export interface Crop { x: number; y: number; side: number }
export interface Size { width: number; height: number }

export const MOST_ZOOM = 8;
/** Pixels of a side where a network has no bound. */
const USUAL = 256;
/** Bytes where a network has no bound: more than any icon of that size needs. */
const BYTES = 256 * 1024;

const clamp = (value: number, most: number): number => Math.min(Math.max(0, value), Math.max(0, most));

/** The largest square, in the middle. */
export function centred({ width, height }: Size): Crop {
  const side = Math.min(width, height);
  return { x: (width - side) / 2, y: (height - side) / 2, side };
}

/** The same middle, as far as the picture reaches; 1 is the largest square. */
export function zoomed(crop: Crop, zoom: number, size: Size): Crop {
  const side = Math.min(size.width, size.height) / Math.min(Math.max(1, zoom), MOST_ZOOM);
  return moved({ x: crop.x + (crop.side - side) / 2, y: crop.y + (crop.side - side) / 2, side }, 0, 0, size);
}

export const zoomOf = (crop: Crop, size: Size): number => Math.min(size.width, size.height) / crop.side;

export function moved(crop: Crop, dx: number, dy: number, size: Size): Crop {
  return { side: crop.side, x: clamp(crop.x + dx, size.width - crop.side), y: clamp(crop.y + dy, size.height - crop.side) };
}

export interface Attempt { type: "image/png" | "image/jpeg"; quality?: number; side: number }

/** Ways to write an icon, the best first: smaller only where larger ones have too many bytes. None for a network that takes nothing a browser can write. */
export function attempts(spec: IconSpec): Attempt[] {
  const side = Math.min(spec.max_width || USUAL, spec.max_height || USUAL, USUAL);
  const least = Math.min(side, Math.max(spec.min_width, spec.min_height, 16));
  const ways: Attempt[] = [];
  for (let now = side; ; now = Math.max(least, Math.floor(now * 0.75))) {
    if (spec.formats.includes("png")) ways.push({ type: "image/png", side: now });
    if (spec.formats.includes("jpeg")) for (const quality of [0.9, 0.75, 0.5]) ways.push({ type: "image/jpeg", quality, side: now });
    if (now <= least) return ways;
  }
}

export const mostBytes = (spec: IconSpec): number => Math.min(spec.max_bytes || BYTES, BYTES);
