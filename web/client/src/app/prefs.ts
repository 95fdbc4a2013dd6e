// Choices of taste (theme, sounds, hidden buddies): kept here for the front page, in the settings for everywhere else.
import { effect, signal } from "@preact/signals";
import { model, settings, tell } from "./store";

export type Theme = "system" | "light" | "dark";

function read(key: string): string | null {
  try {
    return localStorage.getItem("bellflower." + key);
  } catch {
    return null;
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem("bellflower." + key, value);
  } catch {
    // Storage is switched off: the choice lasts as long as the page.
  }
}

const asTheme = (value: unknown): Theme => (value === "light" || value === "dark" ? value : "system");

export const theme = signal<Theme>(asTheme(read("theme")));
export const sound = signal(read("sound") !== "off");
export const hideOffline = signal(read("hide_offline") === "on");

const darkQuery = matchMedia("(prefers-color-scheme: dark)");
const systemDark = signal(darkQuery.matches);
darkQuery.addEventListener("change", (event) => (systemDark.value = event.matches));

effect(() => {
  const dark = theme.value === "dark" || (theme.value === "system" && systemDark.value);
  document.documentElement.dataset["theme"] = dark ? "dark" : "light";
});

// What another browser of the same user chose arrives with the settings.
effect(() => {
  const values = settings.value;
  if (typeof values["theme"] === "string") theme.value = asTheme(values["theme"]);
  if (typeof values["sound"] === "boolean") sound.value = values["sound"];
  if (typeof values["hide_offline"] === "boolean") hideOffline.value = values["hide_offline"];
});

function share(values: Record<string, unknown>): void {
  if (model.value) tell("settings.set", { values }, "prefs " + Object.keys(values).join());
}

export function setTheme(value: Theme): void {
  theme.value = value;
  write("theme", value);
  share({ theme: value });
}

export function setSound(on: boolean): void {
  sound.value = on;
  write("sound", on ? "on" : "off");
  share({ sound: on });
}

export function setHideOffline(on: boolean): void {
  hideOffline.value = on;
  write("hide_offline", on ? "on" : "off");
  share({ hide_offline: on });
}
