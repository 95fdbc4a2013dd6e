// Where each choice stands among the settings: the one table of it; it must not draw.
import type { ChoiceKey, SwitchKey } from "../../state/choices";
import type { IconName } from "../icons";

export type SectionId = "look" | "notify" | "talk" | "keys" | "accounts" | "you";

/** A choice, by its key; `unless`: another one switches it off. Or a part that has a face of its own. */
export type Item = { choice: ChoiceKey; unless?: SwitchKey } | { part: "permission" | "occasions" | "keys" | "accounts" | "you" };

export interface Section { id: SectionId; icon: IconName; items: readonly Item[]; users?: true }

export const SECTIONS: readonly Section[] = [
  { id: "look", icon: "sun", items: [{ choice: "theme" }, { choice: "density" }, { choice: "time" }, { choice: "sort" }, { choice: "hide_offline" }] },
  {
    id: "notify",
    icon: "bell",
    items: [{ part: "permission" }, { choice: "sound" }, { part: "occasions" }, { choice: "notify_show", unless: "notify" }, { choice: "quiet_busy" }, { choice: "highlight" }],
  },
  { id: "talk", icon: "chat", items: [{ choice: "send_key" }, { choice: "marks" }, { choice: "format_bar" }, { choice: "big_emoji" }, { choice: "skin_tone" }, { choice: "close_room" }] },
  { id: "keys", icon: "keys", items: [{ part: "keys" }] },
  { id: "accounts", icon: "people", items: [{ part: "accounts" }] },
  { id: "you", icon: "keep", items: [{ part: "you" }], users: true },
];
