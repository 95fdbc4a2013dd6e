// How a group, a person and a conversation look in the list; it must not act.
import { computed } from "@preact/signals";
import { serverNow } from "../../app/clock";
import { isMuted } from "../../app/mutes";
import { accounts, protocolOf, talkOfBuddy, typing } from "../../app/store";
import { arrangement } from "../../app/windows";
import type { Talk } from "../../state/model";
import { preview } from "../../state/messages";
import { shortName } from "../../state/names";
import type { Row } from "../../state/roster";
import type { Bookmark } from "../../wire/types";
import { span, w, when } from "../../words";
import { Avatar } from "../Avatar";
import { NetworkMark } from "../glyphs";
import { Icon } from "../icons";
import { MuteMark } from "../mute";
import { TalkAvatar } from "../talk/TalkAvatar";

/** Where all are of one network, its mark says nothing. */
export const severalNetworks = computed(() => new Set([...accounts.value.values()].map((one) => one.protocol)).size > 1);

/** What is new in a conversation; one that is muted, and a room that speaks of somebody else, is quiet about it. */
export function TalkCount({ talk }: { talk: Talk }) {
  if (isMuted(talk)) return <Count n={talk.unread} quiet />;
  if (talk.kind === "im") return <Count n={talk.unread} />;
  return talk.mentions > 0 ? <Count n={talk.mentions} mention /> : <Count n={talk.unread} quiet />;
}

function Count({ n, mention, quiet }: { n: number; mention?: boolean; quiet?: boolean }) {
  if (n <= 0) return null;
  return <span class={quiet ? "count quiet" : "count"} aria-label={w.list.unread(n)} data-testid="unread">{mention ? "@" : ""}{n > 999 ? "999+" : n}</span>;
}

export function SectionRow({ row }: { row: Extract<Row, { kind: "section" }> }) {
  return (
    <div class="section">
      <Icon name={row.collapsed ? "right" : "down"} size={13} />
      <span class="section-name" dir="auto">{row.title}</span>
      <span class="section-count" aria-label={row.group === null ? undefined : w.list.countsLabel(row.shown, row.total)}>{row.group === null ? row.total : w.list.counts(row.shown, row.total)}</span>
    </div>
  );
}

const words = w.status as unknown as Record<string, string>;

export function PersonRow({ row, current }: { row: Extract<Row, { kind: "person" }>; current: boolean }) {
  const { best, buddies, name, presence } = row.person;
  const idle = best.idle_since ? w.status.idle(span(serverNow() - Date.parse(best.idle_since))) : "";
  const state = words[best.status] ?? (presence === "offline" ? w.status.offline : best.status);
  const second = [best.status_message || (presence === "online" ? "" : state), idle, best.blocked ? w.list.blocked : ""].filter(Boolean).join(" · ");
  const seen = new Set<string>();
  const talk = buddies.map((buddy) => talkOfBuddy.value.get(buddy.id)).find((one) => one !== undefined);
  // Chromium forgets to style anew what changes its class while its row is moved (moveBefore), so another look is another element.
  const look = `person ${presence} ${current ? "current" : ""}`;
  return (
    <div key={look} class={look}>
      <Avatar name={name} of={best.name} icon={best.icon} presence={presence} size={32} />
      <span class="two">
        <span class="one" dir="auto" data-testid="buddy-name">{name}</span>
        {second && <small dir="auto">{second}</small>}
      </span>
      {!second.includes(state) && <span class="sr">{state}</span>}
      {talk && <MuteMark talk={talk} />}
      <Count n={row.unread} quiet={talk !== undefined && isMuted(talk)} />
      {severalNetworks.value && buddies.map((buddy) => {
        const protocol = accounts.value.get(buddy.account)?.protocol ?? "";
        if (seen.has(protocol)) return null;
        seen.add(protocol);
        return <NetworkMark key={protocol} protocol={protocol} title={protocolOf(protocol)?.name ?? protocol} />;
      })}
    </div>
  );
}

/** A room that one is not in. */
export function MarkRow({ mark }: { mark: Bookmark }) {
  return (
    <div class="person offline" title={mark.name}>
      <Avatar name={mark.name} room size={32} />
      <span class="two"><span class="one" dir="auto">{shortName(mark.name)}</span><small>{w.list.notIn}</small></span>
    </div>
  );
}

export function TalkRow({ row, current }: { row: Extract<Row, { kind: "talk" }>; current: boolean }) {
  const { talk, person } = row;
  const last = talk.messages.at(-1);
  const writing = Object.values(typing.value.get(talk.id) ?? {}).includes("typing");
  const protocol = accounts.value.get(talk.account)?.protocol ?? "";
  const gone = person ? person.presence === "offline" : talk.joined === false;
  const look = `person ${current ? "current" : ""} ${gone ? "offline" : ""}`;
  return (
    <div key={look} class={look} title={person ? undefined : talk.name} {...(person ? { "data-testid": "list-conversation", "data-name": talk.name } : {})}>
      <TalkAvatar talk={talk} size={32} />
      <span class="two">
        <span class="head">
          <span class="one" dir="auto" {...(person ? { "data-testid": "buddy-name" } : {})}>{talk.title}</span>
          {last && arrangement.value === "stack" && <time dateTime={last.time}>{when(last.time, serverNow())}</time>}
        </span>
        <small dir="auto">{writing ? w.talk.typing(talk.title) : last && !last.topic ? `${last.from?.self ? `${w.talk.you}: ` : ""}${preview(last, talk.kind === "room")}` : (talk.topic ?? person?.best.status_message ?? "")}</small>
      </span>
      <MuteMark talk={talk} />
      <TalkCount talk={talk} />
      {severalNetworks.value && <NetworkMark protocol={protocol} title={protocolOf(protocol)?.name ?? protocol} />}
    </div>
  );
}
