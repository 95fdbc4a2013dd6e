// What the networks ask and tell: what of it was asked for here, what is put off; it must not draw or answer.
import { computed, signal } from "@preact/signals";
import type { Authorization, CommandBody, Notice, Request } from "../wire/types";
import { w } from "../words";
import { presses } from "./press";
import { arriving } from "./session";
import { authorizations, buddies, link, notices, onCommand, onEvents, requests, settings, talks, tell, update } from "./store";

export type Prompt =
  | { key: string; kind: "request"; of: Request }
  | { key: string; kind: "authorization"; of: Authorization }
  | { key: string; kind: "notice"; of: Notice };

/** In which order they came: one that comes moves none that is there. */
const came = new Map<string, number>();
let last = 0;

function inOrder(all: Prompt[]): Prompt[] {
  const keys = new Set(all.map((one) => one.key));
  for (const key of came.keys()) if (!keys.has(key)) came.delete(key);
  for (const key of keys) if (!came.has(key)) came.set(key, ++last);
  return all.sort((a, b) => (came.get(a.key) ?? 0) - (came.get(b.key) ?? 0));
}

/** Profiles that cards of their own show. */
const taken = signal<ReadonlySet<string>>(new Set());
let taker: (notice: Notice) => boolean = () => false;
export function takeProfiles(take: (notice: Notice) => boolean): void {
  taker = take;
}

const prompts = computed<Prompt[]>(() => inOrder([
  ...[...requests.value.values()].map((of): Prompt => ({ key: `request ${of.id}`, kind: "request", of })),
  ...[...authorizations.value.values()].map((of): Prompt => ({ key: `authorization ${of.id}`, kind: "authorization", of })),
  ...[...notices.value.values()].filter((of) => of.kind !== "mail" && !taken.value.has(of.id)).map((of): Prompt => ({ key: `notice ${of.id}`, kind: "notice", of })),
]));

export function titleOf(prompt: Prompt): string {
  switch (prompt.kind) {
    case "request":
      return prompt.of.title || (prompt.of.kind === "certificate" ? w.request.certificate : prompt.of.primary) || w.request.answer;
    case "authorization":
      return w.authorization.title(prompt.of.alias || prompt.of.from);
    case "notice":
      return prompt.of.title || { message: w.app, formatted: w.app, mail: w.notice.mail, userinfo: w.notice.userinfo, search: w.notice.search, uri: w.notice.uri }[prompt.of.kind];
  }
}

// Put off: still open, but not in the way. Kept in the settings, so that it is so in every tab, and after the page was loaded anew.

const later = computed(() => {
  const list = settings.value["later"];
  return new Set(Array.isArray(list) ? list.filter((one) => typeof one === "string") : []);
});
export const waiting = computed(() => prompts.value.filter((one) => later.value.has(one.key)));

function keepLater(list: string[]): void {
  update((old) => ({ ...old, settings: { ...old.settings, later: list } }));
  tell("settings.set", { values: { later: list } }, "later");
}

export function putOff(keys: readonly string[]): void {
  const gone = new Set([...later.value, ...keys]);
  forget(keys);
  keepLater(prompts.value.map((one) => one.key).filter((key) => gone.has(key)));
}

export function bringBack(): void {
  keepLater([]);
}

// Asked for: what comes of a command of this tab, while its user does nothing else.

/** Commands after which a network asks something. */
const ASKING: ReadonlySet<string> = new Set<CommandBody["type"]>(["account.add", "account.update", "account.enable", "account.connect"]);
/** Commands after which it asks or tells something. */
const TELLING: ReadonlySet<string> = new Set<CommandBody["type"]>(["account.register", "account.password", "account.action", "buddy.info", "buddy.action", "room.join", "room.list", "room.action", "request.answer", "notice.action"]);
/** What comes later than that is a surprise. */
const PATIENCE = 60_000;

interface Asked { command: string; account: string | null; tells: boolean; presses: number; until: number }
let commands: Asked[] = [];

function accountOf(fields: Record<string, unknown>): string | null {
  const at = (key: string) => String(fields[key] ?? "");
  const subject = buddies.value.get(at("buddy")) ?? talks.value.get(at("conversation")) ?? requests.value.get(at("request")) ?? notices.value.get(at("notice"));
  return typeof fields["account"] === "string" ? fields["account"] : (subject?.account ?? null);
}

onCommand((command, type, fields) => {
  const tells = TELLING.has(type);
  if (tells || ASKING.has(type)) commands = [...commands.slice(-19), { command, account: accountOf(fields), tells, presses: presses(), until: Date.now() + PATIENCE }];
});

/** Those that were asked for, or that their reader has opened: as dialogs. */
const chosen = signal<ReadonlySet<string>>(new Set());

export function choose(key: string): void {
  chosen.value = new Set([...chosen.value, key]);
}

function forget(keys: readonly string[]): void {
  if (keys.some((key) => chosen.value.has(key))) chosen.value = new Set([...chosen.value].filter((key) => !keys.includes(key)));
}

function wasAskedFor(prompt: Prompt, origin: { client: string; command: string } | undefined): boolean {
  if (prompt.kind === "authorization") return false;
  const own = origin?.client === link.id ? commands.find((one) => one.command === origin.command) : undefined;
  // A dialog may ask on, whatever its user types meanwhile.
  if (own) return own.presses === presses() || document.querySelector("dialog[open]") !== null;
  // Invitations and the like are yes or no.
  if (origin !== undefined || prompt.of.kind === "action") return false;
  // An account that is being added has no name to be known by yet.
  return commands.some((one) => (one.account === null || one.account === prompt.of.account) && (one.tells || prompt.kind === "request") && one.presses === presses() && Date.now() < one.until);
}

/** The last that came unasked. */
export const surprises = signal<readonly Prompt[]>([]);

onEvents((events) => {
  const fresh: Prompt[] = [];
  for (const event of events) {
    const profile = event.type === "notice.opened" ? (event["notice"] as Notice) : undefined;
    if (profile?.kind === "userinfo" && taker(profile)) {
      taken.value = new Set([...[...taken.value].filter((id) => notices.value.has(id)), profile.id]);
      continue;
    }
    const kind = /^(request|authorization|notice)\.opened$/.exec(event.type)?.[1];
    const prompt = kind && prompts.value.find((one) => one.kind === kind && one.of.id === (event[kind] as { id?: string }).id);
    if (!prompt) continue;
    if (wasAskedFor(prompt, event.origin ?? undefined)) choose(prompt.key);
    else fresh.push(prompt);
  }
  if (fresh.length > 0) surprises.value = fresh;
});

/** While a guest's only account signs on there is nothing else to do. */
const isOfArrival = (prompt: Prompt): boolean => prompt.kind === "request" && prompt.of.kind !== "action" && arriving.value !== null && prompt.of.account === arriving.value.id;

const open = computed(() => prompts.value.filter((one) => !later.value.has(one.key)));
/** The one that shows as a dialog. */
export const asked = computed(() => open.value.find((one) => chosen.value.has(one.key) || isOfArrival(one)));
/** Those beside what one does. */
export const aside = computed(() => open.value.filter((one) => !chosen.value.has(one.key) && !isOfArrival(one)));
