// One conversation, in whatever frame: header, messages, people, box; it must not place itself on the screen.
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { accounts, buddies, protocolOf, settings, typing, user } from "../../app/store";
import { arrangement, close, touch } from "../../app/windows";
import { isKept } from "../../state/keeping";
import type { Talk as TalkState } from "../../state/model";
import { buddyName, presenceOf } from "../../state/roster";
import { w } from "../../words";
import { isRestarting } from "../accountState";
import { Icon } from "../icons";
import { parts, rejoin } from "../later";
import { KeptPill } from "../LinkPill";
import { MuteMark } from "../mute";
import { Composer } from "./Composer";
import { fileDrop } from "./Files";
import { Log } from "./Log";
import { TalkAvatar } from "./TalkAvatar";
import { openTalkMenu } from "./talkMenu";

function subtitle(talk: TalkState): string {
  if (talk.kind === "room") {
    const people = talk.members ? w.talk.people(talk.members.length) : "";
    return [talk.topic || w.talk.noTopic, people].filter(Boolean).join(" · ");
  }
  const buddy = talk.buddy ? buddies.value.get(talk.buddy) : undefined;
  if (!buddy) return talk.name !== talk.title ? talk.name : (protocolOf(accounts.value.get(talk.account)?.protocol ?? "")?.name ?? talk.name);
  const words = w.status as unknown as Record<string, string>;
  return buddy.status_message || words[buddy.status] || buddy.name;
}

function TypingLine({ talk }: { talk: TalkState }) {
  const states = Object.entries(typing.value.get(talk.id) ?? {});
  const name = (who: string) => (talk.kind === "im" ? talk.title : who);
  const writing = states.filter(([, state]) => state === "typing").map(([who]) => name(who));
  const paused = states.find(([, state]) => state === "paused")?.[0];
  let text = "";
  if (writing.length === 1) text = w.talk.typing(writing[0] ?? "");
  else if (writing.length === 2) text = w.talk.typingTwo(writing[0] ?? "", writing[1] ?? "");
  else if (writing.length > 2) text = w.talk.typingMany;
  else if (paused !== undefined) text = w.talk.paused(name(paused));
  return <div class={text ? "typing on" : "typing"} data-testid="typing">{writing.length > 0 && <span class="typing-dots" aria-hidden="true"><i /><i /><i /></span>}{text}</div>;
}

export interface TalkProps {
  talk: TalkState;
  /** Controls of the frame, right in the header. */
  controls?: ComponentChildren;
  onBack?: () => void;
  /** News of other conversations, beside the way back to them. */
  elsewhere?: number;
  bar?: { onPointerDown?: (event: PointerEvent) => void; onDblClick?: () => void; onKeyDown?: (event: KeyboardEvent) => void };
}

/** The people of a room. Null: beside the messages where there is room for both. */
function usePeople() {
  const people = useSignal<boolean | null>(null);
  const panel = useRef<HTMLDivElement>(null);
  const asked = people.value === true;
  // Over the messages they go when something else is touched, or by Esc.
  useEffect(() => {
    if (!asked) return;
    const over = () => panel.current?.querySelector(".members-veil")?.checkVisibility() === true;
    const away = (event: Event) => {
      if (over() && event.target instanceof Element && !event.target.closest(".members, [data-testid=toggle-members], .menu")) people.value = null;
    };
    const key = (event: KeyboardEvent) => {
      if (event.key === "Escape" && over()) people.value = null;
    };
    addEventListener("pointerdown", away, true);
    addEventListener("keydown", key);
    return () => {
      removeEventListener("pointerdown", away, true);
      removeEventListener("keydown", key);
    };
  }, [asked]);
  const toggle = () => {
    const seen = panel.current?.querySelector(".members")?.checkVisibility() === true;
    people.value = seen ? false : true;
  };
  return { people, panel, toggle };
}

export function Talk({ talk, controls, onBack, elsewhere, bar }: TalkProps) {
  const account = accounts.value.get(talk.account);
  const network = protocolOf(account?.protocol ?? "")?.name;
  const room = talk.kind === "room";
  const { people, panel, toggle } = usePeople();
  const buddy = talk.buddy ? buddies.value.get(talk.buddy) : undefined;
  const off = account !== undefined && account.state !== "online";
  const gone = room && talk.joined === false;
  const Members = parts.value?.Members;
  return (
    <section class="talk" aria-label={room ? w.talk.roomLabel(talk.title) : w.talk.label(talk.title)} data-testid="conversation" data-name={talk.name} data-id={talk.id} data-kind={talk.kind}
      onPointerDown={() => touch(talk.id)} onFocusIn={() => touch(talk.id)} {...fileDrop(talk)}>
      <header class="bar" {...bar} tabIndex={bar ? 0 : undefined} onContextMenu={(event) => openTalkMenu(event, talk)}>
        {onBack && (
          <button type="button" class="tool back" aria-label={elsewhere ? w.talk.backTo(elsewhere) : w.back} onClick={onBack} data-testid="back">
            <Icon name="back" />{elsewhere ? <span class="count" data-testid="elsewhere">{elsewhere > 99 ? "99+" : elsewhere}</span> : null}
          </button>
        )}
        <TalkAvatar talk={talk} size={32} />
        <div class="bar-text">
          <h2 title={talk.name} dir="auto">{talk.title}</h2>
          <small title={subtitle(talk)} dir="auto" data-testid={room ? "topic" : "buddy-status"}>{subtitle(talk)}</small>
        </div>
        <MuteMark talk={talk} />
        {room && <button type="button" class="tool peopler" aria-label={w.talk.showPeople} title={w.talk.showPeople} aria-pressed={people.value === true} onClick={toggle} data-testid="toggle-members"><Icon name="people" size={17} /></button>}
        <button type="button" class="tool" aria-label={w.talk.window} title={w.talk.window} aria-haspopup="menu" onClick={(event) => openTalkMenu(event, talk)} data-testid="conversation-menu"><Icon name="more" size={17} /></button>
        {controls}
        {!controls && <button type="button" class="tool" aria-label={w.talk.close} title={w.talk.close} onClick={() => close(talk.id)} data-testid="close"><Icon name="close" size={17} /></button>}
      </header>
      <div class="talk-body" ref={panel}>
        <div class="talk-main">
          {parts.value && <parts.value.FindBar talk={talk} />}
          <Log talk={talk} />
          {account && isRestarting(account) ? <p class="strip-note" data-testid="reconnecting"><i class="spinner" />{w.talk.reconnecting}</p>
            : off ? <p class="strip-note">{user.value?.guest === false ? w.talk.accountOffWaits : w.talk.accountOff}</p>
            : gone ? <p class="strip-note">{w.talk.notJoined} <button type="button" class="text-link" data-testid="rejoin" onClick={() => rejoin(talk.account, talk.name)}>{w.talk.rejoin}</button></p>
            : !room && buddy && presenceOf(buddy.status) === "offline" ? <p class="strip-note">{w.talk.offline(buddyName(buddy))}</p> : null}
          {arrangement.value === "stack" && <KeptPill />}
          {user.value?.guest === false && !isKept(settings.value, talk) && <p class="unkept-note" data-testid="keeps-not">{w.talk.keepsNot}</p>}
          {parts.value && <parts.value.Stranger talk={talk} />}
          {parts.value && <parts.value.Files talk={talk} />}
          <TypingLine talk={talk} />
          <Composer talk={talk} label={!room && network ? w.talk.writeVia(talk.title, network) : w.talk.write(talk.title)} disabled={off || gone} />
        </div>
        {room && people.value !== false && (
          <div class={people.value ? "people asked" : "people"}><i class="members-veil" aria-hidden="true" />{Members ? <Members talk={talk} /> : <aside class="members" />}</div>
        )}
      </div>
    </section>
  );
}
