// Dialogs that are no part of the first load: fetched once the page stands, or when the first is asked for; it must not draw.
import { w } from "../words";
import type * as All from "./dialogs/all";
import { toast } from "./Dialog";

const fetched = (): Promise<typeof All> => import("./dialogs/all");

/** Fetches them when there is nothing else to do, so that they open at once, also without a network. */
export function fetchDialogs(): void {
  const fetch = () => void fetched().catch(() => undefined);
  if (typeof requestIdleCallback === "function") requestIdleCallback(fetch, { timeout: 2000 });
  else setTimeout(fetch, 300);
}

function later<K extends keyof typeof All>(name: K): (...given: Parameters<(typeof All)[K]>) => void {
  return (...given) => {
    // After an upgrade of the server the part of this page is not there any more.
    fetched().then((all) => (all[name] as (...given: unknown[]) => void)(...given), () => toast(w.outdated));
  };
}

export const addAccountDialog = later("addAccountDialog");
export const editAccountDialog = later("editAccountDialog");
export const addBuddyDialog = later("addBuddyDialog");
export const eraseDialog = later("eraseDialog");
export const helpDialog = later("helpDialog");
export const joinDialog = later("joinDialog");
export const keepDialog = later("keepDialog");
export const newMessageDialog = later("newMessageDialog");
export const rejoin = later("rejoin");
export const yoursDialog = later("yoursDialog");
export const muteMenu = later("muteMenu");
export const pictureDialog = later("pictureDialog");
export const putGroup = later("putGroup");
export const removeGroup = later("removeGroup");
export const renameGroup = later("renameGroup");
export const shiftGroup = later("shiftGroup");
