// Menus of a buddy, and drops on the list; it must not draw.
import { accounts, command, groups, protocolOf, talkOfBuddy } from "../../app/store";
import { openBuddy } from "../../app/windows";
import { ordered } from "../../state/groups";
import { buddyName, type Person } from "../../state/roster";
import type { Buddy, CommandBody } from "../../wire/types";
import { errorText, w } from "../../words";
import { toast } from "../Dialog";
import { ask, confirm } from "../dialogs/Ask";
import { openMenu, type Item } from "../Menu";
import { muteItems } from "../mute";
import { serverMenu } from "../serverMenu";
import { putGroup } from "../dialogs/groups";
import { personCard } from "../people/Card";
import { onDropped } from "./drag";

const say = (error: unknown): void => toast(errorText(error));

function each(buddies: readonly Buddy[], type: CommandBody["type"], fields: Record<string, unknown>): Promise<unknown> {
  return Promise.all(buddies.map((buddy) => command(type, { buddy: buddy.id, ...fields })));
}

onDropped({
  buddies: (ids, group) => {
    for (const id of ids) command("buddy.move", { buddy: id, group }).catch(say);
  },
  group: putGroup,
});

function moveMenu(person: Person): void {
  const others = ordered(groups.value).map((group) => group.name).filter((name) => name !== person.group);
  openMenu(document.activeElement ?? document.body, [
    { kind: "head", label: w.list.move },
    ...others.map((group): Item => ({ label: group || w.list.noGroup, icon: "folder", run: () => { each(person.buddies, "buddy.move", { group }).catch(say); } })),
    { kind: "line" },
    { label: w.list.newGroup, icon: "plus", run: () => ask({ title: w.list.newGroupTitle, label: w.list.addGroup, value: "", testid: "new-group-dialog", send: (group) => each(person.buddies, "buddy.move", { group }) }) },
  ]);
}

/** `more` stands before what the network offers, which comes later: nothing that one presses moves away. */
export function buddyMenu(person: Person, more: Item[] = []): Item[] {
  const { best, buddies, name } = person;
  const open = (buddy: Buddy) => { openBuddy(buddy).catch(say); };
  const items: Item[] = [{ kind: "head", label: name }, { label: w.list.open, icon: "chat", testid: "menu-open", run: () => open(best) }];
  if (buddies.length > 1) {
    for (const buddy of buddies) {
      const account = accounts.value.get(buddy.account);
      items.push({ label: `${w.list.sendVia} ${protocolOf(account?.protocol ?? "")?.name ?? account?.username ?? ""}`, icon: "send", hint: buddy.name, run: () => open(buddy) });
    }
  }
  const talk = buddies.map((buddy) => talkOfBuddy.value.get(buddy.id)).find((one) => one !== undefined);
  const block: Item = best.blocked
    ? { label: w.list.unblock, icon: "check", testid: "menu-unblock", run: () => { each(buddies, "buddy.unblock", {}).catch(say); } }
    : { label: w.list.block, icon: "block", testid: "menu-block", run: () => { each(buddies, "buddy.block", {}).catch(say); } };
  items.push(
    { label: w.list.info, icon: "info", testid: "menu-info", run: () => personCard(best) },
    { label: w.list.alias, icon: "pen", testid: "menu-alias", run: () => ask({ title: w.list.aliasTitle(best.name), label: w.list.aliasLabel, value: best.alias || buddyName(best), testid: "alias-dialog", send: (alias) => each(buddies, "buddy.alias", { alias }) }) },
    { label: w.list.move, icon: "folder", testid: "menu-move", run: () => setTimeout(() => moveMenu(person)) },
    ...(talk ? muteItems(talk.id, name) : []),
    block,
    { label: w.list.remove, icon: "minus", danger: true, testid: "menu-remove", run: () => confirm({ title: w.list.removeTitle(name), text: w.list.removeLead, yes: w.remove, danger: true, run: () => each(buddies, "buddy.remove", {}) }) },
    ...more,
    ...serverMenu("buddy.menu", "buddy.action", { buddy: best.id }, `buddy ${person.key}`, name),
  );
  return items;
}
