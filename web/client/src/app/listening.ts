// Rooms whose window was closed and that one is still in: they stand in the list, and come back when they call their user; it must not draw.
import { computed } from "@preact/signals";
import { settings, tell, update } from "./store";

const KEY = "listening";

const list = computed<string[]>(() => {
  const value = settings.value[KEY];
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
});

/** By the ids of the conversations. */
export const listening = computed<ReadonlySet<string>>(() => new Set(list.value));

export function listen(id: string, on: boolean): void {
  if (listening.peek().has(id) === on) return;
  const next = on ? [...list.peek(), id] : list.peek().filter((one) => one !== id);
  update((old) => ({ ...old, settings: { ...old.settings, [KEY]: next } }));
  tell("settings.set", { values: { [KEY]: next.length > 0 ? next : null } }, KEY);
}
