// The wide arrangement: windows on a desk, a dock, the list at the right; it must not know what windows hold.
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { talks } from "../../app/store";
import { active, area, close, focusRequest, minimise, resized, restore, save, setFrame, show, shown, snap, touch, type Win } from "../../app/windows";
import { edgeZone, half, resize, snapMove, type Edge, type Frame, type Half } from "../../state/geometry";
import type { Talk as TalkState } from "../../state/model";
import { w } from "../../words";
import { Avatar } from "../Avatar";
import { Icon, Logo } from "../icons";
import { KeptPill, LinkPill } from "../LinkPill";
import { BuddyList } from "../list/BuddyList";
import { TalkCount } from "../list/rows";
import { openMenu } from "../Menu";
import { PromptPill } from "../dialogs/Prompts";
import { presenceOfTalk, Talk } from "../talk/Talk";
import { talkMenu } from "../talk/talkMenu";

const EDGES: Edge[] = ["n", "s", "e", "w", "ne", "nw", "se", "sw"];

function others(id: string): Frame[] {
  return shown.value.filter((win) => win.id !== id && !win.minimised).map((win) => win.frame);
}

function Window({ win, talk, zone }: { win: Win; talk: TalkState; zone: { value: Half | null } }) {
  const ref = useRef<HTMLDivElement>(null);
  const { frame } = win;
  // While dragging, the element moves by itself; the state follows at the end.
  const put = (to: Frame) => {
    const style = ref.current?.style;
    if (!style) return;
    style.transform = `translate(${to.x}px, ${to.y}px)`;
    style.width = `${to.w}px`;
    style.height = `${to.h}px`;
  };
  const follow = (event: PointerEvent, moved: (dx: number, dy: number, at: PointerEvent) => void, done: (at: PointerEvent) => void) => {
    const target = event.currentTarget as HTMLElement;
    const { clientX, clientY, pointerId } = event;
    target.setPointerCapture(pointerId);
    ref.current?.classList.add("dragging");
    const move = (at: PointerEvent) => moved(at.clientX - clientX, at.clientY - clientY, at);
    const end = (at: PointerEvent) => {
      target.removeEventListener("pointermove", move);
      target.removeEventListener("pointerup", end);
      target.removeEventListener("pointercancel", end);
      ref.current?.classList.remove("dragging");
      done(at);
    };
    target.addEventListener("pointermove", move);
    target.addEventListener("pointerup", end);
    target.addEventListener("pointercancel", end);
  };
  const drag = (event: PointerEvent) => {
    if (event.button !== 0 || (event.target as Element).closest("button")) return;
    const desk = ref.current?.parentElement?.getBoundingClientRect();
    let to: Frame = frame;
    let began = false;
    let size = frame;
    follow(
      event,
      (dx, dy, at) => {
        if (!began && Math.hypot(dx, dy) < 4) return;
        if (!began && win.before) {
          // Torn off its half: the old size, under the pointer.
          const share = (event.clientX - (desk?.left ?? 0) - frame.x) / frame.w;
          size = { ...win.before, x: event.clientX - (desk?.left ?? 0) - win.before.w * share, y: frame.y };
        }
        began = true;
        to = snapMove({ ...size, x: size.x + dx, y: size.y + dy }, others(win.id), area.value);
        zone.value = desk ? edgeZone(at.clientX - desk.left, at.clientY - desk.top, area.value) : null;
        put(to);
      },
      () => {
        // Who takes a window by its bar goes on in its box.
        focusRequest.value++;
        if (!began) return;
        const where = zone.value;
        zone.value = null;
        if (where) {
          setFrame(win.id, { ...size });
          snap(win.id, where);
        } else setFrame(win.id, to);
        save();
      },
    );
  };
  const stretch = (edge: Edge) => (event: PointerEvent) => {
    if (event.button !== 0) return;
    event.stopPropagation();
    touch(win.id);
    let to = frame;
    follow(event, (dx, dy) => put((to = resize(frame, edge, dx, dy, area.value))), () => { setFrame(win.id, to); save(); });
  };
  const key = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget || event.altKey || event.ctrlKey) return;
    const step = { ArrowLeft: [-24, 0], ArrowRight: [24, 0], ArrowUp: [0, -24], ArrowDown: [0, 24] }[event.key];
    if (!step) return;
    event.preventDefault();
    const [dx = 0, dy = 0] = step;
    setFrame(win.id, event.shiftKey ? resize(frame, "se", dx, dy, area.value) : snapMove({ ...frame, x: frame.x + dx, y: frame.y + dy }, [], area.value));
    save();
  };
  const full = () => (win.before ? restore(win.id) : snap(win.id, "full"));
  return (
    <div class={active.value === win.id ? "window foremost" : "window"} ref={ref} hidden={win.minimised} style={{ transform: `translate(${frame.x}px, ${frame.y}px)`, width: `${frame.w}px`, height: `${frame.h}px`, zIndex: win.z }}>
      <Talk
        talk={talk}
        bar={{ onPointerDown: drag, onDblClick: full, onKeyDown: key }}
        controls={
          <>
            <button type="button" class="tool" aria-label={w.talk.minimise} title={w.talk.minimise} onClick={() => minimise(win.id)} data-testid="minimise"><Icon name="minus" size={16} /></button>
            <button type="button" class="tool" aria-label={win.before ? w.talk.restore : w.talk.maximise} title={win.before ? w.talk.restore : w.talk.maximise} onClick={full} data-testid="maximise"><Icon name={win.before ? "restore" : "fill"} size={14} /></button>
            <button type="button" class="tool closer" aria-label={w.talk.close} title={w.talk.close} onClick={() => close(win.id)} data-testid="close"><Icon name="close" size={16} /></button>
          </>
        }
      />
      {EDGES.map((edge) => <i key={edge} class={`edge edge-${edge}`} onPointerDown={stretch(edge)} aria-hidden="true" />)}
    </div>
  );
}

function Dock() {
  const list = shown.value;
  if (list.length === 0) return null;
  return (
    <nav class="dock" aria-label={w.desk.dock}>
      {list.map((win) => {
        const talk = talks.value.get(win.id);
        if (!talk) return null;
        const front = active.value === win.id && !win.minimised;
        return (
          <button key={win.id} type="button" class={`dock-tile ${win.minimised ? "" : "open"} ${front ? "front-most" : ""} ${talk.unread > 0 ? "news" : ""}`} title={talk.title} data-testid="dock-tile" data-name={talk.name} onClick={() => (front ? minimise(win.id) : show(win.id))} onContextMenu={(event) => openMenu(event, talkMenu(talk))}>
            <Avatar name={talk.title} room={talk.kind === "room"} presence={presenceOfTalk(talk)} size={28} />
            <span class="dock-name">{talk.title}</span>
            <TalkCount talk={talk} />
          </button>
        );
      })}
    </nav>
  );
}

export function Desk() {
  const ref = useRef<HTMLDivElement>(null);
  const zone = useSignal<Half | null>(null);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const measure = () => resized({ w: element.clientWidth, h: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const open = shown.value.filter((win) => !win.minimised);
  const ghost = zone.value ? half(zone.value, area.value) : null;
  return (
    <div class="desk">
      <header class="top"><span class="logo"><Logo size={28} />{w.app}</span><LinkPill /><KeptPill /><PromptPill /></header>
      <main class="windows" ref={ref} aria-label={w.desk.label}>
        {open.length === 0 && <div class="desk-empty" tabIndex={-1}><Logo size={72} /><p>{w.desk.empty}</p></div>}
        {ghost && <div class="ghost-frame" style={{ transform: `translate(${ghost.x}px, ${ghost.y}px)`, width: `${ghost.w}px`, height: `${ghost.h}px` }} />}
        {shown.value.map((win) => {
          const talk = talks.value.get(win.id);
          return talk ? <Window key={win.id} win={win} talk={talk} zone={zone} /> : null;
        })}
      </main>
      <Dock />
      <BuddyList />
    </div>
  );
}

