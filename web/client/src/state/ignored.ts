// People in rooms of whom the user wants to hear nothing, by the settings; pure. The daemon leaves out what they say.
import type { Settings } from "../wire/types";

/** The setting of a room: a list of nicks. */
export const ignoreKey = (conversation: string): string => `ignore.${conversation}`;

export function ignoredIn(settings: Settings, conversation: string): readonly string[] {
  const list = settings[ignoreKey(conversation)];
  return Array.isArray(list) ? list.filter((one): one is string => typeof one === "string") : [];
}
