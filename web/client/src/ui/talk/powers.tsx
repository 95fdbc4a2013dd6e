// Builds the menu entries of an operator about a person in a room, and asks before what is hard to take back. Does not decide what is allowed (see `room.menu`).
import { useSignal } from "@preact/signals";
import { command } from "../../app/store";
import type { Talk } from "../../state/model";
import type { MenuItem } from "../../wire/types";
import { errorText, w } from "../../words";
import { m } from "../../words/later";
import { Dialog, openDialog, toast } from "../Dialog";
import { TextField } from "../fields";
import { Problem } from "../front/problem";
import type { IconName } from "../icons";
import { extendMenu, type Item } from "../Menu";
import { bansDialog } from "./Bans";

const ICONS: Record<string, IconName> = { voice: "chat", devoice: "mute", op: "up", deop: "down", member: "people", admin: "up", owner: "keep", unaffiliate: "down", kick: "out", ban: "block", bans: "block", configure: "settings" };

/** The page's words for an entry of `room.menu`, by its id; where it has none, the daemon's label. */
const labelOf = (item: MenuItem): string => m.powers.labels[item.id ?? ""] ?? item.label;

/** `nick`: whom it is done to; without one, the room itself. */
interface Deed { talk: Talk; nick?: string; name: string; item: MenuItem }

const act = ({ talk, nick, item }: Deed, reason?: string): Promise<unknown> =>
  command("room.action", { conversation: talk.id, ...(nick === undefined ? {} : { name: nick }), action: item.id, ...(reason ? { reason } : {}) });

function Question({ deed, close }: { deed: Deed; close(): void }) {
  const { item, name, talk } = deed;
  const reason = useSignal("");
  const busy = useSignal(false);
  const error = useSignal<unknown>(null);
  const submit = () => {
    if (busy.value) return;
    busy.value = true;
    act(deed, reason.value.trim()).then(close, (cause: unknown) => {
      error.value = cause;
      busy.value = false;
    });
  };
  const id = item.id ?? "";
  return (
    <Dialog title={m.powers.titles[id]?.(name, talk.title) ?? m.powers.title(labelOf(item), name)} testid="act-dialog" onClose={close} onSubmit={submit}
      actions={<><button type="button" onClick={close}>{w.cancel}</button><button type="submit" class={item.danger ? "primary danger" : "primary"} disabled={busy.value} data-testid="act-ok">{m.powers.yes[id] ?? labelOf(item)}</button></>}>
      {m.powers.leads[id] && <p>{m.powers.leads[id]}</p>}
      {item.reason && <TextField label={`${m.powers.reason} (${w.optional})`} name="reason" value={reason.value} hint={m.powers.reasonHint} autofocus onInput={(text) => (reason.value = text)} />}
      {error.value !== null && <Problem text={errorText(error.value)} />}
    </Dialog>
  );
}

/** A placeholder for the menu that is opened with `key`; what one may do with the room itself takes its place when it is known. */
export const roomPowers = (talk: Talk, key: string): Item[] =>
  fetched(talk, key, undefined, (item) => ({
    label: labelOf(item),
    icon: ICONS[item.id ?? ""] ?? "globe",
    testid: `power-${item.id ?? ""}`,
    run: () => (item.id === "bans" ? bansDialog(talk) : void act({ talk, name: talk.title, item }).catch((error: unknown) => toast(errorText(error)))),
  }));

/** The same for what one may do to somebody. */
export function powers(talk: Talk, nick: string, name: string, key: string): Item[] {
  const entry = (item: MenuItem): Item => {
    const deed = { talk, nick, name, item };
    const run = () => {
      if (item.reason || item.danger) openDialog((close) => <Question deed={deed} close={close} />);
      else act(deed).catch((error: unknown) => toast(errorText(error)));
    };
    return { label: labelOf(item) + (item.reason || item.danger ? "…" : ""), icon: ICONS[item.id ?? ""] ?? "globe", danger: item.danger === true, testid: `power-${item.id ?? ""}`, run };
  };
  return fetched(talk, key, nick, entry);
}

function fetched(talk: Talk, key: string, nick: string | undefined, entry: (item: MenuItem) => Item): Item[] {
  const head: Item = { kind: "wait", label: w.loading };
  const put = (items: Item[]) => extendMenu(key, (old) => old.flatMap((one): Item[] => (one === head ? (items.length > 0 ? [{ kind: "line" }, ...items] : []) : [one])));
  command<{ items?: MenuItem[] }>("room.menu", { conversation: talk.id, ...(nick === undefined ? {} : { name: nick }) }).then((result) => put((result?.items ?? []).map(entry)), () => put([]));
  return [head];
}
