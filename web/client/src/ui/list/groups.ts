// The menu of a group; it must not carry anything out.
import { groups } from "../../app/store";
import { ordered } from "../../state/groups";
import { w } from "../../words";
import { removeGroup, renameGroup, shiftGroup } from "../dialogs/groups";
import type { Item } from "../Menu";

export function groupMenu(group: string): Item[] {
  const all = ordered(groups.value);
  return [
    { kind: "head", label: group || w.list.noGroup },
    { label: w.list.groupUp, icon: "up", disabled: all[0]?.name === group, testid: "menu-group-up", run: () => shiftGroup(group, -1) },
    { label: w.list.groupDown, icon: "down", disabled: all.at(-1)?.name === group, testid: "menu-group-down", run: () => shiftGroup(group, 1) },
    { label: w.list.renameGroup, icon: "pen", testid: "menu-group-rename", run: () => renameGroup(group) },
    { label: w.list.removeGroup, icon: "minus", danger: true, testid: "menu-group-remove", run: () => removeGroup(group) },
  ];
}
