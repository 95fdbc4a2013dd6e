// What is kept of conversations, by the user's settings and each conversation's own choice; pure.
import type { Conversation, Settings } from "../wire/types";

/** What holds for conversations without a choice of their own. `days`: messages older than this are deleted; 0 for never. */
export function historyOf(settings: Settings): { keep: boolean; days: number } {
  const { keep, days } = (settings["history"] ?? {}) as { keep?: unknown; days?: unknown };
  return { keep: keep !== false, days: typeof days === "number" && days > 0 ? days : 0 };
}

export const isKept = (settings: Settings, talk: Pick<Conversation, "keep">): boolean => talk.keep ?? historyOf(settings).keep;
