// Builds the menu of the list: what can be begun from it, and its order. Does not draw.
import { choose, hideOffline, prefs, setHideOffline } from "../../app/prefs";
import { CHOICES } from "../../state/choices";
import { w } from "../../words";
import { m } from "../../words/later";
import { addAccountDialog } from "../account/AccountDialog";
import { addBuddyDialog } from "../dialogs/AddBuddy";
import { findDialog } from "../dialogs/Find";
import { joinDialog } from "../dialogs/Join";
import { newMessageDialog } from "../dialogs/NewMessage";
import type { Item } from "../Menu";

const ICONS = { presence: "people", name: "topic", last: "clock" } as const;

export function listMenu(): Item[] {
  return [
    { label: w.list.newMessage, icon: "chat", testid: "menu-new-message", run: newMessageDialog },
    { label: w.list.addBuddy, icon: "people", testid: "menu-add-buddy", run: () => addBuddyDialog() },
    { label: m.find.open, icon: "search", hint: "Alt R", testid: "menu-find-room", run: () => findDialog() },
    { label: w.list.joinRoom, icon: "hash", testid: "menu-join-room", run: () => joinDialog() },
    { label: w.accounts.add, icon: "plus", testid: "menu-add-account", run: addAccountDialog },
    { kind: "line" },
    { kind: "head", label: m.settings.labels["sort"] ?? "" },
    ...CHOICES.sort.values.map((value): Item => ({ label: m.settings.values["sort"]?.[value] ?? value, icon: ICONS[value], checked: prefs.sort.value === value, testid: `sort-${value}`, run: () => choose("sort", value) })),
    { kind: "line" },
    { label: hideOffline.value ? w.list.showOffline : w.list.hideOffline, icon: "eye", testid: "menu-hide-offline", run: () => setHideOffline(!hideOffline.value) },
  ];
}
