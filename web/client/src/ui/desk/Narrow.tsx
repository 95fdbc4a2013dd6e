// The two narrower arrangements: list beside conversation, and one thing at a time; it must not float windows.
import { useLayoutEffect, useRef } from "preact/hooks";
import { talks } from "../../app/store";
import { active, arrangement, close, onTalk, show, shown } from "../../app/windows";
import { w } from "../../words";
import { Avatar } from "../Avatar";
import { PromptPill } from "../dialogs/Prompts";
import { Icon, Logo } from "../icons";
import { KeptPill, LinkPill } from "../LinkPill";
import { BuddyList } from "../list/BuddyList";
import { TalkCount } from "../list/rows";
import { presenceOfTalk, Talk } from "../talk/Talk";

function Tabs() {
  const ref = useRef<HTMLElement>(null);
  const current = active.value;
  useLayoutEffect(() => ref.current?.querySelector(".current")?.scrollIntoView({ inline: "nearest", block: "nearest" }), [current]);
  return (
    <nav class="tabs" aria-label={w.desk.dock} ref={ref}>
      {shown.value.map((win) => {
        const talk = talks.value.get(win.id);
        if (!talk) return null;
        return (
          <span key={win.id} class={active.value === win.id ? "tab current" : "tab"}>
            <button type="button" class="tab-main" data-testid="dock-tile" data-name={talk.name} aria-current={active.value === win.id} onClick={() => show(win.id)}>
              <Avatar name={talk.title} room={talk.kind === "room"} presence={presenceOfTalk(talk)} size={24} />
              <span class="dock-name">{talk.title}</span>
              <TalkCount talk={talk} />
            </button>
            <button type="button" class="tool small" aria-label={w.talk.close} onClick={() => close(win.id)}><Icon name="close" size={13} /></button>
          </span>
        );
      })}
    </nav>
  );
}

export function Panes() {
  const talk = active.value ? talks.value.get(active.value) : undefined;
  return (
    <div class="panes">
      <div class="pane-list">
        <header class="top"><span class="logo"><Logo size={24} />{w.app}</span><LinkPill /><KeptPill /><PromptPill /></header>
        <BuddyList />
      </div>
      <main class="pane-main">
        {shown.value.length > 0 && <Tabs />}
        {talk ? <Talk key={talk.id} talk={talk} controls={<></>} /> : <div class="desk-empty" tabIndex={-1}><Logo size={72} /><p>{w.desk.empty}</p></div>}
      </main>
    </div>
  );
}

export function Stack() {
  const talk = onTalk.value && active.value ? talks.value.get(active.value) : undefined;
  return (
    <div class="stack">
      {talk ? (
        <main class="stack-talk"><Talk key={talk.id} talk={talk} onBack={() => (onTalk.value = false)} /></main>
      ) : (
        <main class="stack-list">
          <header class="top"><span class="logo"><Logo size={24} />{w.app}</span><LinkPill /><KeptPill /><PromptPill /></header>
          <BuddyList />
        </main>
      )}
      {talk && <PillWhenTroubled />}
    </div>
  );
}

function PillWhenTroubled() {
  return arrangement.value === "stack" ? <div class="stack-pill"><LinkPill onlyTrouble /></div> : null;
}
