// The wide arrangement: windows on a desk, a dock, the list at the right; it must not know what windows hold.
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { talks } from "../../app/store";
import { area, frames, refuseTiles, resized, shown, tileAll, tileOffer } from "../../app/windows";
import { half, type Half } from "../../state/geometry";
import { w } from "../../words";
import { PromptPill } from "../dialogs/PromptPill";
import { Icon, Logo } from "../icons";
import { KeptPill, LinkPill } from "../LinkPill";
import { BuddyList } from "../list/BuddyList";
import { FirstSteps } from "../list/FirstSteps";
import { Dock } from "./Dock";
import { Window } from "./Window";

/** Asks once whether many windows are to stand side by side. */
function TileOffer() {
  if (!tileOffer.value) return null;
  return (
    <div class="tile-offer" role="status" data-testid="tile-offer">
      <Icon name="tile" size={17} />
      <span>{w.desk.tileOffer(frames.value.size)}</span>
      <button type="button" class="text-link" onClick={tileAll} data-testid="tile-yes">{w.desk.tileYes}</button>
      <button type="button" class="tool small" aria-label={w.desk.tileNo} title={w.desk.tileNo} onClick={refuseTiles} data-testid="tile-no"><Icon name="close" size={14} /></button>
    </div>
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
  const ghost = zone.value ? half(zone.value, area.value) : null;
  return (
    <div class="desk">
      <header class="top"><span class="logo"><Logo size={28} />{w.app}</span><LinkPill /><KeptPill /><PromptPill /></header>
      <main class="windows" ref={ref} aria-label={w.desk.label}>
        {frames.value.size === 0 && <FirstSteps logo />}
        {ghost && <div class="ghost-frame" style={{ transform: `translate(${ghost.x}px, ${ghost.y}px)`, width: `${ghost.w}px`, height: `${ghost.h}px` }} />}
        {shown.value.map((win) => {
          const talk = talks.value.get(win.id);
          return talk ? <Window key={win.id} win={win} frame={frames.value.get(win.id)} talk={talk} zone={zone} /> : null;
        })}
      </main>
      <TileOffer />
      <Dock />
      <BuddyList />
    </div>
  );
}
