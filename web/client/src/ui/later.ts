// Dialogs that are no part of the first load: fetched once the page stands, or when the first is asked for; it must not draw.
import { effect, signal } from "@preact/signals";
import { aside, asked } from "../app/prompts";
import { w } from "../words";
import type * as All from "./dialogs/all";
import { toast } from "./Dialog";
import type { Item } from "./Menu";

/** Their looks, of which the page knows the name. */
function looks(): Promise<void> {
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = `./${document.documentElement.dataset["later"] ?? ""}.css`;
  return new Promise((done, failed) => {
    link.onload = () => done();
    link.onerror = () => {
      link.remove();
      failed(new Error("no style"));
    };
    document.head.append(link);
  });
}

let all: Promise<typeof All> | null = null;

/** All of it, once it is there: for what shows by itself. */
export const parts = signal<typeof All | null>(null);

/** All of it, once; what did not come is asked for again. */
function fetched(): Promise<typeof All> {
  all ??= Promise.all([import("./dialogs/all"), looks()]).then(([found]) => (parts.value = found));
  all.catch(() => (all = null));
  return all;
}

/** Fetches them when there is nothing else to do, so that they open at once, also without a network. */
export function fetchDialogs(): void {
  const fetch = () => void fetched().catch(() => undefined);
  if (typeof requestIdleCallback === "function") requestIdleCallback(fetch, { timeout: 2000 });
  else setTimeout(fetch, 300);
}

// Questions of a network do not wait until somebody opens a dialog.
effect(() => {
  if (asked.value || aside.value.length > 0) fetched().catch(() => undefined);
});

type Openers = { [K in keyof typeof All as (typeof All)[K] extends (...given: never[]) => void ? K : never]: (typeof All)[K] };

function later<K extends keyof Openers>(name: K): (...given: Parameters<Openers[K]>) => void {
  return (...given) => {
    // After an upgrade of the server the part of this page is not there any more.
    fetched().then((all) => (all[name] as unknown as (...given: unknown[]) => void)(...given), () => toast(w.outdated));
  };
}

type Menus = { [K in keyof typeof All as (typeof All)[K] extends (...given: never[]) => Item[] ? K : never]: (typeof All)[K] };

/** The entries of a menu. */
function entries<K extends keyof Menus>(name: K): (...given: Parameters<Menus[K]>) => Promise<Item[]> {
  return async (...given) => {
    const all = await fetched().catch((error: unknown) => {
      toast(w.outdated);
      throw error;
    });
    return (all[name] as unknown as (...given: unknown[]) => Item[])(...given);
  };
}

export const accountMenu = entries("accountMenu");
export const buddyMenu = entries("buddyMenu");
export const groupMenu = entries("groupMenu");
export const listMenu = entries("listMenu");
export const mainMenu = entries("mainMenu");
export const statusMenu = entries("statusMenu");
export const addAccountDialog = later("addAccountDialog");
export const editAccountDialog = later("editAccountDialog");
export const addBuddyDialog = later("addBuddyDialog");
export const eraseDialog = later("eraseDialog");
export const findDialog = later("findDialog");
export const helpDialog = later("helpDialog");
export const joinDialog = later("joinDialog");
export const joinMark = later("joinMark");
export const keepDialog = later("keepDialog");
export const keepMenu = later("keepMenu");
export const markMenu = later("markMenu");
export const newMessageDialog = later("newMessageDialog");
export const openEmoji = later("openEmoji");
export const rejoin = later("rejoin");
export const removeAccount = later("removeAccount");
export const muteMenu = later("muteMenu");
export const pictureDialog = later("pictureDialog");
export const memberDo = later("memberDo");
export const personCard = later("personCard");
export const strangerDo = later("strangerDo");
export const putGroup = later("putGroup");
export const removeGroup = later("removeGroup");
export const renameGroup = later("renameGroup");
export const shiftGroup = later("shiftGroup");
export const searchDialog = later("searchDialog");
export const sendFiles = later("sendFiles");
export const settingsDialog = later("settingsDialog");
