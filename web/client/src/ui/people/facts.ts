// Collects what the page itself knows of a person, for the card and the tip. Does not ask a network (see asking.ts).
import { serverNow } from "../../app/clock";
import { accounts, buddies, groups, protocolOf, talkOfBuddy, talks } from "../../app/store";
import type { Talk } from "../../state/model";
import { named, shortName, talkTitle } from "../../state/names";
import { buddyName, lastTime, presenceOf, type Presence } from "../../state/roster";
import type { Account, Buddy } from "../../wire/types";
import { moment, span, w } from "../../words";
import { m } from "../../words/later";
import { addressOf } from "../accountState";

const p = m.people;
const words = w.status as unknown as Record<string, string>;

/** Somebody, by the network's name. `title`: what they are called where one came from. `id`: of a buddy. */
export interface Whom { account: string; name: string; title?: string | undefined; id?: string | undefined }

export interface Facts {
  name: string;
  address: string;
  buddy: Buddy | undefined;
  account: Account | undefined;
  talk: Talk | undefined;
  icon: string | null | undefined;
  presence: Presence | null;
  /** The status in words; `message` is the person's own text. */
  status: string;
  message: string;
  blocked: boolean;
  rows: readonly (readonly [label: string, value: string])[];
}

export function buddyOf({ account, name, id }: Whom): Buddy | undefined {
  const known = buddies.value.get(id ?? "");
  return known ?? named([...buddies.value.values()].filter((one) => one.account === account), name);
}

function talkOf({ account, name }: Whom, buddy: Buddy | undefined): Talk | undefined {
  const known = buddy && talkOfBuddy.value.get(buddy.id);
  return known ?? named([...talks.value.values()].filter((one) => one.kind === "im" && one.account === account), name);
}

/** The room whose name the address begins with: such an address is the person's in that room alone. */
export function roomOf({ account, name }: Whom): Talk | undefined {
  for (const one of talks.value.values()) if (one.kind === "room" && one.account === account && name.startsWith(`${one.name}/`)) return one;
  return undefined;
}

export function factsOf(whom: Whom): Facts {
  const buddy = buddyOf(whom);
  const account = accounts.value.get(whom.account);
  const talk = talkOf(whom, buddy);
  const room = roomOf(whom);
  const now = serverNow();
  const name = buddy ? buddyName(buddy) : (whom.title ?? (talk ? talk.title : talkTitle({ kind: "im", name: whom.name, title: "" })));
  const network = protocolOf(account?.protocol ?? "")?.name ?? "";
  const several = [...accounts.value.values()].filter((one) => one.protocol === account?.protocol).length > 1;
  const last = talk ? lastTime(talk) : 0;
  const rows: [string, string][] = [[p.network, several && account ? `${network} · ${addressOf(account)}` : network]];
  if (buddy && groups.value.size > 1) rows.push([p.group, buddy.group || w.list.noGroup]);
  if (room) rows.push([p.inRoom, shortName(room.name)]);
  if (buddy?.idle_since) rows.push([p.idle, p.idleFor(span(now - Date.parse(buddy.idle_since)))]);
  if (last > 0) rows.push([p.lastTalk, moment(new Date(last).toISOString(), now)]);
  const blocked = buddy?.blocked ?? talk?.blocked ?? false;
  if (blocked) rows.push([p.blocked, p.blockedYes]);
  return {
    name, buddy, account, talk, blocked, rows,
    address: whom.name,
    icon: buddy?.icon,
    presence: buddy ? presenceOf(buddy.status, buddy.idle_since) : null,
    status: buddy ? (words[buddy.status] ?? buddy.status) : "",
    message: buddy?.status_message ?? "",
  };
}
