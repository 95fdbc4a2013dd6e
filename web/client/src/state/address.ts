// A typed account name and the protocol's parts of it; pure.
import type { Protocol, Split } from "../wire/types";

export interface Parts { user: string; parts: string[] }

export function defaultParts(protocol: Protocol): Parts {
  return { user: "", parts: protocol.username.splits.map((split) => split.default ?? "") };
}

/** Someone typed or pasted the whole name into the first box: deal it out by the separators, as far as they occur, in order. */
export function dealOut(text: string, splits: readonly Split[], old: readonly string[]): Parts {
  const parts = old.slice();
  let rest = text;
  let user: string | null = null;
  let open = -1;
  splits.forEach((split, at) => {
    const found = split.separator === "" ? -1 : rest.indexOf(split.separator);
    if (found < 0) return;
    const piece = rest.slice(0, found);
    if (user === null) user = piece;
    else parts[open] = piece;
    rest = rest.slice(found + split.separator.length);
    open = at;
  });
  if (user === null) return { user: text, parts };
  parts[open] = rest;
  return { user, parts };
}

/** The parts behind the first box that belong beside it: those that a user must give. The others are details. */
export function isMainSplit(split: Split, at: number): boolean {
  return at === 0 && split.separator !== "/" && split.separator !== "";
}

/** The other direction: a full libpurple name back into its boxes. */
export function splitName(protocol: Protocol, username: string): Parts {
  const empty = protocol.username.splits.map(() => "");
  return dealOut(username, protocol.username.splits, empty);
}

export function joinName(protocol: Protocol, value: Parts): string {
  return protocol.username.splits.reduce((text, split, at) => {
    const part = value.parts[at] ?? "";
    return part === "" && split.separator === "/" ? text : text + split.separator + part;
  }, value.user);
}
