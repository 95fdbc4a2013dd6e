// What is done to a group: its place among the others, its name, its end; it must not draw a menu.
import { announcement } from "../../app/attention";
import { command, groups } from "../../app/store";
import { moved } from "../../state/arrange";
import { ordered } from "../../state/groups";
import { errorText, w } from "../../words";
import { toast } from "../Dialog";
import { ask, confirm } from "./Ask";

const say = (error: unknown): void => toast(errorText(error));

function place(name: string, to: number): void {
  const all = ordered(groups.value);
  const changes = moved(all, name, to);
  if (changes.size === 0) return;
  Promise.all([...changes].map(([group, order]) => command("group.order", { group, order }))).catch(say);
  announcement.value = w.list.groupMoved(name || w.list.noGroup, to + 1, all.length);
}

const placeOf = (name: string): number => ordered(groups.value).findIndex((group) => group.name === name);

/** One place up or down. */
export function shiftGroup(name: string, by: 1 | -1): void {
  const to = placeOf(name) + by;
  if (to >= 0 && to < groups.value.size) place(name, to);
}

/** To where another one is. */
export function putGroup(name: string, onto: string): void {
  const to = placeOf(onto);
  if (to >= 0) place(name, to);
}

/** Under its new name it keeps its place. */
async function rename(group: string, name: string): Promise<unknown> {
  const order = groups.value.get(group)?.order ?? 0;
  const result = await command("group.rename", { group, name });
  if (order !== 0 && groups.value.get(name)?.order === 0) await command("group.order", { group: name, order });
  return result;
}

/** Into one that is there already goes every buddy, and nobody can tell them apart after that. */
function renameOrMerge(group: string, name: string): Promise<unknown> {
  if (name === group || !groups.value.has(name)) return rename(group, name);
  confirm({ title: w.list.mergeTitle(group, name), text: w.list.mergeLead, yes: w.list.mergeYes, danger: true, run: () => command("group.rename", { group, name }) });
  return Promise.resolve();
}

export const renameGroup = (group: string): void => ask({ title: w.list.renameGroupTitle, label: w.list.addGroup, value: group, testid: "group-rename-dialog", send: (name) => renameOrMerge(group, name) });

export const removeGroup = (group: string): void => confirm({ title: w.list.removeGroupTitle(group), text: w.list.removeGroupLead, yes: w.remove, danger: true, run: () => command("group.remove", { group }) });
