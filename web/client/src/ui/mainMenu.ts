// The page's own menu: look, sounds, help, sign out; it must not draw.
import { choose, prefs } from "../app/prefs";
import { mayRegister, signOut } from "../app/session";
import { user } from "../app/store";
import { CHOICES } from "../state/choices";
import { w } from "../words";
import { m } from "../words/later";
import { confirm } from "./dialogs/Ask";
import { keepDialog } from "./account/Keep";
import { findDialog } from "./dialogs/Find";
import { helpDialog } from "./dialogs/Help";
import { searchDialog } from "./search/Search";
import { settingsDialog } from "./settings/Settings";
import type { Item } from "./Menu";

const THEME_ICONS = { system: "desk", light: "sun", dark: "moon", contrast: "half" } as const;

/** The account here, or how to have one. */
function own(): Item[] {
  if (user.value?.guest === false) return [{ label: w.menu.account, icon: "people", testid: "open-account", run: () => settingsDialog("you") }];
  return mayRegister.value ? [{ label: w.menu.keep, icon: "keep", testid: "keep-things", run: keepDialog }] : [];
}

export function mainMenu(): Item[] {
  return [
    { label: m.search.label, icon: "search", hint: "Ctrl Shift F", testid: "open-search", run: () => searchDialog() },
    { label: m.find.open, icon: "search", hint: "Alt R", testid: "open-find", run: () => findDialog() },
    { kind: "line" },
    { kind: "head", label: w.menu.theme },
    ...CHOICES.theme.values.map((value): Item => ({ label: w.menu[value], icon: THEME_ICONS[value], checked: prefs.theme.value === value, testid: `theme-${value}`, run: () => choose("theme", value) })),
    { kind: "line" },
    { label: w.menu.sound, icon: prefs.sound.value ? "sound" : "mute", checked: prefs.sound.value, testid: "toggle-sound", run: () => choose("sound", !prefs.sound.value) },
    { label: w.menu.settings, icon: "settings", testid: "open-settings", run: () => settingsDialog() },
    { label: w.menu.help, icon: "help", hint: "?", testid: "open-help", run: helpDialog },
    { kind: "line" },
    ...own(),
    user.value?.guest
      ? { label: w.menu.signOutGuest, icon: "out", danger: true, testid: "sign-out", run: () => confirm({ title: w.menu.forgetTitle, text: w.menu.forgetLead, yes: w.menu.signOut, danger: true, run: signOut }) }
      : { label: w.menu.signOut, icon: "out", testid: "sign-out", run: () => void signOut() },
  ];
}
