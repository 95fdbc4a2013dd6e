// One conversation, in whatever frame: header, messages, people, box; it must not place itself on the screen.
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { accounts, buddies, protocolOf, settings, typing, user } from "../../app/store";
import { arrangement, close, touch } from "../../app/windows";
import { isKept } from "../../state/keeping";
import type { Talk as TalkState } from "../../state/model";
import { buddyName, presenceOf, type Presence } from "../../state/roster";
import { w } from "../../words";
import { isRestarting } from "../accountState";
import { Avatar } from "../Avatar";
import { rejoin } from "../dialogs/rejoin";
import { Icon } from "../icons";
import { KeptPill } from "../LinkPill";
import { openMenu } from "../Menu";
import { Composer } from "./Composer";
import { Log } from "./Log";
import { Members } from "./Members";
import { talkMenu } from "./talkMenu";

export function presenceOfTalk(talk: TalkState): Presence | null {
  if (talk.kind === "room") return null;
  const buddy = talk.buddy ? buddies.value.get(talk.buddy) : undefined;
  return buddy ? presenceOf(buddy.status, buddy.idle_since) : null;
}

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
  bar?: { onPointerDown?: (event: PointerEvent) => void; onDblClick?: () => void; onKeyDown?: (event: KeyboardEvent) => void };
}

export function Talk({ talk, controls, onBack, bar }: TalkProps) {
  const account = accounts.value.get(talk.account);
  const network = protocolOf(account?.protocol ?? "")?.name;
  const room = talk.kind === "room";
  const people = useSignal(arrangement.value !== "stack");
  const buddy = talk.buddy ? buddies.value.get(talk.buddy) : undefined;
  const off = account !== undefined && account.state !== "online";
  const gone = room && talk.joined === false;
  return (
    <section class="talk" aria-label={room ? w.talk.roomLabel(talk.title) : w.talk.label(talk.title)} data-testid="conversation" data-name={talk.name} data-id={talk.id} data-kind={talk.kind}
      onPointerDown={() => touch(talk.id)} onFocusIn={() => touch(talk.id)}>
      <header class="bar" {...bar} tabIndex={bar ? 0 : undefined} onContextMenu={(event) => openMenu(event, talkMenu(talk))}>
        {onBack && <button type="button" class="tool" aria-label={w.back} onClick={onBack} data-testid="back"><Icon name="back" /></button>}
        <Avatar name={talk.title} icon={buddy?.icon} presence={presenceOfTalk(talk)} room={room} size={32} />
        <div class="bar-text">
          <h2 title={talk.name}>{talk.title}</h2>
          <small title={subtitle(talk)} data-testid={room ? "topic" : "buddy-status"}>{subtitle(talk)}</small>
        </div>
        {room && <button type="button" class="tool" aria-label={w.talk.showPeople} title={w.talk.showPeople} aria-pressed={people.value} onClick={() => (people.value = !people.value)} data-testid="toggle-members"><Icon name="people" size={17} /></button>}
        <button type="button" class="tool" aria-label={w.talk.window} title={w.talk.window} aria-haspopup="menu" onClick={(event) => openMenu(event, talkMenu(talk))} data-testid="conversation-menu"><Icon name="more" size={17} /></button>
        {controls}
        {!controls && <button type="button" class="tool" aria-label={w.talk.close} title={w.talk.close} onClick={() => close(talk.id)} data-testid="close"><Icon name="close" size={17} /></button>}
      </header>
      <div class="talk-body">
        <div class="talk-main">
          <Log talk={talk} icon={buddy?.icon} />
          {account && isRestarting(account) ? <p class="strip-note" data-testid="reconnecting"><i class="spinner" />{w.talk.reconnecting}</p>
            : off ? <p class="strip-note">{user.value?.guest === false ? w.talk.accountOffWaits : w.talk.accountOff}</p>
            : gone ? <p class="strip-note">{w.talk.notJoined} <button type="button" class="text-link" data-testid="rejoin" onClick={() => rejoin(talk.account, talk.name)}>{w.talk.rejoin}</button></p>
            : !room && buddy && presenceOf(buddy.status) === "offline" ? <p class="strip-note">{w.talk.offline(buddyName(buddy))}</p> : null}
          {arrangement.value === "stack" && <KeptPill />}
          {user.value?.guest === false && !isKept(settings.value, talk) && <p class="unkept-note" data-testid="keeps-not">{w.talk.keepsNot}</p>}
          <TypingLine talk={talk} />
          <Composer talk={talk} label={!room && network ? w.talk.writeVia(talk.title, network) : w.talk.write(talk.title)} disabled={off || gone} />
        </div>
        {room && people.value && <Members talk={talk} />}
      </div>
    </section>
  );
}
