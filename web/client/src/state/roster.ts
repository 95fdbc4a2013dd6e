// From buddies to the rows of the list: contacts, groups, order, search; it must not draw or keep state of its own.
import type { Bookmark, Buddy, Group } from "../wire/types";
import { compareGroups } from "./groups";
import type { Talk } from "./model";
import { shortName } from "./names";
import { compareKeys, compareNames, fold, sortKey } from "./order";

export { fold };

export type Presence = "online" | "away" | "busy" | "offline";

export interface Person {
  key: string;
  group: string;
  /** The buddy to show and to write to: the one that can be reached best. */
  best: Buddy;
  buddies: Buddy[];
  name: string;
  presence: Presence;
  /** What a search looks in: names and status texts of all buddies, folded. */
  find: string;
}

export type Row =
  | { kind: "section"; key: string; title: string; name: string; group: string | null; shown: number; total: number; collapsed: boolean }
  | { kind: "person"; key: string; person: Person; unread: number }
  /** `person`: who it is with, of the list. They stand there instead of in their group. */
  | { kind: "talk"; key: string; talk: Talk; person?: Person }
  /** A room to come back to. */
  | { kind: "mark"; key: string; mark: Bookmark }
  | { kind: "empty"; key: string; text: string };

/** Everybody, by group, in the order of the list. */
export type People = ReadonlyMap<string, readonly Person[]>;

export interface RosterInput {
  people: People;
  groups: ReadonlyMap<string, Group>;
  talks: ReadonlyMap<string, Talk>;
  /** Bookmarks, by id; a room that is open is shown as its conversation instead. */
  bookmarks?: ReadonlyMap<string, Bookmark>;
  query: string;
  hideOffline: boolean;
  collapsed: ReadonlySet<string>;
  /** Open conversations get a section of their own at the top (where no dock shows them), and who is in it stands nowhere else. */
  conversationsFirst: boolean;
  /** By the id of each of their buddies; needed where conversations come first. */
  persons?: ReadonlyMap<string, Person>;
  words: { rooms: string; conversations: string; noGroup: string };
}

/** Collapsed-set keys of the two sections that are no groups. */
export const ROOMS = "\u0000rooms";
export const TALKS = "\u0000talks";

const RANK: Record<Presence, number> = { online: 0, busy: 1, away: 1, offline: 3 };

export function presenceOf(status: string | null | undefined, idle?: string | null): Presence {
  switch (status) {
    case "offline":
    case "unknown":
    case "unset":
    case "invisible":
    case undefined:
    case null:
    case "":
      return "offline";
    case "unavailable":
    case "dnd":
    case "busy":
      return "busy";
    case "away":
    case "extended_away":
    case "xa":
      return "away";
    default:
      return idle ? "away" : "online";
  }
}

export function buddyName(buddy: Buddy): string {
  return buddy.alias || buddy.server_alias || shortName(buddy.name);
}

interface Keys { sort: string; find: string; presence: Presence }
const keys = new WeakMap<Buddy, Keys>();

/** Derived once per buddy object: sorting ten thousand must not fold ten thousand names again. */
function keysOf(buddy: Buddy): Keys {
  let found = keys.get(buddy);
  if (!found) {
    const name = buddyName(buddy);
    found = { sort: sortKey(name), find: `${fold(name)}\n${fold(buddy.name)}\n${fold(buddy.status_message ?? "")}`, presence: presenceOf(buddy.status, buddy.idle_since) };
    keys.set(buddy, found);
  }
  return found;
}

/** Groups and sorts everybody, by presence or by name alone: the dear part, needed only when a buddy changes, not for a search or a fold. */
export function peopleOf(buddies: Iterable<Buddy>, byNameAlone = false): People {
  const contacts = new Map<string, Person>();
  const groups = new Map<string, Person[]>();
  for (const buddy of buddies) {
    const { presence, find } = keysOf(buddy);
    const key = `${buddy.group}\u0000${buddy.contact || buddy.id}`;
    const person = contacts.get(key);
    if (!person) {
      const fresh: Person = { key, group: buddy.group, best: buddy, buddies: [buddy], name: buddyName(buddy), presence, find };
      contacts.set(key, fresh);
      const list = groups.get(buddy.group);
      if (list) list.push(fresh);
      else groups.set(buddy.group, [fresh]);
      continue;
    }
    person.buddies.push(buddy);
    person.find += `\n${find}`;
    if (RANK[presence] < RANK[person.presence]) {
      person.best = buddy;
      person.presence = presence;
      person.name = buddyName(buddy);
    }
  }
  for (const list of groups.values()) list.sort(byNameAlone ? byName : byPresence);
  return groups;
}

/** First those one has talked with, the last of them at the top; the others as they are. `last`: by the ids of buddies, in milliseconds. */
export function byLastTalk(people: People, last: ReadonlyMap<string, number>): People {
  const timeOf = (person: Person): number => Math.max(...person.buddies.map((buddy) => last.get(buddy.id) ?? 0));
  return new Map([...people].map(([group, list]) => {
    const talked = list.filter((person) => timeOf(person) > 0);
    return [group, talked.length === 0 ? list : [...talked.sort((a, b) => timeOf(b) - timeOf(a)), ...list.filter((person) => timeOf(person) === 0)]];
  }));
}

/** Everybody by the ids of their buddies. */
export function personsOf(people: People): ReadonlyMap<string, Person> {
  const found = new Map<string, Person>();
  for (const list of people.values()) for (const person of list) for (const buddy of person.buddies) found.set(buddy.id, person);
  return found;
}

const present = new WeakMap<readonly Person[], number>();

/** How many of a group are there: counted once per list, not per key press of a search. */
function onlineIn(list: readonly Person[]): number {
  let count = present.get(list);
  if (count === undefined) {
    count = 0;
    for (const person of list) if (person.presence !== "offline") count++;
    present.set(list, count);
  }
  return count;
}

const byName = (a: Person, b: Person): number => compareKeys(keysOf(a.best).sort, keysOf(b.best).sort);
const byPresence = (a: Person, b: Person): number => RANK[a.presence] - RANK[b.presence] || byName(a, b);

/** When the newest message came, for the order of conversations; milliseconds. */
export function lastTime(talk: Talk): number {
  const last = talk.messages.at(-1);
  return last ? Date.parse(last.time) || 0 : 0;
}

export function rosterRows(input: RosterInput): Row[] {
  const rows: Row[] = [];
  const query = fold(input.query.trim());
  const unread = new Map<string, number>();
  for (const talk of input.talks.values()) if (talk.buddy && talk.unread > 0) unread.set(talk.buddy, talk.unread);
  const waiting = (person: Person): number => {
    if (unread.size === 0) return 0;
    let sum = 0;
    for (const buddy of person.buddies) sum += unread.get(buddy.id) ?? 0;
    return sum;
  };

  /** Whose conversation shows is not shown again. */
  const shown = new Set<Person>();
  const withWhom = (talk: Talk): Person | undefined => {
    const buddy = talk.kind === "im" && input.conversationsFirst ? talk.buddy : null;
    return buddy ? input.persons?.get(buddy) : undefined;
  };
  const talkRow = (key: string, talk: Talk): Row => {
    const person = withWhom(talk);
    if (!person || shown.has(person)) return { kind: "talk", key: `${key}/${talk.id}`, talk };
    shown.add(person);
    return { kind: "talk", key: person.key, talk, person };
  };

  const matching = (talk: Talk) => query === "" || fold(`${talk.title}\n${talk.name}`).includes(query);
  const talks = [...input.talks.values()].filter(matching);
  const section = (key: string, title: string, list: Talk[], marks: Bookmark[] = []) => {
    const total = list.length + marks.length;
    if (total === 0) return;
    const collapsed = query === "" && input.collapsed.has(key);
    rows.push({ kind: "section", key, title, name: title, group: null, shown: total, total, collapsed });
    if (collapsed) return;
    for (const talk of list) rows.push(talkRow(key, talk));
    for (const mark of marks) rows.push({ kind: "mark", key: mark.id, mark });
  };
  if (input.conversationsFirst) {
    section(TALKS, input.words.conversations, talks.sort((a, b) => Number(b.unread > 0) - Number(a.unread > 0) || lastTime(b) - lastTime(a)));
  }

  const groups = input.people;
  const order = [...new Set([...input.groups.keys(), ...groups.keys()])].sort(compareGroups(input.groups));
  for (const name of order) {
    const all = groups.get(name) ?? [];
    const online = onlineIn(all);
    let list = all;
    if (query !== "") list = all.filter((person) => person.find.includes(query));
    else if (input.hideOffline) list = all.filter((person) => person.presence !== "offline" || waiting(person) > 0);
    if (shown.size > 0) list = list.filter((person) => !shown.has(person));
    if (query !== "" && list.length === 0) continue;
    const collapsed = query === "" && input.collapsed.has(name);
    rows.push({ kind: "section", key: `group/${name}`, title: name || input.words.noGroup, name, group: name, shown: online, total: all.length, collapsed });
    if (collapsed) continue;
    for (const person of list) rows.push({ kind: "person", key: person.key, person, unread: waiting(person) });
  }

  const rooms = input.conversationsFirst ? [] : talks.filter((talk) => talk.kind === "room").sort((a, b) => compareNames(a.title, b.title));
  const marks = [...(input.bookmarks?.values() ?? [])].filter((mark) => !input.talks.has(mark.conversation ?? "") && (query === "" || fold(mark.name).includes(query)));
  section(ROOMS, input.words.rooms, rooms, marks.sort((a, b) => compareNames(a.name, b.name)));
  return rows;
}
