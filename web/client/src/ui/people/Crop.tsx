// The part of a picture that is an icon: dragged, zoomed, moved by keys; it must not write it.
import { useLayoutEffect, useRef } from "preact/hooks";
import { MOST_ZOOM, moved, zoomed, zoomOf, type Crop as Part } from "../../state/icon";
import { m } from "../../words/later";
import { paint } from "./draw";

const p = m.people;
/** CSS pixels of the part, and of the previews. */
const SIDE = 232;
const PREVIEWS = [64, 32];
/** A key moves by this much of the part. */
const STEP = 0.04;

function Canvas({ picture, crop, size, round }: { picture: ImageBitmap; crop: Part; size: number; round?: boolean }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useLayoutEffect(() => {
    if (!canvas.current) return;
    canvas.current.width = canvas.current.height = Math.round(size * Math.min(devicePixelRatio, 2));
    paint(canvas.current, picture, crop, null);
  }, [picture, crop, size]);
  return <canvas ref={canvas} class={round ? "crop-preview" : ""} style={{ width: `${size}px`, height: `${size}px` }} aria-hidden="true" />;
}

export function Crop({ picture, crop, onChange }: { picture: ImageBitmap; crop: Part; onChange(crop: Part): void }) {
  const drag = useRef<{ x: number; y: number; crop: Part } | null>(null);
  const zoom = (to: number) => onChange(zoomed(crop, to, picture));
  const key = (event: KeyboardEvent) => {
    const by = crop.side * STEP * (event.shiftKey ? 4 : 1);
    const step = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] }[event.key];
    if (step) onChange(moved(crop, step[0] ?? 0, step[1] ?? 0, picture));
    else if (event.key === "+" || event.key === "=") zoom(zoomOf(crop, picture) * 1.15);
    else if (event.key === "-") zoom(zoomOf(crop, picture) / 1.15);
    else return;
    event.preventDefault();
  };
  return (
    <div class="crop">
      <div class="crop-part" tabIndex={0} role="img" aria-label={p.part} data-testid="icon-crop" data-crop={[crop.x, crop.y, crop.side].map(Math.round).join(" ")}
        onKeyDown={key}
        onWheel={(event) => { event.preventDefault(); zoom(zoomOf(crop, picture) * (event.deltaY < 0 ? 1.1 : 1 / 1.1)); }}
        onPointerDown={(event) => { event.currentTarget.setPointerCapture(event.pointerId); drag.current = { x: event.clientX, y: event.clientY, crop }; }}
        onPointerMove={(event) => {
          const from = drag.current;
          if (!from) return;
          const scale = from.crop.side / event.currentTarget.clientWidth;
          onChange(moved(from.crop, (from.x - event.clientX) * scale, (from.y - event.clientY) * scale, picture));
        }}
        onPointerUp={() => (drag.current = null)} onPointerCancel={() => (drag.current = null)}>
        <Canvas picture={picture} crop={crop} size={SIDE} />
      </div>
      <div class="crop-side">
        <p class="choice-label">{p.preview}</p>
        <div class="crop-previews">{PREVIEWS.map((size) => <Canvas key={size} picture={picture} crop={crop} size={size} round />)}</div>
        <label class="crop-zoom"><span class="choice-label">{p.zoom}</span><input type="range" min={1} max={MOST_ZOOM} step={0.05} value={zoomOf(crop, picture)} data-testid="icon-zoom" onInput={(event) => zoom(Number(event.currentTarget.value))} /></label>
      </div>
    </div>
  );
}
