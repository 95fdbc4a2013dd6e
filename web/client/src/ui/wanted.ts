// All that is loaded only when some of it is wanted, as one: parts of their own would weigh more in the first load. Only `later.ts` may import it.
export { addAccountDialog, editAccountDialog } from "./account/AccountDialog";
export { keepDialog } from "./account/Keep";
export { addBuddyDialog } from "./dialogs/AddBuddy";
export { eraseDialog } from "./dialogs/Erase";
export { helpDialog } from "./dialogs/Help";
export { joinDialog } from "./dialogs/Join";
export { newMessageDialog } from "./dialogs/NewMessage";
export { settingsDialog } from "./settings/Settings";
