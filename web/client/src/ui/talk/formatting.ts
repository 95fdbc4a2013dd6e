// Formatting as far as the conversation's network takes it: who has it, and what is sent of it; it must not draw.
import { accounts } from "../../app/store";
import { prefs } from "../../app/prefs";
import { formatted, readsMarks } from "../../state/marks";
import type { Talk } from "../../state/model";
import type { Span } from "../../wire/types";

const accountOf = (talk: Talk) => accounts.value.get(talk.account);

/** Whether words can have a style of their own there. */
export const takesFormatting = (talk: Talk): boolean => prefs.marks.value && accountOf(talk)?.features.includes("html") === true;

/** Whether each line of a text is a message there. */
export const isOfLines = (talk: Talk): boolean => accountOf(talk)?.features.includes("lines") === true;

/** The typed text as spans with formatting; undefined where it goes as plain text. */
export const spansOf = (talk: Talk, text: string): Span[] | undefined => (takesFormatting(talk) ? formatted(text, readsMarks(accountOf(talk)?.protocol ?? "")) : undefined);
