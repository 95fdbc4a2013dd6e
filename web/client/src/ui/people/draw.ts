// Pictures read and written by the browser itself: what is written has no trace of the file that was read (place, camera, time); it must not show anything.
import { attempts, mostBytes, type Crop } from "../../state/icon";
import type { IconSpec } from "../../wire/types";

/** Bytes of a file that is read whole. */
const MOST = 40 * 1024 * 1024;

export class PictureError extends Error {
  constructor(readonly why: "none" | "large" | "way") {
    super(why);
  }
}

/** Reads a picture, upright as its EXIF says. */
export async function read(file: Blob): Promise<ImageBitmap> {
  if (file.size > MOST) throw new PictureError("large");
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" }).catch(() => null);
  if (!picture || picture.width === 0 || picture.height === 0) throw new PictureError("none");
  return picture;
}

/** Draws the part of a picture over a whole canvas. */
export function paint(canvas: HTMLCanvasElement, picture: ImageBitmap, crop: Crop, ground: string | null): void {
  const pen = canvas.getContext("2d");
  if (!pen) return;
  pen.clearRect(0, 0, canvas.width, canvas.height);
  if (ground) {
    pen.fillStyle = ground;
    pen.fillRect(0, 0, canvas.width, canvas.height);
  }
  pen.imageSmoothingQuality = "high";
  pen.drawImage(picture, crop.x, crop.y, crop.side, crop.side, 0, 0, canvas.width, canvas.height);
}

function square(side: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side;
  return canvas;
}

/** Of a large picture each half is made of the one before: a single step would leave pixels out. */
function scaled(picture: ImageBitmap, crop: Crop, side: number, ground: string | null): HTMLCanvasElement {
  let size = side;
  while (size * 2 <= crop.side && size < 1024) size *= 2;
  let canvas = square(size);
  paint(canvas, picture, crop, ground);
  while (size > side) {
    size /= 2;
    const half = square(size);
    const pen = half.getContext("2d");
    if (pen) pen.imageSmoothingQuality = "high";
    pen?.drawImage(canvas, 0, 0, size, size);
    canvas = half;
  }
  return canvas;
}

const written = (canvas: HTMLCanvasElement, type: string, quality?: number): Promise<Blob | null> => new Promise((done) => canvas.toBlob(done, type, quality));

/** The icon, in the best way that a network takes. */
export async function write(picture: ImageBitmap, crop: Crop, spec: IconSpec): Promise<File> {
  for (const { type, quality, side } of attempts(spec)) {
    // JPEG has no transparency: transparent pixels become white.
    const blob = await written(scaled(picture, crop, side, type === "image/jpeg" ? "#fff" : null), type, quality);
    if (blob && blob.type === type && blob.size <= mostBytes(spec)) return new File([blob], "icon", { type });
  }
  throw new PictureError("way");
}
