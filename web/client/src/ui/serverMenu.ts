// Menu entries that the protocol itself offers, fetched when the menu opens; it must not know which.
import { command } from "../app/store";
import type { CommandBody, MenuItem } from "../wire/types";
import { errorText, w } from "../words";
import { toast } from "./Dialog";
import { extendMenu, type Item } from "./Menu";

function flatten(items: readonly MenuItem[], run: (action: string) => void, prefix = ""): Item[] {
  return items.flatMap((one): Item[] => {
    const label = prefix ? `${prefix} › ${one.label}` : one.label;
    if (one.items && one.items.length > 0) return flatten(one.items, run, label);
    const action = one.id;
    if (action === undefined || action === null) return [];
    return [{ label, run: () => run(action) }];
  });
}

/** Placeholder entries for the menu opened with `key`; the real ones take their place when they arrive. */
export function serverMenu(type: CommandBody["type"], action: CommandBody["type"], subject: Record<string, unknown>, key: string): Item[] {
  const head: Item = { kind: "wait", label: w.loading };
  command<{ items?: MenuItem[] }>(type, subject).then(
    (result) => {
      const items = flatten(result?.items ?? [], (id) => {
        command(action, { ...subject, action: id }).catch((error: unknown) => toast(errorText(error)));
      });
      extendMenu(key, (old) => old.flatMap((one): Item[] => (one === head ? (items.length > 0 ? [{ kind: "line" }, ...items] : []) : [one])));
    },
    () => extendMenu(key, (old) => old.filter((one) => one !== head)),
  );
  return [head];
}
