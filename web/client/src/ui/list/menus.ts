// What one can do with a buddy and with a group, as menus; it must not draw.
import { accounts, command, groups, protocolOf } from "../../app/store";
import { openBuddy } from "../../app/windows";
import { compareNames } from "../../state/order";
import { buddyName, type Person } from "../../state/roster";
import type { Buddy, CommandBody } from "../../wire/types";
import { errorText, w } from "../../words";
import { toast } from "../Dialog";
import { ask, confirm } from "../dialogs/Ask";
import { openMenu, type Item } from "../Menu";
import { serverMenu } from "../serverMenu";
import { onDropped } from "./VirtualList";

const say = (error: unknown): void => toast(errorText(error));

function each(buddies: readonly Buddy[], type: CommandBody["type"], fields: Record<string, unknown>): Promise<unknown> {
  return Promise.all(buddies.map((buddy) => command(type, { buddy: buddy.id, ...fields })));
}

onDropped((ids, group) => {
  for (const id of ids) command("buddy.move", { buddy: id, group }).catch(say);
});

function moveMenu(person: Person): void {
  const others = [...groups.value.keys()].filter((name) => name !== person.group).sort(compareNames);
  openMenu(document.activeElement ?? document.body, [
    { kind: "head", label: w.list.move },
    ...others.map((group): Item => ({ label: group || w.list.noGroup, icon: "folder", run: () => { each(person.buddies, "buddy.move", { group }).catch(say); } })),
    { kind: "line" },
    { label: w.list.newGroup, icon: "plus", run: () => ask({ title: w.list.newGroupTitle, label: w.list.addGroup, value: "", testid: "new-group-dialog", send: (group) => each(person.buddies, "buddy.move", { group }) }) },
  ]);
}

export function buddyMenu(person: Person): Item[] {
  const { best, buddies, name } = person;
  const open = (buddy: Buddy) => { openBuddy(buddy).catch(say); };
  const items: Item[] = [{ kind: "head", label: name }, { label: w.list.open, icon: "chat", testid: "menu-open", run: () => open(best) }];
  if (buddies.length > 1) {
    for (const buddy of buddies) {
      const account = accounts.value.get(buddy.account);
      items.push({ label: `${w.list.sendVia} ${protocolOf(account?.protocol ?? "")?.name ?? account?.username ?? ""}`, icon: "send", hint: buddy.name, run: () => open(buddy) });
    }
  }
  const block: Item = best.blocked
    ? { label: w.list.unblock, icon: "check", testid: "menu-unblock", run: () => { each(buddies, "buddy.unblock", {}).catch(say); } }
    : { label: w.list.block, icon: "block", testid: "menu-block", run: () => { each(buddies, "buddy.block", {}).catch(say); } };
  items.push(
    { label: w.list.info, icon: "info", testid: "menu-info", run: () => { command("buddy.info", { buddy: best.id }).catch(say); } },
    { label: w.list.alias, icon: "pen", testid: "menu-alias", run: () => ask({ title: w.list.aliasTitle(best.name), label: w.list.aliasLabel, value: best.alias || buddyName(best), testid: "alias-dialog", send: (alias) => each(buddies, "buddy.alias", { alias }) }) },
    { label: w.list.move, icon: "folder", testid: "menu-move", run: () => setTimeout(() => moveMenu(person)) },
    block,
    { label: w.list.remove, icon: "minus", danger: true, testid: "menu-remove", run: () => confirm({ title: w.list.removeTitle(name), text: w.list.removeLead, yes: w.remove, danger: true, run: () => each(buddies, "buddy.remove", {}) }) },
    ...serverMenu("buddy.menu", "buddy.action", { buddy: best.id }, `buddy ${person.key}`, name),
  );
  return items;
}

/** Into one that is there already goes every buddy, and nobody can tell them apart after that. */
function renameGroup(group: string, name: string): Promise<unknown> {
  const rename = () => command("group.rename", { group, name });
  if (name === group || !groups.value.has(name)) return rename();
  confirm({ title: w.list.mergeTitle(group, name), text: w.list.mergeLead, yes: w.list.mergeYes, danger: true, run: rename });
  return Promise.resolve();
}

export function groupMenu(group: string): Item[] {
  return [
    { kind: "head", label: group || w.list.noGroup },
    { label: w.list.renameGroup, icon: "pen", testid: "menu-group-rename", run: () => ask({ title: w.list.renameGroupTitle, label: w.list.addGroup, value: group, testid: "group-rename-dialog", send: (name) => renameGroup(group, name) }) },
    { label: w.list.removeGroup, icon: "minus", danger: true, testid: "menu-group-remove", run: () => confirm({ title: w.list.removeGroupTitle(group), text: w.list.removeGroupLead, yes: w.remove, danger: true, run: () => command("group.remove", { group }) }) },
  ];
}
