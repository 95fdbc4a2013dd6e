// The search place: what is looked for, the filters, and what was found on all networks, live; it must not know how a message is reached.
import { useSignal } from "@preact/signals";
import { useEffect, useId, useLayoutEffect, useRef } from "preact/hooks";
import { able } from "../../app/finding";
import { accounts, protocolOf, talks, user } from "../../app/store";
import { ask, asked, busy, failed, freshHits, hits, keyOf, leaveSearch, more, older, openSearch, partial } from "../../app/searching";
import type { Asked } from "../../state/hits";
import { ownName } from "../../state/names";
import type { Hit as SearchHit } from "../../wire/types";
import { errorText } from "../../words";
import { m } from "../../words/later";
import { Dialog, openDialog } from "../Dialog";
import { findDialog } from "../dialogs/Find";
import { Field, SelectField, TextField } from "../fields";
import { Problem } from "../front/problem";
import { Icon } from "../icons";
import { composing } from "../keys";
import { Hit, placeOf } from "./Hit";
import { goTo } from "./go";
import { SaveButton } from "./Saved";

const FILTERS = ["account", "conversation", "from", "since", "until"] as const;
const filtered = (now: Asked): number => FILTERS.filter((key) => !!now[key]).length;

function Filters() {
  const now = asked.value;
  const set = (key: (typeof FILTERS)[number], value: string) => ask({ ...now, [key]: value });
  const networks = [...accounts.value.values()];
  const open = [...talks.value.values()].filter((talk) => !now.account || talk.account === now.account).sort((a, b) => a.title.localeCompare(b.title));
  return (
    <div class="filters" data-testid="search-filters">
      {networks.length > 1 && (
        <SelectField label={m.search.account} name="search-account" value={now.account ?? ""} onInput={(value) => set("account", value)}
          choices={[{ value: "", label: m.search.everyNetwork }, ...networks.map((one) => ({ value: one.id, label: `${ownName(one)} · ${protocolOf(one.protocol)?.name ?? one.protocol}` }))]} />
      )}
      <SelectField label={m.search.where} name="search-conversation" value={now.conversation ?? ""} onInput={(value) => set("conversation", value)}
        choices={[{ value: "", label: m.search.everywhere }, ...open.map((talk) => ({ value: talk.id, label: talk.title }))]} />
      <TextField label={m.search.from} name="search-from" value={now.from ?? ""} placeholder={m.search.fromHint} onInput={(value) => set("from", value)} />
      <Day label={m.search.since} name="search-since" value={now.since ?? ""} max={now.until ?? undefined} onInput={(value) => set("since", value)} />
      <Day label={m.search.until} name="search-until" value={now.until ?? ""} min={now.since ?? undefined} onInput={(value) => set("until", value)} />
      {filtered(now) > 0 && <button type="button" class="text-link" data-testid="search-clear-filters" onClick={() => ask({ q: now.q })}>{m.search.clear}</button>}
    </div>
  );
}

function Day({ label, name, value, min, max, onInput }: { label: string; name: string; value: string; min?: string | undefined; max?: string | undefined; onInput(value: string): void }) {
  const id = useId();
  return (
    <Field label={label} id={id}>
      <input type="date" id={id} value={value} min={min || undefined} max={max || undefined} data-testid={`field-${name}`} onInput={(event) => onInput(event.currentTarget.value)} />
    </Field>
  );
}

/** Before anything is looked for: what can be. */
function Lead() {
  return (
    <div class="search-lead">
      <Icon name="search" size={30} />
      <p>{user.value?.guest === false ? m.search.lead : m.search.guestLead}</p>
      <dl class="ways">
        {m.search.ways.map(([typed, what]) => <div key={typed}><dt><kbd>{typed}</kbd></dt><dd>{what}</dd></div>)}
      </dl>
    </div>
  );
}

function Found({ choose, findRoom }: { choose(hit: SearchHit): void; findRoom(): void }) {
  const list = hits.value;
  const fresh = freshHits.value;
  if (failed.value !== null && list.length === 0) return <Problem text={errorText(failed.value)} />;
  if (list.length === 0) {
    if (busy.value) return <p class="lead search-wait"><i class="spinner" /> {m.search.searching}</p>;
    return (
      <div class="search-lead" data-testid="search-none">
        <Icon name="search" size={30} />
        <b>{m.search.none}</b>
        <p>{m.search.noneLead}</p>
        {filtered(asked.value) > 0 && <p>{m.search.noneFilters}</p>}
        {more.value && <button type="button" class="soft" data-testid="search-more" onClick={() => void older()}>{m.search.older}</button>}
        {able() && <button type="button" class="text-link" data-testid="search-find" onClick={findRoom}>{m.search.findRoom}</button>}
      </div>
    );
  }
  return (
    <>
      <ol class="found" data-testid="search-hits">
        {list.map((hit) => {
          const key = keyOf(hit);
          return (
            <li key={key}>
              <button type="button" data-testid="search-hit" data-name={placeOf(hit).name} data-message={hit.message.id} data-fresh={fresh.has(key)} onClick={() => choose(hit)}>
                <Hit hit={hit} fresh={fresh.has(key)} />
              </button>
            </li>
          );
        })}
      </ol>
      {failed.value !== null && <Problem text={errorText(failed.value)} />}
      {more.value && <button type="button" class="soft" data-testid="search-more" onClick={() => void older()}>{busy.value ? <i class="spinner" /> : null}{m.search.older}</button>}
    </>
  );
}

function Search({ close }: { close(): void }) {
  const now = asked.value;
  const open = useSignal(filtered(now) > 0);
  const box = useRef<HTMLInputElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const any = now.q.trim() !== "";
  useLayoutEffect(() => box.current?.select(), []);
  useEffect(() => {
    openSearch();
    return leaveSearch;
  }, []);
  const choose = (hit: SearchHit) => goTo(hit, close);
  const findRoom = () => {
    close();
    findDialog(asked.peek().q.trim());
  };
  const rows = () => [...(panel.current?.querySelectorAll<HTMLElement>(".found button") ?? [])];
  const step = (event: KeyboardEvent) => {
    if (composing(event)) return;
    if (document.activeElement === box.current && (event.key === "Escape" || event.key === "Enter")) {
      event.preventDefault();
      if (event.key === "Escape") return close();
      // On a phone the key only puts the keyboard away.
      return matchMedia("(pointer: coarse)").matches ? box.current?.blur() : first();
    }
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const all = rows();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const typing = document.activeElement === box.current;
    if (!typing && at < 0) return;
    event.preventDefault();
    const to = typing ? (event.key === "ArrowDown" ? 0 : -1) : at + (event.key === "ArrowDown" ? 1 : -1);
    if (to < 0) box.current?.focus();
    else all[Math.min(to, all.length - 1)]?.focus();
  };
  const first = () => {
    const [hit] = hits.value;
    if (hit && !busy.value) choose(hit);
  };
  return (
    <Dialog title={m.search.title} testid="search-dialog" place onClose={close}>
      <div class="search-place" ref={panel} onKeyDown={step}>
        <div class="search-top">
          <div class="search" role="search" aria-label={m.search.label}>
            <Icon name="search" size={18} />
            <input ref={box} type="search" dir="auto" data-first enterkeyhint="search" value={now.q} placeholder={m.search.placeholder} aria-label={m.search.label} data-testid="search-box" onInput={(event) => ask({ ...now, q: event.currentTarget.value })} />
            <i class="ring" aria-hidden="true" />
          </div>
          <button type="button" class="soft" aria-expanded={open.value} data-testid="search-filter" onClick={() => (open.value = !open.value)}>
            {m.search.filters}{filtered(now) > 0 && <span class="count">{filtered(now)}</span>}
          </button>
        </div>
        {open.value && <Filters />}
        <div class="search-count">
          <small role="status" class={hits.value.length === 0 ? "sr" : undefined} data-testid="search-count">{!any || failed.value !== null ? "" : hits.value.length > 0 ? m.search.found(hits.value.length, more.value) : busy.value ? "" : m.search.none}</small>
          {any && failed.value === null && <SaveButton />}
        </div>
        {any && partial.value && <p class="field-hint search-partial">{m.search.partial}</p>}
        <div class="search-found">{any ? <Found choose={choose} findRoom={findRoom} /> : <Lead />}</div>
      </div>
    </Dialog>
  );
}

/** Opens the place, with what was looked for last unless something is given. */
export function searchDialog(given?: Partial<Asked>): void {
  if (given) ask({ ...(given.q === undefined ? { q: "" } : {}), ...given } as Asked);
  openDialog((close) => <Search close={close} />);
}
