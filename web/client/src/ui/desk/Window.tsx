// A window of the desk: moved by its bar, stretched by its edges, the same by keys; it must not know what it holds.
import { useRef } from "preact/hooks";
import { active, area, close, focusRequest, frames, minimise, ownFrame, restore, setFrame, snap, touch, type Win } from "../../app/windows";
import { edgeZone, resize, snapMove, type Edge, type Frame, type Half } from "../../state/geometry";
import type { Talk as TalkState } from "../../state/model";
import { w } from "../../words";
import { Icon } from "../icons";
import { memo } from "../memo";
import { Talk } from "../talk/Talk";

const EDGES: Edge[] = ["n", "s", "e", "w", "ne", "nw", "se", "sw"];

const others = (id: string): Frame[] => [...frames.value].filter(([other]) => other !== id).map(([, frame]) => frame);

/** Follows the pointer from its press to its release. */
function follow(event: PointerEvent, moved: (dx: number, dy: number, at: PointerEvent) => void, done: () => void): void {
  const target = event.currentTarget as HTMLElement;
  const { clientX, clientY, pointerId } = event;
  target.setPointerCapture(pointerId);
  const move = (at: PointerEvent) => moved(at.clientX - clientX, at.clientY - clientY, at);
  const end = () => {
    target.removeEventListener("pointermove", move);
    target.removeEventListener("pointerup", end);
    target.removeEventListener("pointercancel", end);
    done();
  };
  target.addEventListener("pointermove", move);
  target.addEventListener("pointerup", end);
  target.addEventListener("pointercancel", end);
}

/** Drawn again only when it, its place or its conversation has changed, not with every word in another. */
export const Window = memo(function Window({ win, frame, talk, zone }: { win: Win; frame: Frame | undefined; talk: TalkState; zone: { value: Half | null } }) {
  const ref = useRef<HTMLDivElement>(null);
  const seen = useRef(false);
  seen.current ||= frame !== undefined;
  // What was never looked at costs nothing.
  if (!seen.current) return null;
  const own = win.stand === "normal";
  // While dragging, the element moves by itself; the state follows at the end.
  const put = (to: Frame) => {
    const style = ref.current?.style;
    if (!style) return;
    style.transform = `translate(${to.x}px, ${to.y}px)`;
    style.width = `${to.w}px`;
    style.height = `${to.h}px`;
  };
  const drag = (event: PointerEvent) => {
    if (!frame || event.button !== 0 || (event.target as Element).closest("button")) return;
    const desk = ref.current?.parentElement?.getBoundingClientRect();
    let to = frame;
    let size = frame;
    let began = false;
    ref.current?.classList.add("dragging");
    const moved = (dx: number, dy: number, at: PointerEvent) => {
      if (!began && Math.hypot(dx, dy) < 4) return;
      const before = began || own ? null : ownFrame(win);
      if (before) {
        // Torn off its half: the old size, under the pointer.
        const at = event.clientX - (desk?.left ?? 0);
        size = { ...before, x: at - (before.w * (at - frame.x)) / frame.w, y: frame.y };
      }
      began = true;
      to = snapMove({ ...size, x: size.x + dx, y: size.y + dy }, others(win.id), area.value);
      zone.value = desk ? edgeZone(at.clientX - desk.left, at.clientY - desk.top, area.value) : null;
      put(to);
    };
    follow(event, moved, () => {
      ref.current?.classList.remove("dragging");
      // Who takes a window by its bar goes on in its box.
      focusRequest.value++;
      if (!began) return;
      const where = zone.value;
      zone.value = null;
      setFrame(win.id, where ? size : to);
      if (where) snap(win.id, where);
    });
  };
  const stretch = (edge: Edge) => (event: PointerEvent) => {
    if (!frame || event.button !== 0) return;
    event.stopPropagation();
    touch(win.id);
    let to = frame;
    ref.current?.classList.add("dragging");
    follow(event, (dx, dy) => put((to = resize(frame, edge, dx, dy, area.value))), () => {
      ref.current?.classList.remove("dragging");
      setFrame(win.id, to);
    });
  };
  const key = (event: KeyboardEvent) => {
    if (!frame || event.target !== event.currentTarget || event.altKey || event.ctrlKey) return;
    const step = { ArrowLeft: [-24, 0], ArrowRight: [24, 0], ArrowUp: [0, -24], ArrowDown: [0, 24] }[event.key];
    if (!step) return;
    event.preventDefault();
    const [dx = 0, dy = 0] = step;
    setFrame(win.id, event.shiftKey ? resize(frame, "se", dx, dy, area.value) : snapMove({ ...frame, x: frame.x + dx, y: frame.y + dy }, [], area.value));
  };
  const full = () => (own ? snap(win.id, "full") : restore(win.id));
  const fill = own ? w.talk.maximise : w.talk.restore;
  const style = frame && { transform: `translate(${frame.x}px, ${frame.y}px)`, width: `${frame.w}px`, height: `${frame.h}px`, zIndex: win.z };
  return (
    <div class={active.value === win.id ? "window foremost" : "window"} ref={ref} hidden={!frame} style={style} data-testid="window" data-stand={win.stand}>
      <Talk
        talk={talk}
        bar={{ onPointerDown: drag, onDblClick: full, onKeyDown: key }}
        controls={
          <>
            <button type="button" class="tool" aria-label={w.talk.minimise} title={w.talk.minimise} onClick={() => minimise(win.id)} data-testid="minimise"><Icon name="minus" size={16} /></button>
            <button type="button" class="tool filler" aria-label={fill} title={fill} onClick={full} data-testid="maximise"><Icon name={own ? "fill" : "restore"} size={14} /></button>
            <button type="button" class="tool closer" aria-label={w.talk.close} title={w.talk.close} onClick={() => close(win.id)} data-testid="close"><Icon name="close" size={16} /></button>
          </>
        }
      />
      {EDGES.map((edge) => <i key={edge} class={`edge edge-${edge}`} onPointerDown={stretch(edge)} aria-hidden="true" />)}
    </div>
  );
});
