// The page's own menu: look, sounds, help, sign out; it must not draw.
import { setSound, setTheme, sound, theme } from "../app/prefs";
import { mayRegister, signOut } from "../app/session";
import { user } from "../app/store";
import { w } from "../words";
import { confirm } from "./dialogs/Ask";
import { helpDialog, keepDialog, yoursDialog } from "./later";
import { openMenu, type Item } from "./Menu";

/** The account here, or how to have one. */
function own(): Item[] {
  if (user.value?.guest === false) return [{ label: w.menu.account, icon: "people", testid: "open-account", run: yoursDialog }];
  return mayRegister.value ? [{ label: w.menu.keep, icon: "keep", testid: "keep-things", run: keepDialog }] : [];
}

export function mainMenu(event: MouseEvent): void {
  openMenu(event, [
    { kind: "head", label: w.menu.theme },
    { label: w.menu.light, icon: "sun", checked: theme.value === "light", testid: "theme-light", run: () => setTheme("light") },
    { label: w.menu.dark, icon: "moon", checked: theme.value === "dark", testid: "theme-dark", run: () => setTheme("dark") },
    { label: w.menu.system, icon: "desk", checked: theme.value === "system", testid: "theme-system", run: () => setTheme("system") },
    { kind: "line" },
    { label: w.menu.sound, icon: sound.value ? "sound" : "mute", checked: sound.value, testid: "toggle-sound", run: () => setSound(!sound.value) },
    { label: w.menu.help, icon: "help", hint: "?", testid: "open-help", run: helpDialog },
    { kind: "line" },
    ...own(),
    user.value?.guest
      ? { label: w.menu.signOutGuest, icon: "out", danger: true, testid: "sign-out", run: () => confirm({ title: w.menu.forgetTitle, text: w.menu.forgetLead, yes: w.menu.signOut, danger: true, run: signOut }) }
      : { label: w.menu.signOut, icon: "out", testid: "sign-out", run: () => void signOut() },
  ]);
}
