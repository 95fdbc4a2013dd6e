// Opens what is loaded only when it is wanted; whatever imports those parts in another way brings them into the first load.
import { w } from "../words";
import { toast } from "./Dialog";

type Parts = typeof import("./wanted");

/** Their looks, which the page knows by name. */
function style(): Promise<void> {
  const found = document.querySelector<HTMLLinkElement>("link[data-later]");
  if (found?.sheet) return Promise.resolve();
  found?.remove();
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = `./${document.documentElement.dataset["later"] ?? ""}.css`;
  link.dataset["later"] = "";
  return new Promise((done, failed) => {
    link.onload = () => done();
    link.onerror = () => failed(new Error("no style"));
    document.head.append(link);
  });
}

let loaded: Promise<Parts> | null = null;

/** All of it, once; what failed is tried again. */
function load(): Promise<Parts> {
  loaded ??= Promise.all([import("./wanted"), style()]).then(([parts]) => parts);
  loaded.catch(() => (loaded = null));
  return loaded;
}

/** Loads the parts, once, and opens one of them. */
const open = <K extends keyof Parts>(name: K) => (...given: Parameters<Parts[K]>): void => {
  load().then(
    (parts) => (parts[name] as (...all: unknown[]) => void)(...given),
    () => toast(w.notLoaded),
  );
};

export const addAccountDialog = open("addAccountDialog");
export const addBuddyDialog = open("addBuddyDialog");
export const editAccountDialog = open("editAccountDialog");
export const eraseDialog = open("eraseDialog");
export const helpDialog = open("helpDialog");
export const joinDialog = open("joinDialog");
export const keepDialog = open("keepDialog");
export const newMessageDialog = open("newMessageDialog");
export const settingsDialog = open("settingsDialog");

/** Loads them while nothing else is to be done: a dialog opens at once then. */
export function loadAhead(): void {
  const idle = typeof requestIdleCallback === "function" ? requestIdleCallback : (run: () => void) => setTimeout(run, 500);
  idle(() => void load().catch(() => undefined));
}
