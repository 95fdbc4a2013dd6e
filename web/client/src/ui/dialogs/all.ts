// The dialogs that are fetched after the first load, as one part (see ../later.ts); it must not hold anything of its own.
export { addAccountDialog, editAccountDialog } from "../account/AccountDialog";
export { keepDialog } from "../account/Keep";
export { settingsDialog } from "../settings/Settings";
export { addBuddyDialog } from "./AddBuddy";
export { eraseDialog } from "./Erase";
export { putGroup, removeGroup, renameGroup, shiftGroup } from "./groups";
export { helpDialog } from "./Help";
export { joinDialog, rejoin } from "./Join";
export { newMessageDialog } from "./NewMessage";
export { pictureDialog } from "./Picture";
export { muteMenu } from "./mute";
export { Prompts } from "./Prompts";
export { joinMark, keepMenu, markMenu } from "../list/marks";
export { EmojiHost, openEmoji } from "../talk/emoji";
export { Members } from "../talk/Members";
