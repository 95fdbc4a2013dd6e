// Lists the people of a room, with roles, search, ignored people and a menu of each. Does not show messages (see Log.tsx).
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { command, settings, update } from "../../app/store";
import { ignoredIn, ignoreKey } from "../../state/ignored";
import type { Talk } from "../../state/model";
import { toneOf } from "../../state/names";
import { compareKeys, fold, sortKey } from "../../state/order";
import type { Member } from "../../wire/types";
import { errorText, w } from "../../words";
import { m } from "../../words/later";
import { toast } from "../Dialog";
import { Icon } from "../icons";
import { openMenu, type Item } from "../Menu";
import { memberItems } from "../people/items";
import { powers } from "./powers";

const RANK = ["founder", "admin", "operator", "half_operator", "voice"];
const SIGN: Record<string, string> = { founder: "★", admin: "☆", operator: "@", half_operator: "%", voice: "+" };

/** The role of a member; nothing for a plain one. */
const flagOf = (member: Member, ranks: readonly string[]): string | undefined => ranks.find((flag) => member.flags?.includes(flag));

/** Where everybody has a voice, that says nothing. */
function ranksOf(members: readonly Member[]): readonly string[] {
  return members.every((member) => flagOf(member, RANK)) ? RANK.slice(0, -1) : RANK;
}

function sorted(members: readonly Member[], ranks: readonly string[]): Member[] {
  const rank = (member: Member): number => ranks.findIndex((flag) => member.flags?.includes(flag)) + 1 || RANK.length + 1;
  const keyed = members.map((member) => ({ member, rank: rank(member), key: sortKey(member.alias || member.name) }));
  return keyed.sort((a, b) => a.rank - b.rank || compareKeys(a.key, b.key)).map((one) => one.member);
}

const say = (error: unknown): void => toast(errorText(error));

/** Ignores somebody in a room, or hears them again. */
function ignore(talk: Talk, name: string, on: boolean): void {
  const others = ignoredIn(settings.value, talk.id).filter((one) => one !== name);
  const list = on ? [...others, name] : others;
  const key = ignoreKey(talk.id);
  const values = { [key]: list.length > 0 ? list : null };
  // The page has the list at once: the next name is added to it.
  update((old) => ({ ...old, settings: { ...old.settings, ...values } }));
  command("settings.set", { values }, key).catch(say);
}

function menu(event: MouseEvent, talk: Talk, member: Member, ignored: boolean): void {
  const name = member.alias || member.name;
  const key = `member ${member.name}`;
  const items: Item[] = [{ kind: "head", label: name }, ...memberItems(talk, member)];
  if (!member.flags?.includes("self")) {
    items.push(
      { label: ignored ? m.members.hear : m.members.ignore, icon: ignored ? "sound" : "mute", testid: ignored ? "menu-hear" : "menu-ignore", run: () => ignore(talk, member.name, !ignored) },
      ...powers(talk, member.name, name, key),
    );
  }
  openMenu(event, items, key);
}

/** The button with the number of ignored people, whose menu lets the user hear them again. */
function Ignored({ talk, names }: { talk: Talk; names: readonly string[] }) {
  const open = (event: MouseEvent) => openMenu(event, [
    { kind: "head", label: m.members.ignoredTitle },
    ...names.map((name): Item => ({ label: m.members.hearAgain(name), icon: "sound", testid: "hear-again", run: () => ignore(talk, name, false) })),
  ]);
  return <button type="button" class="ignored" aria-haspopup="menu" data-testid="ignored" onClick={open}><Icon name="mute" size={13} /><span>{m.members.ignored(names.length)}</span></button>;
}

/** More are counted, not drawn: a room may have thousands. */
const DRAWN = 400;
/** A room with more people has a search box; in a smaller one everybody is in sight. */
const SEARCHED = 8;

export function Members({ talk }: { talk: Talk }) {
  const query = useSignal("");
  const all = talk.members ?? [];
  const ranks = useMemo(() => ranksOf(all), [talk.members]);
  const members = useMemo(() => sorted(all, ranks), [talk.members]);
  const wanted = fold(query.value.trim());
  const found = wanted === "" ? members : members.filter((member) => fold(`${member.alias ?? ""} ${member.name}`).includes(wanted));
  const names = ignoredIn(settings.value, talk.id);
  return (
    <aside class="members" aria-label={w.talk.showPeople} data-testid="members">
      <small class="members-count" role="status">{wanted === "" ? w.talk.people(members.length) : m.members.found(found.length, members.length)}</small>
      {members.length > SEARCHED && <input type="search" class="members-search" dir="auto" placeholder={w.list.find} aria-label={m.members.search} value={query.value} data-testid="member-search" onInput={(event) => (query.value = event.currentTarget.value)} />}
      {names.length > 0 && <Ignored talk={talk} names={names} />}
      <ul>
        {found.slice(0, DRAWN).map((member) => {
          const flag = flagOf(member, ranks);
          const ignored = names.includes(member.name);
          const role = flag ? (w.talk.roles[flag] ?? flag) : "";
          const title = [role, ignored ? m.members.isIgnored : ""].filter(Boolean).join(", ");
          return (
            <li key={member.name} class={`${member.flags?.includes("away") ? "away" : ""} ${ignored ? "is-ignored" : ""}`}>
              <button type="button" data-testid="member" data-flags={(member.flags ?? []).join(" ")} data-name={member.name} title={title ? `${member.name}: ${title}` : member.name} aria-haspopup="menu" onClick={(event) => menu(event, talk, member, ignored)} onContextMenu={(event) => menu(event, talk, member, ignored)}>
                {flag && <span class="sign" role="img" aria-label={role}>{SIGN[flag]}</span>}
                <span class={`nick nick-${toneOf(member.name)}`} dir="auto">{member.alias || member.name}</span>
                {ignored && <span class="sign" role="img" aria-label={m.members.isIgnored}><Icon name="mute" size={13} /></span>}
              </button>
            </li>
          );
        })}
      </ul>
      {found.length > DRAWN && <small>+ {found.length - DRAWN}</small>}
    </aside>
  );
}
