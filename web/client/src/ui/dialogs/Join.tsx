// Joining a room: the form from the protocol's own fields, and the rooms a network lists; it must not know networks.
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { presses } from "../../app/press";
import { accounts, command, protocolOf, roomLists, tell } from "../../app/store";
import { CommandError } from "../../net";
import { showResult } from "../../app/windows";
import type { RoomRow } from "../../state/model";
import { findIn, sortRooms, type RoomOrder } from "../../state/rooms";
import { fold } from "../../state/roster";
import type { RoomField } from "../../wire/types";
import { errorText, w } from "../../words";
import { m } from "../../words/later";
import { Dialog, openDialog, toast } from "../Dialog";
import { CheckField, TextField } from "../fields";
import { Problem } from "../front/problem";
import { Icon } from "../icons";
import { AccountSelect, firstOnline } from "./AddBuddy";
import { findDialog } from "./Find";

const hasRooms = (protocol: string): boolean => (protocolOf(protocol)?.room_fields.length ?? 0) > 0;
/** Rows beyond this are reached by the filter. */
const DRAWN = 200;

function fieldsOf(account: string): RoomField[] {
  return protocolOf(accounts.value.get(account)?.protocol ?? "")?.room_fields ?? [];
}

/** What a room's name says about the fields of its join form: the first required one, and where that is followed by a place, the part behind the `@`. */
export function roomGiven(account: string, name: string): Record<string, string> {
  const [first, second] = fieldsOf(account).filter((field) => field.required);
  const at = name.lastIndexOf("@");
  if (first && second && at > 0) return { [first.key]: name.slice(0, at), [second.key]: name.slice(at + 1) };
  const only = first ?? fieldsOf(account)[0];
  return only ? { [only.key]: name } : {};
}

/** Joins again without asking, as far as the name says all that is needed. */
export function rejoin(account: string, name: string): void {
  const given = roomGiven(account, name);
  const fields = Object.fromEntries(fieldsOf(account).map((field) => [field.key, given[field.key] ?? String(field.default ?? "")]).filter(([, value]) => value !== ""));
  const from = document.activeElement;
  const begun = presses();
  command<{ conversation: string }>("room.join", { account, fields }).then(
    (result) => showResult(result, from),
    // It may have taken long: whoever does something else by now is not interrupted.
    (error: unknown) => (presses() === begun ? joinDialog(account, given, error) : toast(errorText(error))),
  );
}

/** What a row says about the fields of the form: a network gives it all that joining needs, under the form's own keys. */
function rowGiven(account: string, row: RoomRow): Record<string, string> {
  const told: Record<string, string> = { name: row.name, ...row.fields };
  const given = Object.fromEntries(fieldsOf(account).flatMap(({ key }) => (told[key] === undefined ? [] : [[key, told[key]]])));
  const [first] = fieldsOf(account).filter((field) => field.required);
  // A list without the key that names the room tells it by its name.
  return first && given[first.key] === undefined ? { ...roomGiven(account, row.name), ...given } : given;
}

function RoomRows({ list, choose }: { list: string; choose(row: RoomRow): void }) {
  const filter = useSignal("");
  const chosen = useSignal<RoomOrder | null>(null);
  const found = roomLists.value.get(list);
  const all = found?.rows;
  const counted = useMemo(() => all?.some((row) => row.people !== undefined) === true, [all]);
  const order = chosen.value ?? (counted ? "people" : "name");
  const sorted = useMemo(() => sortRooms(all ?? [], order), [all, order]);
  if (!found) return <p class="lead"><i class="spinner" /> {w.loading}</p>;
  const wanted = fold(filter.value.trim());
  const rows = wanted === "" ? sorted : sorted.filter((row) => findIn(row).includes(wanted));
  return (
    <div class="rooms">
      <TextField label={m.room.filter} name="room-filter" value={filter.value} type="search" onInput={(text) => (filter.value = text)} />
      {found.error && <Problem text={errorText(found.error)} />}
      <div class="rooms-head">
        <small role="status" data-testid="room-count">{found.running && <i class="spinner" />} {m.room.found(rows.length)}</small>
        {counted && (
          <span class="rooms-order" role="group" aria-label={m.room.sort}>
            {([["people", m.room.byPeople], ["name", m.room.byName]] as const).map(([by, label]) => (
              <button key={by} type="button" class="text-link" aria-pressed={order === by} data-testid={`sort-${by}`} onClick={() => (chosen.value = by)}>{label}</button>
            ))}
          </span>
        )}
      </div>
      <ul>
        {rows.slice(0, DRAWN).map((row, at) => (
          <li key={at}>
            <button type="button" data-testid="room-row" data-name={row.name} onClick={() => choose(row)}>
              <span class="two"><b dir="auto">{row.name}</b><small dir="auto">{row.topic ?? ""}</small></span>
              {row.people !== undefined && <span class="rooms-people" title={m.room.people(row.people)}><Icon name="people" size={14} /><span aria-hidden="true">{row.people.toLocaleString()}</span><span class="sr">{m.room.people(row.people)}</span></span>}
            </button>
          </li>
        ))}
      </ul>
      {rows.length > DRAWN && <small>{m.room.more(rows.length - DRAWN)}</small>}
    </div>
  );
}

function Join({ start, given, failure, close }: { start: string | undefined; given: Record<string, unknown>; failure: unknown; close(): void }) {
  const account = useSignal(start ?? firstOnline(hasRooms));
  const values = useSignal<Record<string, string | boolean>>(Object.fromEntries(Object.entries(given).map(([key, value]) => [key, String(value)])));
  const busy = useSignal(false);
  const error = useSignal<unknown>(failure);
  const list = useSignal<string | null>(null);
  const keep = useSignal(false);
  const fields = fieldsOf(account.value);
  const valueOf = (field: RoomField): string | boolean => values.value[field.key] ?? field.default;
  const set = (key: string, value: string | boolean) => (values.value = { ...values.value, [key]: value });
  // The first one names the room; what else is left out takes the daemon's defaults, or it says what it needs.
  const first = fields.find((field) => field.required);
  const missing = first !== undefined && String(valueOf(first)).trim() === "";
  const submit = () => {
    if (busy.value || account.value === "" || missing) return;
    busy.value = true;
    error.value = null;
    const out: Record<string, string> = {};
    const second = fields.filter((field) => field.required)[1];
    if (first && second && String(valueOf(second)).trim() === "") values.value = { ...values.value, ...roomGiven(account.value, String(valueOf(first)).trim()) };
    for (const field of fields) {
      const value = String(valueOf(field)).trim();
      if (value !== "") out[field.key] = value;
    }
    command<{ conversation: string }>("room.join", { account: account.value, fields: out }).then(
      (result) => {
        if (list.value) tell("room.list_stop", { list: list.value });
        if (keep.value) command("bookmark.add", { conversation: result.conversation }).catch((cause: unknown) => toast(errorText(cause)));
        close();
        showResult(result);
      },
      (cause: unknown) => {
        error.value = cause;
        busy.value = false;
      },
    );
  };
  const named = error.value instanceof CommandError ? error.value.field?.split(".").at(-1) : undefined;
  const wrong = fields.find((field) => field.key === named)?.key ?? null;
  // One that ended too early can be asked for again.
  const failed = roomLists.value.get(list.value ?? "")?.error != null;
  const browse = () => {
    // The button keeps the focus, so it is not switched off.
    if (list.value !== null && !failed) return;
    list.value = null;
    command<{ list: string }>("room.list", { account: account.value }).then((result) => (list.value = String(result.list)), (cause: unknown) => (error.value = cause));
  };
  const choose = (row: RoomRow) => (values.value = { ...values.value, ...rowGiven(account.value, row) });
  return (
    <Dialog title={m.room.joinTitle} testid="join-dialog" onClose={close} onSubmit={submit}
      actions={<><button type="button" onClick={browse} disabled={account.value === ""} aria-disabled={list.value !== null && !failed} data-testid="room-browse">{m.room.browse}</button><span class="stretch" /><button type="button" onClick={close}>{w.cancel}</button><button type="submit" class="primary" disabled={busy.value || account.value === "" || missing} data-testid="join-ok">{m.room.join}</button></>}>
      {account.value === "" ? <p>{m.room.noAccounts}</p> : (
        <>
          <AccountSelect value={account.value} filter={hasRooms} onInput={(id) => { account.value = id; values.value = {}; list.value = null; }} />
          {fields.map((field) => {
            const value = valueOf(field);
            const label = field.label.replace(/^_|:\s*$/g, "") + (field === first ? "" : ` (${w.optional})`);
            return typeof value === "boolean"
              ? <CheckField key={field.key} label={label} name={`room-${field.key}`} value={value} onInput={(on) => set(field.key, on)} />
              : <TextField key={field.key} label={label} name={`room-${field.key}`} error={wrong === field.key ? errorText(error.value) : null} value={value} masked={field.masked} type={field.type === "int" ? "number" : "text"} autofocus={field === first} onInput={(text) => set(field.key, text)} />;
          })}
          <CheckField label={m.room.keep} name="keep-room" value={keep.value} onInput={(on) => (keep.value = on)} />
        </>
      )}
      <button type="button" class="text-link join-find" data-testid="join-find" onClick={() => { close(); findDialog(); }}>{m.find.instead}</button>
      {error.value !== null && wrong === null && <Problem text={errorText(error.value)} />}
      {list.value !== null && <RoomRows list={list.value} choose={choose} />}
    </Dialog>
  );
}

/** `failure`: why it did not work before. */
export function joinDialog(account?: string, given: Record<string, unknown> = {}, failure: unknown = null): void {
  openDialog((close) => <Join start={account} given={given} failure={failure} close={close} />);
}
