// The docked list: who I am, my accounts, everybody else; it must not fetch.
import { computed, signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { hideOffline, prefs, setHideOffline } from "../../app/prefs";
import { accounts, bookmarks, buddies, groups, talks, tell } from "../../app/store";
import { active, arrangement, close, openBuddy, show } from "../../app/windows";
import { byLastTalk, lastTime, peopleOf, personsOf, ROOMS, rosterRows, TALKS, type Row } from "../../state/roster";
import { errorText, w } from "../../words";
import { toast } from "../Dialog";
import { rememberPlace } from "../focus";
import { Icon } from "../icons";
import { composing } from "../keys";
import { buddyMenu, groupMenu, joinMark, listMenu, markMenu, parts, searchDialog, shiftGroup } from "../later";
import { openMenu } from "../Menu";
import { AccountStrip } from "../account/AccountStrip";
import { Me } from "../account/Me";
import { NotifyOffer } from "../account/NotifyOffer";
import { FirstSteps } from "./FirstSteps";
import { MarkRow, PersonRow, SectionRow, TalkRow } from "./rows";
import { VirtualList } from "./VirtualList";
import { openTalkMenu } from "../talk/talkMenu";

export const query = signal("");
const searchBox = signal<HTMLInputElement | null>(null);
/** Sections that are no groups fold on this screen only; groups fold in the daemon. */
const folded = signal<ReadonlySet<string>>(new Set());
/** The row that Tab stops at, also while a conversation covers the list. */
const currentKey = signal<string | null>(null);
const localFolds = signal<ReadonlyMap<string, boolean>>(new Map());

export function focusSearch(): void {
  searchBox.value?.focus();
  searchBox.value?.select();
}

const collapsed = computed(() => {
  const set = new Set(folded.value);
  for (const group of groups.value.values()) if (localFolds.value.get(group.name) ?? group.collapsed) set.add(group.name);
  return set;
});

/** When one talked last, by the id of the buddy: in conversations that are here. */
const lastTalks = computed(() => new Map([...talks.value.values()].flatMap((talk) => (talk.kind === "im" && talk.buddy ? [[talk.buddy, lastTime(talk)] as const] : []))));
const grouped = computed(() => peopleOf(buddies.value.values(), prefs.sort.value === "name"));
const people = computed(() => (prefs.sort.value === "last" ? byLastTalk(grouped.value, lastTalks.value) : grouped.value));

const persons = computed(() => personsOf(people.value));

const rows = computed<Row[]>(() =>
  rosterRows({
    people: people.value,
    groups: groups.value,
    talks: talks.value,
    bookmarks: bookmarks.value,
    query: query.value,
    hideOffline: hideOffline.value,
    collapsed: collapsed.value,
    conversationsFirst: arrangement.value !== "desk",
    ...(arrangement.value !== "desk" ? { persons: persons.value } : {}),
    words: { rooms: w.list.rooms, conversations: w.list.conversations, noGroup: w.list.noGroup },
  }),
);

function toggle(row: Extract<Row, { kind: "section" }>): void {
  if (row.key === ROOMS || row.key === TALKS) {
    const next = new Set(folded.value);
    if (next.has(row.key)) next.delete(row.key);
    else next.add(row.key);
    folded.value = next;
    return;
  }
  localFolds.value = new Map(localFolds.value).set(row.name, !row.collapsed);
  if (groups.value.has(row.name)) tell("group.collapse", { group: row.name, collapsed: !row.collapsed }, `collapse ${row.name}`);
}

function activate(row: Row): void {
  if (row.kind === "section") toggle(row);
  else if (row.kind === "talk") show(row.talk.id);
  else if (row.kind === "mark") joinMark(row.mark);
  else if (row.kind === "person") void openBuddy(row.person.best).catch((error: unknown) => toast(errorText(error)));
}

function menu(event: MouseEvent | KeyboardEvent | Element, row: Row): void {
  if (row.kind === "section" && row.group !== null) openMenu(event, groupMenu(row.name), row.title);
  else if (row.kind === "person") openMenu(event, buddyMenu(row.person), `buddy ${row.person.key}`);
  else if (row.kind === "talk" && row.person) openMenu(event, buddyMenu(row.person, [{ label: w.talk.close, icon: "close", testid: "menu-close", run: () => close(row.talk.id) }]), `buddy ${row.person.key}`);
  else if (row.kind === "talk") openTalkMenu(event, row.talk);
  else if (row.kind === "mark") {
    // The menu opens once its code is fetched, when the event has no current target any more: the row is taken now.
    if (!(event instanceof Element)) event.preventDefault();
    markMenu(event instanceof Element ? event : ((event.currentTarget as Element | null) ?? document.body), row.mark);
  }
}

function draw(row: Row) {
  switch (row.kind) {
    case "section":
      return <SectionRow row={row} />;
    case "person":
      return <PersonRow row={row} current={isCurrent(row)} />;
    case "talk":
      return <TalkRow row={row} current={active.value === row.talk.id} />;
    case "mark":
      return <MarkRow mark={row.mark} />;
    case "empty":
      return <p class="list-empty">{row.text}</p>;
  }
}

function isCurrent(row: Extract<Row, { kind: "person" }>): boolean {
  const talk = active.value ? talks.value.get(active.value) : undefined;
  return talk?.buddy != null && row.person.buddies.some((buddy) => buddy.id === talk.buddy);
}

/** Why there are no rows, and what to do about it; on a wide screen the ways to begin are beside the list. */
function Nothing() {
  if (query.value !== "") return <div class="empty-state"><p>{w.list.noHits}</p></div>;
  if (buddies.value.size > 0) return null;
  const online = [...accounts.value.values()].some((one) => one.state === "online");
  if (arrangement.value === "stack") return <div class="empty-state"><FirstSteps lead={online ? w.list.empty : w.accounts.nothing} /></div>;
  return (
    <div class="empty-state">
      <Icon name="people" size={30} />
      <b>{online ? w.list.empty : w.accounts.nothing}</b>
      <p>{online ? w.list.emptyLead : w.accounts.nothingLead}</p>
    </div>
  );
}

export function BuddyList() {
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => {
    searchBox.value = box.current;
  }, []);
  const list = rows.value;
  const stack = arrangement.value === "stack";
  const compact = !stack && !matchMedia("(pointer: coarse)").matches;
  const nothing = list.every((row) => row.kind === "section");
  const first = () => {
    // Not those drawn last: Enter may come in the same moment as the word before it.
    const hit = rows.value.find((row) => row.kind !== "section");
    if (hit) activate(hit);
  };
  const key = (event: KeyboardEvent) => {
    if (composing(event)) return;
    if (event.key === "Escape" && query.value !== "") {
      event.preventDefault();
      query.value = "";
    } else if (event.key === "Enter") {
      first();
      query.value = "";
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      document.querySelector<HTMLElement>(".vlist [tabindex='0']")?.focus();
    }
  };
  return (
    <aside class="list" aria-label={w.list.label} data-testid="buddy-list" onFocusIn={(event) => rememberPlace(event.target)}>
      <div class="list-head"><Me /><AccountStrip /></div>
      <NotifyOffer />
      <div class="search" role="search">
        <Icon name="search" size={16} />
        <input ref={box} type="search" dir="auto" value={query.value} placeholder={w.list.find} title={w.list.search} aria-label={w.list.search} data-testid="search" onInput={(event) => (query.value = event.currentTarget.value)} onKeyDown={key} />
        <i class="ring" aria-hidden="true" />
        {query.value !== "" && <button type="button" class="tool small" aria-label={w.list.clear} onClick={() => { query.value = ""; box.current?.focus(); }}><Icon name="close" size={14} /></button>}
        <button type="button" class="tool small" aria-label={hideOffline.value ? w.list.showOffline : w.list.hideOffline} title={hideOffline.value ? w.list.showOffline : w.list.hideOffline} aria-pressed={hideOffline.value} data-testid="hide-offline" onClick={() => setHideOffline(!hideOffline.value)}><Icon name="eye" size={16} /></button>
        <button type="button" class="tool small" aria-label={w.list.actions} title={w.list.actions} aria-haspopup="menu" data-testid="list-add" onClick={(event) => openMenu(event, listMenu())}><Icon name="plus" size={16} /></button>
      </div>
      {query.value.trim() !== "" && <button type="button" class="find-messages" data-testid="find-messages" onClick={() => { searchDialog({ q: query.value }); query.value = ""; }}><Icon name="chat" size={15} /><span dir="auto">{w.list.findMessages(query.value.trim())}</span></button>}
      {parts.value && query.value === "" && <parts.value.SavedSearches />}
      <VirtualList rows={list} currentKey={currentKey} heightOf={(row) => (row.kind === "section" ? (stack ? 44 : 32) : prefs.density.value === "compact" ? (compact ? 34 : 46) : compact ? 46 : 58)} draw={draw} onActivate={activate} onMenu={menu} onShift={(row, by) => { if (row.kind === "section" && row.group !== null) shiftGroup(row.group, by); }} label={w.list.label} />
      {nothing && <Nothing />}
    </aside>
  );
}
