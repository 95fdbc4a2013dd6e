// Menu entries that the protocol itself offers, fetched when the menu opens; it must not know which.
import { serverNow } from "../app/clock";
import { command } from "../app/store";
import type { CommandBody, MenuItem } from "../wire/types";
import { ago, errorText, w } from "../words";
import { toast } from "./Dialog";
import { confirm } from "./dialogs/Ask";
import { extendMenu, type Item } from "./Menu";

function flatten(items: readonly MenuItem[], run: (action: string, label: string) => void, prefix = ""): Item[] {
  return items.flatMap((one): Item[] => {
    const label = prefix ? `${prefix} › ${one.label}` : one.label;
    if (one.items && one.items.length > 0) return flatten(one.items, run, label);
    const action = one.id;
    if (one.time) return [{ kind: "head", label: `${one.label}: ${ago(one.time, serverNow())}` }];
    if (action === undefined || action === null) return [];
    return [{ label, icon: "globe", run: () => run(action, one.label) }];
  });
}

/** Entries that ask further before they do anything, and those that only look. Of all others nobody here knows what they do, nor whether it can be undone. */
const HARMLESS = /(\.\.\.|…)$|^(\(re-\))?(view|show|get|list|search|find|request|initiate)\b/i;

/** Placeholder entries for the menu of `of`, opened with `key`; the real ones take their place when they arrive. */
export function serverMenu(type: CommandBody["type"], action: CommandBody["type"], subject: Record<string, unknown>, key: string, of: string): Item[] {
  const head: Item = { kind: "wait", label: w.loading };
  command<{ items?: MenuItem[] }>(type, subject).then(
    (result) => {
      const items = flatten(result?.items ?? [], (id, label) => {
        const run = () => command(action, { ...subject, action: id });
        if (HARMLESS.test(label)) run().catch((error: unknown) => toast(errorText(error)));
        else confirm({ title: w.menu.networkTitle(label), text: w.menu.networkLead(of), yes: w.menu.networkYes, danger: true, run });
      });
      extendMenu(key, (old) => old.flatMap((one): Item[] => (one === head ? (items.length > 0 ? [{ kind: "line" }, ...items] : []) : [one])));
    },
    () => extendMenu(key, (old) => old.filter((one) => one !== head)),
  );
  return [head];
}
