// The two narrower arrangements: list beside conversation, and one thing at a time; it must not float windows.
import { useLayoutEffect, useRef } from "preact/hooks";
import { peek } from "../../app/peek";
import { newsOf } from "../../app/mutes";
import { talks } from "../../app/store";
import { active, arrangement, close, onTalk, show, shown } from "../../app/windows";
import { w } from "../../words";
import { PromptPill } from "../dialogs/PromptPill";
import { Icon, Logo } from "../icons";
import { KeptPill, LinkPill } from "../LinkPill";
import { BuddyList } from "../list/BuddyList";
import { FirstSteps } from "../list/FirstSteps";
import { TalkCount } from "../list/rows";
import { MuteMark } from "../mute";
import { Talk } from "../talk/Talk";
import { TalkAvatar } from "../talk/TalkAvatar";

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
              <TalkAvatar talk={talk} size={24} />
              <span class="dock-name" dir="auto">{talk.title}</span>
              <MuteMark talk={talk} />
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
        {talk ? <Talk key={talk.id} talk={talk} controls={<></>} /> : <FirstSteps logo />}
      </main>
    </div>
  );
}

/** What is new in all conversations but one. */
function newsBeside(id: string): number {
  let sum = 0;
  for (const talk of talks.value.values()) if (talk.id !== id) sum += newsOf(talk);
  return sum;
}

/** Somebody else has written: a tap leads there. */
function PeekCard() {
  const now = peek.value;
  const talk = now && talks.value.get(now.conversation);
  if (!now || !talk) return null;
  return (
    <button type="button" class="peek" data-testid="peek" data-name={talk.name} onClick={() => show(talk.id)}>
      <TalkAvatar talk={talk} size={32} still />
      <span class="two"><b dir="auto">{now.who}</b><small dir="auto">{now.text}</small></span>
    </button>
  );
}

export function Stack() {
  const talk = onTalk.value && active.value ? talks.value.get(active.value) : undefined;
  return (
    <div class="stack">
      {talk ? (
        <main class="stack-talk"><Talk key={talk.id} talk={talk} elsewhere={newsBeside(talk.id)} onBack={() => (onTalk.value = false)} /><PeekCard /></main>
      ) : (
        <main class="stack-list">
          <header class="top"><LinkPill /><KeptPill /><PromptPill /></header>
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
